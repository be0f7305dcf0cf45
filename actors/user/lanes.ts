import { ActorError } from '../../runtime/index.js'
import { type ChatId, type PeerKey, peerKeyOfChat } from '../chat/chat-id.js'
import { messageRow, messageRows } from './box-rows.js'
import type { BoxChange } from './changes.js'
import type { LaneAnswer, LaneAppend, LaneItem } from './contract.js'
import { type Entry, laneOfEntry, toChange } from './entry.js'
import { placeOf, plan, planAtOnce } from './lane-plan.js'
import { limits } from './limits.js'
import { editsOf } from './messages.js'
import { Pen } from './pen.js'
import type { Box, UserTurn } from './shape.js'

type ItemChanges = { readonly n: number; readonly changes: readonly BoxChange[] }

/**
 * Takes a range of a chat's entries (CORE D1): refuses a gap, skips what it has, appends the rest in one turn. A
 * delivery that needs no reads ends in the same tick.
 */
export function deliver(turn: UserTurn, append: LaneAppend): LaneAnswer | Promise<LaneAnswer> {
  const peer = peerKeyOfChat(turn.id, append.chat)
  const w = turn.state.dialogs?.get(peer)?.w ?? 0
  if (append.after > w) return { taken: false, w }
  const delivery = new Delivery(turn, peer, append)
  try {
    const rest = delivery.takeAtOnce()
    if (rest === undefined) return delivery.answer()
  } catch (error) {
    delivery.push()
    throw error
  }
  return delivery.takeRest()
}

class Delivery {
  readonly #turn: UserTurn
  readonly #chat: ChatId
  readonly #peer: PeerKey
  readonly #items: readonly LaneItem[]
  readonly #pen: Pen
  readonly #changes: ItemChanges[] = []
  #next = 0
  #bytes = 0
  #deleted = 0

  constructor(turn: UserTurn, peer: PeerKey, { chat, items }: LaneAppend) {
    this.#turn = turn
    this.#chat = chat
    this.#peer = peer
    this.#items = items
    this.#pen = new Pen(turn)
  }

  /** Items from the front that need no reads; the one that stops this, if one does. */
  takeAtOnce(): LaneItem | undefined {
    for (let item = this.#current(); item; item = this.#current()) {
      if (item.n <= this.#w) return item
      const written = planAtOnce(placeOf(this.#turn, this.#chat, this.#peer, item), item)
      if (!written) return item
      this.#finish(item.n, this.#pen.appendAll(written, item.origin))
      this.#bytes += written[0]?.body?.byteLength ?? 0
    }
    return undefined
  }

  async takeRest(): Promise<LaneAnswer> {
    try {
      for (let item = this.takeAtOnce(); item; item = this.takeAtOnce()) {
        if (item.n <= this.#w) this.#finish(item.n, await firstChanges(this.#turn, this.#chat, item.n))
        else if (!(await this.#takePlanned(item))) break
      }
      return this.#answer()
    } finally {
      this.push()
    }
  }

  /** False when the item is not finished and no more may be put into this turn. */
  async #takePlanned(item: LaneItem): Promise<boolean> {
    const changes: BoxChange[] = []
    for (;;) {
      const { written, unfinished } = await plan(placeOf(this.#turn, this.#chat, this.#peer, item), item)
      const appended = this.#pen.appendAll(written, item.origin)
      changes.push(...appended)
      for (const { body } of written) this.#bytes += body?.byteLength ?? 0
      if (!unfinished) break
      this.#deleted += appended.reduce((sum, { count }) => sum + count, 0)
      if (this.#deleted >= limits.deletedADelivery) return false
    }
    this.#finish(item.n, changes)
    return true
  }

  answer(): LaneAnswer {
    this.push()
    return this.#answer()
  }

  push(): void {
    this.#pen.push()
  }

  get #w(): number {
    return this.#turn.state.dialogs?.get(this.#peer)?.w ?? 0
  }

  #answer(): LaneAnswer {
    return { taken: true, w: this.#w, changes: this.#changes }
  }

  #finish(n: number, changes: readonly BoxChange[]): void {
    this.#changes.push({ n, changes })
    this.#next++
  }

  /** The next item, if one more may be put into this turn. Items stand in the chat's order. */
  #current(): LaneItem | undefined {
    const item = this.#items[this.#next]
    if (!item || this.#bytes >= limits.deliveredBytes) return undefined
    const before = this.#items[this.#next - 1]
    if (before && item.n <= before.n) throw new ActorError('INTERNAL', `${this.#chat} delivers out of order`)
    return item
  }
}

/**
 * What a known entry changed here when it was delivered first. A message is found by its row; for others, and for
 * messages deleted since, the journal is looked through backwards from the next message of the chat, within bounds.
 */
async function firstChanges(box: Box, chat: ChatId, n: number): Promise<readonly BoxChange[]> {
  const row = await messageRow(box, chat, n)
  const to = row?.id ?? (await idBelow(box, chat, n))
  const from = row
    ? row.id - 1
    : ((await messageRows(box, chat, { from: 1, to: n, limit: 1, descending: true }))[0]?.id ?? 0)
  const oldest = Math.max(from, to - limits.repeatSearchEntries)
  for (let high = to; high >= oldest; high -= limits.readPage) {
    const found = await changesOfLane(box, chat, n, Math.max(oldest, high - limits.readPage), high)
    if (found.length > 0) return found
  }
  return []
}

/** The pts at or below which the entry's facts stand: that before the next message of the chat, or the head. */
async function idBelow(box: Box, chat: ChatId, n: number): Promise<number> {
  const [next] = await messageRows(box, chat, { from: n + 1, to: Number.MAX_SAFE_INTEGER, limit: 1 })
  return next ? next.id - 1 : box.head.pts
}

async function changesOfLane(box: Box, chat: ChatId, n: number, low: number, high: number): Promise<BoxChange[]> {
  const changes: BoxChange[] = []
  const after = { pts: low, ordinal: 0 }
  let isBehindIt = false
  for (const entry of await box.own.entries(after, limits.repeatSearchEntries, high)) {
    const lane = laneOfEntry(entry.fact)
    // The draft that a message cleared names no lane: it stands right behind the message.
    const isIts: boolean =
      lane === undefined ? isBehindIt && isClearedDraft(entry.fact) : lane.chat === chat && lane.n === n
    isBehindIt = isIts
    if (!isIts) continue
    const change = toChange(box.state.id, entry)
    if (change) changes.push(await withPresentBody(box, change))
  }
  return changes
}

function isClearedDraft(entry: Entry): boolean {
  return 'cleared' in entry && entry.type === 'draft'
}

async function withPresentBody(box: Box, change: BoxChange): Promise<BoxChange> {
  const { fact } = change
  if (change.body || (fact.type !== 'message' && fact.type !== 'edited')) return change
  const id = fact.type === 'message' ? change.pts : fact.id
  const edit = (await editsOf(box, fact.peer, [id])).get(id)
  return edit ? { ...change, body: edit.body } : change
}
