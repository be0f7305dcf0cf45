/**
 * One actor in memory: its state, folded from its journal, and where it stands.
 *
 * A1. `state` is always the fold of all entries up to the head; `folded` counts those of this activation, `durable` how
 *     many of them are known to be durable. Nothing leaves the actor that saw more than what is durable (CORE R1).
 * A2. Positions follow J2 and times never go back, in what is appended and in what is replayed; stored entries that
 *     break this are CORRUPT.
 * A3. When `apply` or `derive` throws, the state is worth nothing: the activation is `dying`, commits what was whole
 *     before, and ends.
 * A4. While it is packed, state and rows are one string, which the next look at them makes into what they were. Only what
 *     is idle and durable is packed, and nothing whose bodies are still to be erased.
 */
import type { Placed } from './actor.js'
import type { Bequest } from './bequests.js'
import { pack, unpack } from './codec.js'
import { ActorError } from './errors.js'
import {
  type DecodedFact,
  decodeFact,
  decodeState,
  encodeState,
  newer,
  type Reminder,
  type ReminderFact,
} from './fact.js'
import type { ActorAddress, Journal, JournalEntry, OpenedJournal, Position, Snapshot } from './journal-store.js'
import type { ActivationList, Kind } from './kind.js'
import { type PackedRows, PendingRows } from './pending-rows.js'
import { follows } from './position.js'
import { isPromise, type Soon } from './soon.js'
import { entryBytes, Tail } from './tail.js'
import type { Alarm } from './timer-wheel.js'
import type { TurnContext } from './turn.js'
import type { Work } from './work.js'

/** `dying`: takes no more turns, ends when what it has committed is known. `dead`: answers nothing any more. */
export type Phase = 'opening' | 'active' | 'dying' | 'dead'

export class Activation {
  list: ActivationList | undefined = undefined
  next: Activation | undefined = undefined
  previous: Activation | undefined = undefined
  /** Beside it in its shard (Residency.ofShard). */
  nextInShard: Activation | undefined = undefined
  previousInShard: Activation | undefined = undefined

  readonly kind: Kind
  readonly key: string
  readonly shard: number
  epoch: number
  phase: Phase = 'opening'
  id: unknown = undefined
  memory: unknown = undefined
  journal: Journal | undefined = undefined

  pts = 0
  ordinal = 0
  /** Nothing is appended with an earlier time, and no earlier time is told. */
  lastAtMs = 0
  /** The time of the last entry, as far as the journal and its snapshot say. */
  storedAtMs = 0
  folded = 0
  durable = 0
  entriesSinceCheckpoint = 0
  bytesSinceCheckpoint = 0

  /** The turn that runs now. */
  running: TurnContext | undefined = undefined
  /** What is under way; an idle actor has none. */
  work: Work | undefined = undefined
  tail: Tail | undefined = undefined
  reminders: Map<string, Reminder> | undefined = undefined
  timers: Map<string, Alarm> | undefined = undefined

  /** Monotonic, in whole milliseconds: those take no memory of their own. */
  lastUsedMs: number
  queuedMs: number
  /** D2: this activation wrote an undelivered row, or found one, and has not sent its removal since. */
  rowWritten = false
  /** Its journal is gone for good. */
  isErased = false
  rowFound = false

  #uses = 0
  #state: unknown = undefined
  #rows: PendingRows | undefined = undefined
  #packed: string | undefined = undefined

  constructor(kind: Kind, key: string, shard: number, epoch: number, nowMs: number) {
    this.kind = kind
    this.key = key
    this.shard = shard
    this.epoch = epoch
    this.lastUsedMs = Math.floor(nowMs)
    this.queuedMs = this.lastUsedMs
  }

  get address(): string {
    return `${this.kind.name}/${this.key}`
  }

  get actor(): ActorAddress {
    return { kind: this.kind.name, key: this.key, shard: this.shard }
  }

  get head(): Position {
    return { pts: this.pts, ordinal: this.ordinal }
  }

  get state(): unknown {
    if (this.#packed !== undefined) this.#unpack(this.#packed)
    return this.#state
  }

  /** Derived rows that are not written yet. */
  get rows(): PendingRows | undefined {
    if (this.#packed !== undefined) this.#unpack(this.#packed)
    return this.#rows
  }

  /** Derived rows that are not written; not those of a packed activation, which are few. */
  get rowCount(): number {
    return this.#rows?.count ?? 0
  }

  /** All of them are written. */
  forgetRows(): void {
    this.#rows = undefined
  }

  /** The store still has bodies that are to be erased. */
  get erases(): boolean {
    return this.#rows?.erases === true
  }

  get isPacked(): boolean {
    return this.#packed !== undefined
  }

  /** Makes state and rows small (A4). Throws what encoding the state throws. */
  pack(): void {
    if (this.#packed !== undefined || this.erases || !this.isDurable) return
    const { encode } = this.kind.definition.state
    const state = encode === undefined ? this.#state : encode(this.#state)
    this.#packed = pack(this.#rows === undefined ? [state] : [state, this.#rows.packed()])
    this.#state = undefined
    this.#rows = undefined
  }

  #unpack(packed: string): void {
    const { decode, version } = this.kind.definition.state
    const [state, rows] = unpack(packed) as [unknown, PackedRows?]
    this.#state = decode === undefined ? state : decode(state, version, this.id)
    if (rows !== undefined) this.#pendingRows().unpack(rows)
    this.#packed = undefined
    // To be packed again some time.
    const { cold, warm } = this.kind
    if (this.list !== cold) return
    cold.remove(this)
    warm.push(this)
  }

  #pendingRows(): PendingRows {
    this.#rows ??= new PendingRows(this.kind.seal, (erased) => this.tail?.erase(erased))
    return this.#rows
  }

  /** True when all that was folded is durable, so that the state may be stored or told. */
  get isDurable(): boolean {
    return this.folded === this.durable
  }

  /** Runs an operation on the journal's handle, which stays open until all of them have ended. */
  async use<T>(operation: (journal: Journal) => Promise<T>): Promise<T> {
    const journal = this.begin()
    try {
      return await operation(journal)
    } finally {
      this.end()
    }
  }

  /** As `use`, of an operation that may be over at once. */
  useSoon<T>(operation: (journal: Journal) => Soon<T>): Soon<T> {
    const journal = this.begin()
    let result: Soon<T>
    try {
      result = operation(journal)
    } catch (error) {
      this.end()
      throw error
    }
    if (isPromise(result)) return result.finally(() => this.end())
    this.end()
    return result
  }

  /** The journal's handle, which stays open until `end`. */
  begin(): Journal {
    if (this.journal === undefined) throw new ActorError('STOPPED', `the activation of ${this.address} is over`)
    this.#uses++
    return this.journal
  }

  end(): void {
    this.#uses--
    if (this.phase === 'dead') this.close()
  }

  /** Closes the handle as soon as nothing uses it. */
  close(): void {
    if (this.#uses > 0) return
    this.journal?.close()
    this.journal = undefined
  }

  /**
   * The latest time from which on others may be told to ask for changes: whatever is appended later, by whatever node
   * and however wrong its clock, is not older in whole seconds (CORE J2).
   */
  get latestDateMs(): number {
    return nextSecond(this.storedAtMs)
  }

  /**
   * Folds what the store has. `toldMs`: no later date was told by the journal's former activations; Infinity where that is not
   * known. Throws CORRUPT, or what the definition throws.
   */
  restore(opened: OpenedJournal, toldMs: number): void {
    const { definition, type } = this.kind
    this.id = type.parse(this.key)
    this.journal = opened.journal
    this.#state = opened.snapshot === undefined ? definition.state.initial(this.id) : this.#load(opened.snapshot)
    for (const entry of opened.tail) {
      this.fold(entry, decodeFact(entry.fact, definition.state))
      this.durable++
    }
    this.tail?.trim(this.kind.limits.checkpointEntries, this.kind.limits.checkpointBytes, 0)
    // A date that a former activation told is not gone back behind, although nobody stored it.
    if (toldMs >= nextSecond(this.storedAtMs)) this.lastAtMs = nextSecond(this.storedAtMs)
    this.memory = definition.memory?.(this.id)
  }

  /** What the next owner needs to go on with instead of the journal. Only while `isDurable`. */
  bequeathed(): Omit<Bequest, 'kind' | 'key' | 'journal'> {
    const { entriesSinceCheckpoint, bytesSinceCheckpoint } = this
    // Both unpack what is packed.
    const snapshot = this.snapshot()
    const rows = this.rows?.packed()
    return { snapshot, rows, entriesSinceCheckpoint, bytesSinceCheckpoint, owes: this.rowWritten || this.rowFound }
  }

  /** As `restore`, from what the former owner had in memory. */
  inherit(opened: OpenedJournal, bequest: Bequest): void {
    const { snapshot, rows, entriesSinceCheckpoint, bytesSinceCheckpoint, owes } = bequest
    this.restore({ ...opened, snapshot, tail: [] }, Number.POSITIVE_INFINITY)
    if (rows !== undefined) this.#pendingRows().unpack(rows)
    this.entriesSinceCheckpoint = entriesSinceCheckpoint
    this.bytesSinceCheckpoint = bytesSinceCheckpoint
    this.rowFound = owes
  }

  #load(snapshot: Snapshot): unknown {
    const { state: rules } = this.kind.definition
    if (snapshot.version > rules.version)
      throw newer(`the snapshot of ${this.address}`, snapshot.version, rules.version)
    const { lastAtMs, reminders, state } = decodeState(snapshot.state)
    this.pts = snapshot.position.pts
    this.ordinal = snapshot.position.ordinal
    this.lastAtMs = lastAtMs
    this.storedAtMs = lastAtMs
    this.reminders = reminders === undefined ? undefined : new Map(reminders)
    if (rules.decode !== undefined) return rules.decode(state, snapshot.version, this.id)
    if (snapshot.version === rules.version) return state
    throw new ActorError(
      'CORRUPT',
      `the snapshot of ${this.address} has format ${snapshot.version}; the definition needs state.decode to read it`,
    )
  }

  /** The state as bytes. Only while `isDurable` (CORE J7): `apply` changes the state in place. */
  snapshot(): Snapshot {
    const { encode, version } = this.kind.definition.state
    const state = encode === undefined ? this.state : encode(this.state)
    return {
      position: this.head,
      version,
      state: encodeState({ lastAtMs: this.storedAtMs, reminders: this.reminders, state }),
    }
  }

  /** About how much there is to snapshot; a packed one stays packed. Undefined when it cannot be encoded. */
  stateBytes(): number | undefined {
    if (this.#packed !== undefined) return this.#packed.length
    const { encode } = this.kind.definition.state
    try {
      return pack(encode === undefined ? this.#state : encode(this.#state)).length
    } catch {
      return undefined
    }
  }

  /** Where an entry that counts for `count` stands when it is the next one. */
  place(count: number, nowMs: number): Placed {
    if (!Number.isSafeInteger(count) || count < 0) throw new TypeError(`${this.address}: an entry counts for ${count}`)
    const atMs = Math.max(nowMs, this.lastAtMs)
    return count > 0
      ? { pts: this.pts + count, ordinal: 0, count, atMs }
      : { pts: this.pts, ordinal: this.ordinal + 1, count, atMs }
  }

  /** Folds an entry, live or in replay: the state, the derived rows and the tail take it in alike. */
  fold(entry: JournalEntry, decoded: DecodedFact): void {
    if (!follows(entry, this) || entry.atMs < this.lastAtMs) {
      throw new ActorError('CORRUPT', `${this.address}: entry ${entry.pts}.${entry.ordinal} does not follow its head`)
    }
    this.tail ??= new Tail(this.head)
    if (decoded.reminder !== undefined) this.#foldReminder(decoded.reminder)
    else this.#foldFact(entry, decoded.fact)
    this.pts = entry.pts
    this.ordinal = entry.ordinal
    this.lastAtMs = entry.atMs
    this.storedAtMs = entry.atMs
    this.tail.push(entry)
    this.folded++
    this.entriesSinceCheckpoint++
    this.bytesSinceCheckpoint += entryBytes(entry)
  }

  #foldFact({ pts, ordinal, count, atMs, body }: JournalEntry, fact: unknown): void {
    const { state: rules, derive } = this.kind.definition
    const at: Placed = { pts, ordinal, count, atMs }
    this.#state = rules.apply(this.state, fact, at)
    if (derive !== undefined) derive(this.#state, fact, at, body, this.#pendingRows())
  }

  #foldReminder({ name, dueAtMs, payload }: ReminderFact): void {
    if (dueAtMs === undefined) {
      this.reminders?.delete(name)
      if (this.reminders?.size === 0) this.reminders = undefined
      return
    }
    this.reminders ??= new Map()
    this.reminders.set(name, { dueAtMs, payload })
  }
}

/** The beginning of the second after that of `atMs`: devices know times in whole seconds. */
function nextSecond(atMs: number): number {
  return (Math.floor(atMs / 1000) + 1) * 1000
}
