import { type ActorDefinition, implement, type PlacedEntry, refuse, type Turn } from '../../runtime/index.js'
import type { ChatId } from '../chat/chat-id.js'
import type { BoxChange, BoxFact } from '../user/changes.js'
import { type LaneAnswer, type LaneAppend, type LaneItem, User } from '../user/contract.js'

/** What a fake box stores: the items as they came. */
export interface Taken {
  readonly chat: ChatId
  readonly item: LaneItem
}

interface FakeBoxShape {
  contract: User
  id: number
  state: Map<ChatId, number>
  entry: Taken
  memory: undefined
}

type BoxTurn = Turn<FakeBoxShape>

/** What tests do to boxes: those of `hang` do not answer until `heal`, those of `fail` and `refuse` answer with an error. */
export class Trouble {
  readonly hang = new Set<number>()
  readonly fail = new Set<number>()
  readonly refuse = new Set<number>()
  /** Accounts that were deleted. */
  readonly closed = new Set<number>()
  /** Items that a box takes of one append; the rest is to be sent again. */
  itemsATurn = Number.POSITIVE_INFINITY
  appends = 0
  /** Questions for the mark. */
  asked = 0
  #healed: (() => void)[] = []

  heal(): void {
    for (const users of [this.hang, this.fail, this.refuse]) users.clear()
    for (const healed of this.#healed.splice(0)) healed()
  }

  untilHealed(): Promise<void> {
    return new Promise((resolve) => this.#healed.push(resolve))
  }
}

const BOX_METHODS = { deliver: 'deliver', lane: 'lane' }

/**
 * A user actor that is a box and nothing else: it keeps lane items in order, refuses a gap, and answers what it knows
 * with its first changes, as User promises (CORE D1).
 */
export function fakeBox(trouble: Trouble): ActorDefinition<FakeBoxShape> {
  const others = Object.keys(User.methods).filter((name) => !(name in BOX_METHODS))
  const absent = Object.fromEntries(others.map((name) => [name, () => refuse('METHOD_NOT_IMPLEMENTED')]))
  return implement<FakeBoxShape>({
    type: User,
    state: {
      version: 1,
      initial: () => new Map(),
      apply: (state, { chat, item }) => state.set(chat, item.n),
    },
    methods: {
      ...absent,
      async deliver(turn: BoxTurn, { chat, after, items }: LaneAppend): Promise<LaneAnswer> {
        trouble.appends++
        if (trouble.hang.has(turn.id)) await trouble.untilHealed()
        if (trouble.fail.has(turn.id)) throw new Error('a bad box')
        if (trouble.refuse.has(turn.id)) refuse('USER_DEACTIVATED')
        const w = turn.state.get(chat) ?? 0
        if (after > w) return { taken: false, w }
        const taken = items.slice(0, trouble.itemsATurn)
        for (const item of taken) if (item.n > w) turn.append({ chat, item }, bodyOf(item))
        const known = await turn.own.entries({ pts: 0, ordinal: 0 }, 100_000)
        const changes = taken.map(({ n }) => ({
          n,
          changes: known.filter(({ fact }) => fact.chat === chat && fact.item.n === n).map((entry) => changeOf(entry)),
        }))
        return { taken: true, w: turn.state.get(chat) ?? 0, changes }
      },
      profile: ({ id }: { readonly id: number }) => ({ closed: trouble.closed.has(id) }),
      lane(turn: BoxTurn, chat: ChatId) {
        trouble.asked++
        return turn.state.get(chat) ?? 0
      },
      /** Not what the contract means: hands a test what the box holds. */
      async drafts(turn: BoxTurn) {
        const known = await turn.own.entries({ pts: 0, ordinal: 0 }, 100_000)
        return known.map((entry) => changeOf(entry))
      },
    } as unknown as ActorDefinition<FakeBoxShape>['methods'],
  })
}

function bodyOf(item: LaneItem): Uint8Array | undefined {
  return item.type === 'message' || item.type === 'edit' ? item.body : undefined
}

function changeOf(entry: PlacedEntry<Taken>): BoxChange {
  const { pts, ordinal, count, atMs, fact } = entry
  return { pts, ordinal, count, atMs, fact: fact as unknown as BoxFact }
}

/** The items of a change that a fake box answered. */
export function itemOf(change: BoxChange): LaneItem {
  return (change.fact as unknown as Taken).item
}

export function chatOf(change: BoxChange): ChatId {
  return (change.fact as unknown as Taken).chat
}
