import { implement, refuse, type Turn } from '../../runtime/index.js'
import { AuthKey, type ClientInfo, type StoredAuthKey, UNSIGNED_KEY_KEPT_MS } from './contract.js'

type AuthKeyEntry =
  | { readonly type: 'created'; readonly key: Uint8Array; readonly expiresAtMs?: number }
  | { readonly type: 'bound'; readonly permanent: string }
  | { readonly type: 'remembered'; readonly client: ClientInfo }
  | { readonly type: 'signedIn'; readonly user: number }
  | { readonly type: 'destroyed' }

interface AuthKeyShape {
  contract: AuthKey
  id: string
  /** Undefined: never created, or forgotten. `destroyed`: about to be. */
  state: StoredAuthKey | 'destroyed' | undefined
  entry: AuthKeyEntry
  memory: undefined
  reminders: { forget: undefined }
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

/** Has the key forgotten in time, unless somebody signs in on it; a temporary key's end is fixed. */
function forgetLater(turn: Turn<AuthKeyShape>): void {
  const { expiresAtMs } = existing(turn.state)
  turn.remind('forget', expiresAtMs ?? turn.nowMs + UNSIGNED_KEY_KEPT_MS)
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
      forgetLater(turn)
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
    keep(turn) {
      if (existing(turn.state).user === 0) forgetLater(turn)
    },
    signIn(turn, user) {
      const { state } = turn
      if (user === 0 && (state === undefined || state === 'destroyed')) return
      if (existing(state).user === user) return
      turn.append({ type: 'signedIn', user })
      if (user === 0) forgetLater(turn)
      else turn.cancelReminder('forget')
    },
    destroy(turn) {
      const { state } = turn
      if (state === undefined || state === 'destroyed') return
      turn.append({ type: 'destroyed' })
      turn.remind('forget', turn.nowMs)
    },
  },
  reminders: {
    forget: (turn) => turn.erase(),
  },
})
