/**
 * Who owns a username.
 *
 * N1. A name has one owner at most. A user sets it in his journal only with the token of a reservation made here, so
 *     of two who want it one is refused.
 * N2. A name leaves an owner, or one who reserved it and may have used the token, only by the word of that user's
 *     journal, which is final: `held` makes him the owner, `void` means that no token so far can be used any more. So a
 *     release that comes late, or never, harms nobody.
 * N3. Tokens of one name rise.
 * N4. The search index is derived: written in the order of the entries, each time after the entry is durable, and again
 *     after a crash between the two.
 */
import { implement, refuse, type Turn } from '../../runtime/index.js'
import { User } from '../user/contract.js'
import { Username } from './contract.js'
import { applied, NO_OWNER, type UsernameEntry, type UsernameState } from './state.js'

/** What the actor writes for search; the storage port NameIndex fits. */
export interface UsernameRows {
  put(name: string, userId: number): Promise<void>
  remove(name: string, userId: number): Promise<void>
}

interface UsernameShape {
  contract: Username
  id: string
  state: UsernameState
  entry: UsernameEntry
  /** Search rows are written up to this entry; `writing` ends when the last write does. */
  memory: { indexedPts: number; writing: Promise<unknown> }
  timers: 'indexed'
}

type UsernameTurn = Turn<UsernameShape>

/** Long enough for a change that is under way. */
const RESERVATION_LASTS_MS = 60_000
const NOTE_INDEXED_AFTER_MS = 1_000

/** N2: what the journal of the user says of all tokens that he may have. */
async function word(turn: UsernameTurn, user: number): Promise<'held' | 'void'> {
  const said = await turn.ref(User, user).settleUsername({ username: turn.id, token: turn.state.lastToken })
  if (said === 'void') turn.append({ type: 'released' })
  else if (turn.state.owner !== user || turn.state.reservation) turn.append({ type: 'confirmed', user })
  return said
}

/** Settles a reservation that was left lying. */
async function settleOld(turn: UsernameTurn): Promise<void> {
  const { reservation } = turn.state
  if (reservation && turn.nowMs >= reservation.atMs + RESERVATION_LASTS_MS) await word(turn, reservation.user)
}

export function usernameActor(rows: UsernameRows) {
  /** N4. */
  function index(turn: UsernameTurn): void {
    const { id, memory } = turn
    const { owner, former, changedPts } = turn.state
    if (isIndexed(turn)) return
    turn.setTimer('indexed', NOTE_INDEXED_AFTER_MS)
    turn.afterwards(async () => {
      const write = async () => {
        for (const user of former) await rows.remove(id, user)
        if (owner !== undefined) await rows.put(id, owner)
        memory.indexedPts = Math.max(memory.indexedPts, changedPts)
      }
      memory.writing = memory.writing.then(write, write)
      await memory.writing
    })
  }

  return implement<UsernameShape>({
    type: Username,
    state: { version: 1, initial: () => NO_OWNER, apply: applied },
    count: ({ type }) => (type === 'indexed' ? 0 : 1),
    memory: () => ({ indexedPts: 0, writing: Promise.resolve() }),
    methods: {
      async reserve(turn, user) {
        await settleOld(turn)
        const { owner, reservation } = turn.state
        if (reservation && reservation.user !== user) refuse('USERNAME_OCCUPIED')
        if (owner !== undefined && owner !== user && (await word(turn, owner)) === 'held') refuse('USERNAME_OCCUPIED')
        const token = Math.max(turn.state.lastToken + 1, turn.nowMs)
        turn.append({ type: 'reserved', user, token })
        index(turn)
        return { token }
      },
      async confirm(turn, { user, token }) {
        const { reservation, owner } = turn.state
        if (reservation?.user === user) {
          if (reservation.token === token) turn.append({ type: 'confirmed', user })
          else if ((await word(turn, user)) === 'void') refuse('USERNAME_OCCUPIED')
        } else if (owner !== user) refuse('USERNAME_OCCUPIED')
        index(turn)
      },
      async release(turn, { user }) {
        const { owner, reservation } = turn.state
        if (owner === user || reservation?.user === user) await word(turn, user)
        index(turn)
      },
      async owner(turn) {
        await settleOld(turn)
        index(turn)
        return turn.state.owner
      },
    },
    timers: {
      indexed(turn) {
        const { state, memory } = turn
        if (state.indexedPts >= state.changedPts) return
        if (memory.indexedPts >= state.changedPts) turn.append({ type: 'indexed', pts: state.changedPts })
        else turn.setTimer('indexed', NOTE_INDEXED_AFTER_MS)
      },
    },
    delivery: {
      owes: ({ type }) => type === 'confirmed' || type === 'released',
      resume: index,
      settled: isIndexed,
    },
  })
}

function isIndexed({ state, memory }: Pick<UsernameTurn, 'state' | 'memory'>): boolean {
  return Math.max(state.indexedPts, memory.indexedPts) >= state.changedPts
}
