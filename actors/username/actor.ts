/**
 * Who owns a username.
 *
 * N1. A name has one owner at most. A user sets it in his journal only with the token of a reservation made here, so
 *     of two who want it one is refused.
 * N2. A reservation of another's that is old is resolved by the word of that user's journal, which is final: `held`
 *     makes him the owner, `void` means that the token can never be used afterwards.
 * N3. Tokens of one name rise.
 * N4. The search index is derived: written after the entry is durable, and again after a crash between the two.
 */
import { implement, refuse, type Turn } from '../../runtime/index.js'
import { User } from '../user/contract.js'
import { Username } from './contract.js'

/** What the actor writes for search; the storage port NameIndex fits. */
export interface UsernameRows {
  put(name: string, userId: number): Promise<void>
  remove(name: string, userId: number): Promise<void>
}

type UsernameEntry =
  | { readonly type: 'reserved'; readonly user: number; readonly token: number }
  | { readonly type: 'confirmed'; readonly user: number }
  | { readonly type: 'released' }

interface UsernameState {
  readonly owner?: number
  readonly reservation?: { readonly user: number; readonly token: number; readonly atMs: number }
  readonly lastToken: number
  /** Whose search row may stand there though the name is his no more. */
  readonly previous?: number
}

interface UsernameShape {
  contract: Username
  id: string
  state: UsernameState
  entry: UsernameEntry
  /** Search rows are written up to this entry. */
  memory: { indexedPts: number }
}

const RESERVATION_LASTS_MS = 60_000

function applied({ owner, lastToken, previous }: UsernameState, entry: UsernameEntry, atMs: number): UsernameState {
  const kept = { ...(owner !== undefined && { owner }), ...(previous !== undefined && { previous }) }
  switch (entry.type) {
    case 'reserved':
      return { ...kept, reservation: { user: entry.user, token: entry.token, atMs }, lastToken: entry.token }
    case 'confirmed':
      return { ...kept, owner: entry.user, lastToken }
    case 'released':
      return { ...(owner === undefined ? kept : { previous: owner }), lastToken }
  }
}

/** N2: settles another's reservation that was left lying. */
async function settled(turn: Turn<UsernameShape>): Promise<void> {
  const { reservation, owner } = turn.state
  if (!reservation || turn.nowMs < reservation.atMs + RESERVATION_LASTS_MS) return
  const { user, token } = reservation
  const word = await turn.ref(User, user).settleUsername({ username: turn.id, token })
  if (word === 'held') turn.append({ type: 'confirmed', user })
  else if (owner === undefined) turn.append({ type: 'released' })
  else turn.append({ type: 'confirmed', user: owner })
}

export function usernameActor(rows: UsernameRows) {
  /** N4: after the entries are durable. */
  function index(turn: Turn<UsernameShape>): void {
    const { head, id, memory } = turn
    const { owner, previous } = turn.state
    if (memory.indexedPts === head.pts) return
    turn.afterwards(async () => {
      if (previous !== undefined && previous !== owner) await rows.remove(id, previous)
      if (owner !== undefined) await rows.put(id, owner)
      memory.indexedPts = Math.max(memory.indexedPts, head.pts)
    })
  }

  return implement<UsernameShape>({
    type: Username,
    state: {
      version: 1,
      initial: () => ({ lastToken: 0 }),
      apply: (state, entry, { atMs }) => applied(state, entry, atMs),
    },
    memory: () => ({ indexedPts: 0 }),
    methods: {
      async reserve(turn, user) {
        await settled(turn)
        const { owner, reservation, lastToken } = turn.state
        const holder = owner ?? reservation?.user
        if (holder !== undefined && holder !== user) refuse('USERNAME_OCCUPIED')
        const token = Math.max(lastToken + 1, turn.nowMs)
        turn.append({ type: 'reserved', user, token })
        return { token }
      },
      async confirm(turn, { user, token }) {
        const { reservation, owner } = turn.state
        if (reservation?.user === user && reservation.token === token) turn.append({ type: 'confirmed', user })
        else if (owner !== user) refuse('USERNAME_OCCUPIED')
        index(turn)
      },
      async release(turn, { user }) {
        if (turn.state.owner === user) turn.append({ type: 'released' })
        index(turn)
      },
      async owner(turn) {
        await settled(turn)
        index(turn)
        return turn.state.owner
      },
    },
    delivery: {
      owes: ({ type }) => type !== 'reserved',
      resume: index,
      settled: ({ memory, head }) => memory.indexedPts === head.pts,
    },
  })
}
