/**
 * Who owns a phone number.
 *
 * P1. A number has one owner at most, and one reservation: who reserves while another's is young is answered with that
 *     other's user, and goes on with it (two registrations at once end in one account).
 * P2. A reservation that is old is resolved by the word of the user's journal, which is final: `held` makes him the
 *     owner, `void` frees the number, and that user can never register with it afterwards.
 * P3. So is ownership when somebody else wants the number: an account that was deleted without a release loses it then.
 */
import { implement, type Turn } from '../../runtime/index.js'
import { User } from '../user/contract.js'
import { Phone } from './contract.js'

type PhoneEntry =
  | { readonly type: 'reserved'; readonly user: number }
  | { readonly type: 'confirmed'; readonly user: number }
  | { readonly type: 'released' }

interface PhoneShape {
  contract: Phone
  id: string
  state: { readonly user: number; readonly owned: boolean; readonly atMs: number } | undefined
  entry: PhoneEntry
  memory: undefined
}

/** Long enough for a registration that is under way. */
const RESERVATION_LASTS_MS = 60_000

/** P2: settles a reservation that was left lying. */
async function settleOld(turn: Turn<PhoneShape>): Promise<void> {
  const { state } = turn
  if (state && !state.owned && turn.nowMs >= state.atMs + RESERVATION_LASTS_MS) await word(turn, state.user)
}

async function word(turn: Turn<PhoneShape>, user: number): Promise<void> {
  const said = await turn.ref(User, user).settlePhone({ phone: turn.id })
  if (said === 'void') turn.append({ type: 'released' })
  else if (!turn.state?.owned) turn.append({ type: 'confirmed', user })
}

export const phoneActor = implement<PhoneShape>({
  type: Phone,
  state: {
    version: 1,
    initial: () => undefined,
    apply: (_state, entry, { atMs }) =>
      entry.type === 'released' ? undefined : { user: entry.user, owned: entry.type === 'confirmed', atMs },
  },
  methods: {
    async owner(turn) {
      await settleOld(turn)
      return turn.state?.owned ? turn.state.user : undefined
    },
    async reserve(turn, user) {
      await settleOld(turn)
      if (turn.state?.owned && turn.state.user !== user) await word(turn, turn.state.user)
      if (turn.state) return { user: turn.state.user, owned: turn.state.owned }
      turn.append({ type: 'reserved', user })
      return { user, owned: false }
    },
    confirm(turn, user) {
      const { state } = turn
      if (state && !state.owned && state.user === user) turn.append({ type: 'confirmed', user })
    },
    release(turn, user) {
      const { state } = turn
      if (state?.user === user) turn.append({ type: 'released' })
    },
  },
})
