/**
 * Delivery of a chat's entries to the boxes that they concern: one lane a (chat, box).
 *
 * L1. A lane appends in the chat's order and has one append in flight; what becomes due meanwhile joins the next one
 *     (CORE D1). The sender's own box has a lane like any other.
 * L2. Only entries that are durable are appended: `advance` alone raises a lane's target, and it is called from an
 *     effect of the turn that appended the entry (CORE R1). An entry is passed over as erased only once that is durable.
 * L3. What an item says depends on the entry alone (`laneItem`), so that every repeat says the same.
 * L4. A box that fails or hangs stops its own lane only. A lane tries again with growing pauses; when it gives up, its
 *     mark is unknown, `settled` is false, and the next sweep or entry starts it again (CORE D2).
 * L5. A mark is the box's own answer, or the entry before the first that this activation appends: then the box refuses
 *     the append if it lacks more, and answers with its mark.
 * L6. Entries are kept in memory for the lanes only as long as a lane may need them, in bounds; beyond them they are read
 *     back from the journal.
 *     Lanes that read the same part back read it together.
 * L7. `advance` hears of every entry in order, so a lane that has all that concerned its box passes over what stands
 *     before the next entry that does: a chat whose box looked on for long reads nothing back.
 * L8. What a chat appends goes in pieces of so many items, however many boxes they are for: others have their turn in
 *     between.
 */
import {
  ActorError,
  type ActorLog,
  after,
  type Clock,
  type Effect,
  errorCode,
  inMicrotask,
  isPromise,
  type Outbound,
  type OwnReads,
  type Random,
  type Soon,
} from '../../runtime/index.js'
import type { BoxChange } from '../user/changes.js'
import { type LaneAnswer, type LaneItem, SERVICE_USER_ID, User } from '../user/contract.js'
import type { ChatId } from './chat-id.js'
import type { Origin } from './contract.js'
import type { ChatEntry, ChatFact } from './fact.js'
import { KeptEntries, type KeptEntry } from './kept-entries.js'
import { Lane, type Waiter } from './lane.js'
import { itemBytes, laneItem } from './lane-item.js'
import type { Learning } from './receipt-filter.js'
import type { OldReceipts } from './receipts.js'
import { type ChatState, concerns, lastFor } from './state.js'

export interface DeliveryLimits {
  /** Items, and bytes of items, in one append. One item always goes. */
  readonly appendItems: number
  readonly appendBytes: number
  /** Entries, and bytes of their bodies, kept for lanes that are behind. */
  readonly keptEntries: number
  readonly keptBytes: number
  readonly firstRetryMs: number
  readonly lastRetryMs: number
  /** Failures in a row after which a lane waits for the next sweep. */
  readonly failures: number
  /** Appends in a row that a box may take without moving its mark: it is busy with a large item. */
  readonly stalls: number
}

const DELIVERY_LIMITS: DeliveryLimits = {
  appendItems: 100,
  appendBytes: 256 * 1024,
  keptEntries: 512,
  keptBytes: 1024 * 1024,
  firstRetryMs: 50,
  lastRetryMs: 5_000,
  failures: 12,
  stalls: 1_000,
}

export interface DeliveryPorts {
  readonly clock: Clock
  readonly random: Random
  readonly limits?: Partial<DeliveryLimits>
}

interface CompletePorts extends DeliveryPorts {
  readonly limits: DeliveryLimits
}

/** The same for all chats of a node. */
export function completePorts(ports: DeliveryPorts): CompletePorts {
  return { ...ports, limits: { ...DELIVERY_LIMITS, ...ports.limits } }
}

/** What delivery reads of its actor; `state` is the live one. */
export interface ChatView {
  readonly state: ChatState
  readonly own: OwnReads<ChatFact>
  readonly log: ActorLog
}

/** Users and the entry up to which they are concerned. */
export type Targets = readonly (readonly [users: readonly number[], n: number])[]

const END_OF_ORDINALS = Number.MAX_SAFE_INTEGER
/** Items: a few milliseconds' worth. */
const PIECE = 256
const READ_BACKS = 2

/** What follows `w` up to `target`, at most as much as one append takes. */
interface ReadBack {
  readonly w: number
  readonly target: number
  readonly entries: Promise<readonly KeptEntry[]>
}

export class Delivery {
  readonly #chat: ChatId
  readonly #ports: CompletePorts
  /** Undefined while the chat rests, as is what is kept: an idle actor holds no empty maps. */
  #lanes: Map<number, Lane> | undefined
  #kept: KeptEntries | undefined
  /** The last entry that this activation appended. */
  #appended = 0
  /** Entries up to here are durable. */
  #durable = 0
  #running = 0
  /** Lanes that run in a moment. */
  #starting: [user: number, lane: Lane][] | undefined
  /** Everyone whom the chat owed something when this activation began has a lane. */
  #isWhole = false
  #touchedAtMs = 0
  #view: ChatView | undefined
  #outbound: Outbound | undefined
  /** The parts that were read back last, while lanes run. */
  #readBacks: ReadBack[] | undefined
  /** Items that may still be appended before others have their turn. */
  #piece = PIECE
  #nextPiece: Promise<void> | undefined
  #idle: (() => void) | undefined
  /** Beside delivery: what is to be forgotten next (receipts.ts), or is being read. */
  oldReceipts: OldReceipts | 'reading' | undefined
  /** Of new operations in the store, since that was thought about last (receipts.ts). */
  lookUps = 0
  learning: Learning | undefined

  constructor(chat: ChatId, ports: CompletePorts) {
    this.#chat = chat
    this.#ports = ports
  }

  /** The journal says that all is delivered: whatever comes next begins from the last entries (L5). */
  rest(): void {
    this.#lanes = undefined
    this.#kept = undefined
    this.#view = undefined
    this.#outbound = undefined
    this.#touchedAtMs = 0
  }

  /** When entries were appended last. */
  get touchedAtMs(): number {
    return this.#touchedAtMs
  }

  /** Entries are appended now. True for the first after a rest, or of an activation. */
  touch(nowMs: number): boolean {
    const isFirst = this.#touchedAtMs === 0
    this.#touchedAtMs = nowMs
    return isFirst
  }

  /** Before an entry that concerns these users is appended: their marks, where this activation has none yet, are the last entry (L5). */
  meet(state: ChatState, users: Iterable<number>): void {
    // Nothing is owed before this entry: those whom it does not concern need no lane.
    if (!state.owes) this.#isWhole = true
    this.#lanes ??= new Map()
    for (const user of users) {
      if (user === SERVICE_USER_ID || this.#lanes.has(user)) continue
      const last = lastFor(state, user)
      this.#lanes.set(user, new Lane(last))
    }
  }

  /**
   * All whom the chat may owe something: those whose marks nobody knows are asked, lanes that stopped start again.
   * True when there is something to do.
   */
  doubt(state: ChatState, users: Iterable<number>): boolean {
    this.#isWhole = true
    let found = false
    this.#lanes ??= new Map()
    for (const user of users) {
      if (user === SERVICE_USER_ID) continue
      const lane = this.#lanes?.get(user)
      if (!lane) this.#lanes.set(user, new Lane(undefined))
      else if (lane.running || lane.has(lastFor(state, user))) continue
      found = true
    }
    return found
  }

  /** An entry that was just appended; it is not durable yet. */
  keep(entry: ChatEntry, origin: Origin | undefined): void {
    this.#appended = entry.n
    if (this.#running === 0) this.#kept?.forgetUpTo(this.#durable)
    this.#kept ??= new KeptEntries(this.#ports.limits.keptEntries, this.#ports.limits.keptBytes)
    this.#kept.push({ entry, origin })
  }

  /**
   * From an effect, once the entries are durable: starts the lanes, the first users' first. Resolves when all lanes rest,
   * or at once when an earlier call is waiting for that already.
   */
  advance(outbound: Outbound, view: ChatView, targets: Targets): Soon<void> {
    this.#outbound = outbound
    this.#view = view
    for (const [users, n] of targets) {
      this.#durable = Math.max(this.#durable, n)
      for (const user of users) {
        const lane = this.#lanes?.get(user)
        if (!lane) continue
        lane.aim(n)
        this.#start(user, lane)
      }
    }
    if (this.#running === 0 || this.#idle) return undefined
    return new Promise<void>((resolve) => {
      this.#idle = resolve
    })
  }

  /**
   * What durable entries changed in the user's box, once it has them; the same for ever, since the box answers what it
   * knows with its first changes. From an effect, after `advance`. Rejects with OUTCOME_UNKNOWN when the box does not
   * take them in time.
   */
  outcome(user: number, entries: readonly ChatEntry[], effect: Effect, view: ChatView): Soon<readonly BoxChange[]> {
    const own = entries.filter(({ n, fact }) => concerns(view.state, user, n, fact))
    const last = own.at(-1)
    if (!last || user === SERVICE_USER_ID) return []
    const lane = this.#lanes?.get(user)
    if (!lane || lane.has(last.n)) return this.#repeat(user, own, effect, view)
    const reached = this.#reach(user, lane, own[0]?.n ?? last.n, last.n, effect.deadlineMs)
    return reached.then(({ answered, changes }) =>
      answered >= own.length ? changes : this.#repeat(user, own, effect, view),
    )
  }

  /** The box has entry `n`, as far as this activation knows. */
  has(user: number, n: number): boolean {
    return user === SERVICE_USER_ID || (this.#lanes?.get(user)?.has(n) ?? false)
  }

  /** Nothing is undelivered. Not known before `doubt` has named everyone, unless all was delivered when this began. */
  settled(state: ChatState): boolean {
    if (!this.#isWhole) return false
    for (const [user, lane] of this.#lanes ?? []) if (lane.running || !lane.has(lastFor(state, user))) return false
    return true
  }

  #reach(user: number, lane: Lane, from: number, upTo: number, deadlineMs: number): Promise<Waiter> {
    const waiter = lane.wait(from, upTo, deadlineMs)
    lane.target = Math.max(lane.target, upTo)
    this.#start(user, lane)
    return waiter
  }

  /** Appends what the box has already. */
  async #repeat(user: number, entries: readonly ChatEntry[], effect: Effect, view: ChatView): Promise<BoxChange[]> {
    const items = entries.flatMap((entry) => laneItem(entry, user, undefined) ?? [])
    const [first] = items
    const last = entries.at(-1)
    if (!first || !last) return []
    const answer = await effect.ref(User, user).deliver({ chat: this.#chat, after: first.n - 1, items })
    if (answer.taken && answer.w >= last.n) return answer.changes.flatMap(({ changes }) => changes)
    // The mark was taken for granted (L5) and is wrong: the box lacks more than this.
    const lane = this.#lanes?.get(user) ?? new Lane(undefined)
    this.#lanes ??= new Map()
    this.#lanes.set(user, lane)
    this.#outbound ??= effect
    this.#view ??= view
    this.#durable = Math.max(this.#durable, last.n)
    if (!lane.running) lane.stand(answer.w)
    const waiter = await this.#reach(user, lane, first.n, last.n, effect.deadlineMs)
    return waiter.changes
  }

  #start(user: number, lane: Lane): void {
    if (lane.running || lane.isDone) return
    lane.running = true
    this.#running++
    // In a moment: entries that became durable together go in one append.
    if (this.#starting !== undefined) {
      this.#starting.push([user, lane])
      return
    }
    this.#starting = [[user, lane]]
    inMicrotask(() => this.#runStarting())
  }

  #runStarting(): void {
    const starting = this.#starting ?? []
    this.#starting = undefined
    for (const [user, lane] of starting) this.#run(user, lane, 0)
  }

  /** Goes on until the lane is done; what it has to wait for calls it again. `failures`: in a row, just before. */
  #run(user: number, lane: Lane, failures: number): void {
    let before = failures
    while (!lane.isDone) {
      if (this.#piece <= 0) {
        void this.#othersFirst().then(() => this.#run(user, lane, before))
        return
      }
      try {
        const appending = this.#step(user, lane)
        if (isPromise(appending)) {
          appending.then(
            () => this.#run(user, lane, 0),
            (error) => this.#failed(user, lane, before + 1, error),
          )
          return
        }
      } catch (error) {
        this.#failed(user, lane, before + 1, error)
        return
      }
      before = 0
    }
    this.#rested(lane)
  }

  /** L4. `failures`: in a row, this one included. */
  #failed(user: number, lane: Lane, failures: number, error: unknown): void {
    const code = errorCode(error)
    if (code === 'REFUSED') {
      this.#view?.log.warn({ user, error }, 'a box refuses what its chat has for it')
      lane.reached(Math.max(lane.w ?? 0, lane.target))
      this.#run(user, lane, failures - 1)
    } else if (code === 'STOPPED' || failures >= this.#ports.limits.failures) {
      if (code !== 'STOPPED') this.#view?.log.warn({ user, error }, 'a lane gives up until the next sweep')
      lane.w = undefined
      lane.abandon(Number.POSITIVE_INFINITY)
      this.#rested(lane)
    } else {
      lane.abandon(this.#ports.clock.now())
      void this.#pause(failures).then(() => this.#run(user, lane, failures))
    }
  }

  /** In the same breath as the last look at the target, so that no `advance` falls in between. */
  #rested(lane: Lane): void {
    lane.running = false
    this.#running--
    if (this.#running > 0) return
    this.#kept?.forgetUpTo(this.#durable)
    this.#readBacks = undefined
    this.#idle?.()
    this.#idle = undefined
  }

  #step(user: number, lane: Lane): Soon<void> {
    const outbound = this.#outbound
    if (!outbound) throw new ActorError('INTERNAL', 'a lane runs without a way out')
    const { w } = lane
    if (w === undefined) {
      const asked = outbound.ref(User, user).lane(this.#chat)
      return asked.then((mark) => lane.stand(mark))
    }
    return after(this.#entries(w, lane.target), (entries) => {
      const { items, upTo } = this.#next(user, lane, w, entries)
      if (items.length === 0) {
        lane.stalls = 0
        lane.reached(upTo)
        return undefined
      }
      this.#piece -= items.length
      const appended = outbound.ref(User, user).deliver({ chat: this.#chat, after: lane.mark, items })
      return appended.then((answer) => this.#answered(user, lane, items, upTo, answer))
    })
  }

  #answered(user: number, lane: Lane, items: readonly LaneItem[], upTo: number, answer: LaneAnswer): void {
    if (!answer.taken) {
      if (answer.w >= lane.mark) throw new ActorError('INTERNAL', `box ${user} refuses a range that follows its mark`)
      lane.stand(answer.w)
      return
    }
    lane.note(items, answer)
    lane.mark = answer.w
    if (answer.w < (items.at(-1)?.n ?? 0)) {
      this.#tookPart(lane, lane.w ?? 0, answer.w)
      return
    }
    lane.stalls = 0
    lane.reached(upTo)
  }

  /** The box bounds what it does in one turn: the rest goes again at once, also when it has done only a part of one item. */
  #tookPart(lane: Lane, before: number, w: number): void {
    lane.stalls = w > before ? 0 : lane.stalls + 1
    if (lane.stalls > this.#ports.limits.stalls)
      throw new ActorError('INTERNAL', `a box takes entries after ${w} and has none`)
    lane.reached(Math.max(before, w))
  }

  /** What follows `w` for the user, in bounds; `upTo` is the last entry that was looked at. */
  #next(
    user: number,
    lane: Lane,
    w: number,
    entries: readonly KeptEntry[],
  ): { readonly items: LaneItem[]; readonly upTo: number } {
    const state = this.#view?.state
    const items: LaneItem[] = []
    let bytes = 0
    let upTo = w
    if (!state) return { items, upTo }
    for (const { entry, origin } of entries) {
      if (concerns(state, user, entry.n, entry.fact)) {
        const item = laneItem(entry, user, origin)
        if (!item && !this.#isGone(lane, entry.n)) {
          if (items.length > 0) return { items, upTo }
          throw new ActorError('STORE_UNAVAILABLE', `what erased entry ${entry.n} is not durable yet`, {
            retryAfterMs: 50,
          })
        }
        const size = item ? itemBytes(item) : 0
        const isFull = items.length >= this.#ports.limits.appendItems || bytes + size > this.#ports.limits.appendBytes
        if (items.length > 0 && isFull) return { items, upTo }
        if (item) items.push(item)
        bytes += size
      }
      upTo = entry.n
    }
    if (upTo === w) throw new ActorError('CORRUPT', `no entry follows ${w}, although ${lane.target} does`)
    return { items, upTo }
  }

  /**
   * The body of entry `n` was found erased: by something durable? All that was appended when that was seen must be. What
   * a commit that fails had erased is there again, and the box must get it (L2).
   */
  #isGone(lane: Lane, n: number): boolean {
    if (lane.erased?.n !== n) lane.erased = { n, seenAt: this.#appended }
    return lane.erased.seenAt <= this.#durable
  }

  #entries(w: number, target: number): Soon<readonly KeptEntry[]> {
    return this.#kept?.between(w, target) ?? this.#readBack(w, target)
  }

  /** L8. */
  #othersFirst(): Promise<void> {
    this.#nextPiece ??= new Promise((resolve) => {
      this.#ports.clock.setTimer(0, () => {
        this.#piece = PIECE
        this.#nextPiece = undefined
        resolve()
      })
    })
    return this.#nextPiece
  }

  #readBack(w: number, target: number): Promise<readonly KeptEntry[]> {
    const known = this.#readBacks?.find((each) => each.w === w && each.target === target)
    if (known) return known.entries
    const read = { w, target, entries: this.#read(w, target) }
    this.#readBacks = [...(this.#readBacks ?? []).slice(1 - READ_BACKS), read]
    read.entries.catch(() => {
      this.#readBacks = this.#readBacks?.filter((each) => each !== read)
    })
    return read.entries
  }

  async #read(w: number, target: number): Promise<readonly KeptEntry[]> {
    const after = { pts: w, ordinal: END_OF_ORDINALS }
    const read = (await this.#view?.own.entries(after, this.#ports.limits.appendItems, target)) ?? []
    const numbered = read.filter(({ count }) => count > 0)
    const entries = numbered.map(({ pts, atMs, fact, body }) => ({
      n: pts,
      atMs,
      fact,
      ...(body ? { body } : undefined),
    }))
    if (entries.length === 0) throw new ActorError('CORRUPT', `no entries between ${w} and ${target}`)
    // Who caused an entry is kept in memory alone: the device that did is not pushed what its answer tells it.
    return entries.map((entry) => this.#kept?.at(entry.n) ?? { entry, origin: undefined })
  }

  #pause(failures: number): Promise<void> {
    const { firstRetryMs, lastRetryMs } = this.#ports.limits
    const longest = Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1))
    const delayMs = Math.ceil(longest / 2) + this.#ports.random.int(Math.ceil(longest / 2) + 1)
    return new Promise((resolve) => {
      this.#ports.clock.setTimer(delayMs, resolve)
    })
  }
}
