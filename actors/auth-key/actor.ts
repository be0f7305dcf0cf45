import { implement, refuse } from '../../runtime/index.js'
import { AuthKey, type ClientInfo, type StoredAuthKey } from './contract.js'

type AuthKeyEntry =
  | { readonly type: 'created'; readonly key: Uint8Array; readonly expiresAtMs?: number }
  | { readonly type: 'bound'; readonly permanent: string }
  | { readonly type: 'remembered'; readonly client: ClientInfo }
  | { readonly type: 'signedIn'; readonly user: number }
  | { readonly type: 'destroyed' }

interface AuthKeyShape {
  contract: AuthKey
  id: string
  /** Undefined: never created. `destroyed` keys stay so: an id names one secret for ever. */
  state: StoredAuthKey | 'destroyed' | undefined
  entry: AuthKeyEntry
  memory: undefined
}

function existing(state: AuthKeyShape['state']): StoredAuthKey {
  return state === undefined || state === 'destroyed' ? refuse('AUTH_KEY_UNREGISTERED') : state
}

function applied(state: AuthKeyShape['state'], entry: AuthKeyEntry, atMs: number): AuthKeyShape['state'] {
  if (entry.type === 'created') {
    const { key, expiresAtMs } = entry
    return { key, createdAtMs: atMs, user: 0, ...(expiresAtMs !== undefined && { expiresAtMs }) }
  }
  if (entry.type === 'destroyed') return 'destroyed'
  if (state === undefined || state === 'destroyed') return state
  switch (entry.type) {
    case 'bound':
      return { ...state, permanent: entry.permanent }
    case 'remembered':
      return { ...state, client: entry.client }
    case 'signedIn':
      return { ...state, user: entry.user }
  }
}

function isSame(one: ClientInfo, other: ClientInfo | undefined): boolean {
  return other !== undefined && (Object.keys(one) as (keyof ClientInfo)[]).every((key) => one[key] === other[key])
}

export const authKeyActor = implement<AuthKeyShape>({
  type: AuthKey,
  state: { version: 1, initial: () => undefined, apply: (state, entry, { atMs }) => applied(state, entry, atMs) },
  methods: {
    create(turn, { key, expiresAtMs }) {
      const { state } = turn
      if (state !== undefined) refuse('AUTH_KEY_DUPLICATED')
      turn.append({ type: 'created', key, ...(expiresAtMs !== undefined && { expiresAtMs }) })
    },
    load({ state }) {
      return state === 'destroyed' ? undefined : state
    },
    bind(turn, { permanent }) {
      const { state } = turn
      if (existing(state).permanent !== permanent) turn.append({ type: 'bound', permanent })
    },
    remember(turn, client) {
      const { state } = turn
      if (!isSame(client, existing(state).client)) turn.append({ type: 'remembered', client })
    },
    signIn(turn, user) {
      const { state } = turn
      if (user === 0 && (state === undefined || state === 'destroyed')) return
      if (existing(state).user !== user) turn.append({ type: 'signedIn', user })
    },
    destroy(turn) {
      const { state } = turn
      if (state !== undefined && state !== 'destroyed') turn.append({ type: 'destroyed' })
    },
  },
})
