import type { ActorType, CallOptions, Ref } from './contract.js'
import type { Position } from './journal-store.js'
import type { NodeId } from './ownership.js'
import type { Soon } from './soon.js'

/** The types of one actor, by name. `entry` is a union of plain records; `memory` dies with the activation. */
export interface ActorShape {
  contract: object
  id: unknown
  state: unknown
  entry: unknown
  memory: unknown
  /** Names and payloads of the durable reminders; left out when there are none. */
  reminders?: object
  /** Names of the timers; left out when there are none. */
  timers?: string
}

export type RemindersOf<S> = S extends { reminders: infer Reminders } ? Reminders : Record<never, never>
export type TimersOf<S> = S extends { timers: infer Timers extends string } ? Timers : never

/** What goes with a reminder; may be left out where the shape says undefined. */
export type ReminderPayload<Payload> = undefined extends Payload ? [payload?: Payload] : [payload: Payload]

/** Where an entry stands: see JournalEntry. */
export interface Placed extends Position {
  readonly count: number
  readonly atMs: number
}

/** An entry as an actor reads it back. */
export interface PlacedEntry<Entry> extends Placed {
  readonly fact: Entry
  readonly body?: Uint8Array
}

/** Collects the derived rows of one entry (CORE J6). Values are plain records; they are encoded when they are flushed. */
export interface DerivedWriter {
  put(table: string, group: string, order: number, value: unknown): void
  remove(table: string, group: string, order: number): void
  /** The body of the numbered entry at `pts` is erased for good. */
  erase(pts: number): void
}

export interface DerivedValue {
  readonly order: number
  readonly value: unknown
}

/** Reads of the actor's own durable data: what is in memory first, then the store. */
export interface OwnReads<Entry> {
  /** Entries after `after`, up to and including `toPts` (default: the head), at most `limit`. Sees what this turn saw. */
  entries(after: Position, limit: number, toPts?: number): Promise<readonly PlacedEntry<Entry>[]>
  /** Numbered entries at exactly these pts. */
  entriesAt(pts: readonly number[]): Promise<readonly (PlacedEntry<Entry> | undefined)[]>
  /** Derived rows of (table, group) with from <= order <= to. */
  rows(
    table: string,
    group: string,
    range: { from: number; to: number; limit: number; descending?: boolean },
  ): Promise<readonly DerivedValue[]>
  /** At once where the row, or a store that answers at once, is at hand. */
  row(table: string, group: string, order: number): Soon<unknown>
}

/** References and frames, carrying a call's deadline, chain and trace. */
export interface Outbound {
  /** In a turn the chain includes this actor, so that a cycle is refused; in an effect it does not. */
  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>, options?: CallOptions): Ref<Contract>
  /** One-way, best effort, after what the turn saw is durable (invariant 5). */
  send(node: NodeId, sink: string, payload: unknown): void
  broadcast(sink: string, payload: unknown): void
}

/** The rest of an answer that is computed outside the turn (CORE D4). Made by `turn.later` only. */
export interface Later<T> {
  readonly later: (effect: Effect) => Soon<T>
}

interface Self<S extends ActorShape> extends Outbound {
  readonly id: S['id']
  readonly address: string
  /** The state after all entries so far. Never change it except through entries. */
  readonly state: Readonly<S['state']>
  readonly memory: S['memory']
  readonly head: Position
  /** Wall clock, milliseconds; never below the time of the last entry. */
  readonly nowMs: number
  /**
   * A time to tell others from which on they are to ask for what changed: nothing that is appended later is older in
   * whole seconds, on whatever node, also when a clock is set back (CORE J2). At most the second after the last entry.
   */
  readonly datedMs: number
  readonly own: OwnReads<S['entry']>
  readonly traceId: string
  readonly deadlineMs: number
  readonly log: ActorLog
  /** This node, for frames that must come back to it. */
  readonly node: NodeId
}

/** A read-only method's view. */
export interface Reading<S extends ActorShape> extends Self<S> {}

/** One turn: runs alone. Entries are folded at once; the reply, and every frame, waits until they are durable (CORE R1). */
export interface Turn<S extends ActorShape> extends Self<S> {
  /** Folds the entry into the state and puts it into the next commit. A turn that throws afterwards still commits it. */
  append(entry: S['entry'], body?: Uint8Array): Placed
  /**
   * Ends the turn here and answers with what `effect` resolves to. The effect runs outside the turn, once all that the
   * turn saw is durable; other turns run meanwhile. It may call other actors, and this one, through `effect.ref`.
   */
  later<T>(effect: (effect: Effect) => Soon<T>): Later<T>
  /**
   * As `later`, with nobody waiting for it. Errors are logged; what must happen is found again by `resume`. Effects of one
   * activation start in the order in which their turns asked for them.
   */
  afterwards(effect: (effect: Effect) => Soon<void>): void
  /** Sets or moves the durable reminder `name`; it fires `reminders[name]` at or after `dueAtMs`, also after a crash. */
  remind<Name extends keyof RemindersOf<S> & string>(
    name: Name,
    dueAtMs: number,
    ...payload: ReminderPayload<RemindersOf<S>[Name]>
  ): void
  cancelReminder(name: keyof RemindersOf<S> & string): void
  /**
   * Erases the actor with its whole journal; it is as if it had never been, and the next call finds its initial state.
   * For a reminder's turn, which is done with it: the reminder is over when this resolves, and fires again when it does
   * not. The turn must not have appended, and does nothing more.
   */
  erase(): Promise<void>
  /** A timer that dies with the activation; runs as a turn. */
  setTimer(name: TimersOf<S>, delayMs: number): void
}

export interface Effect extends Outbound {
  /** Of `later`: the caller's, which its calls keep. Of `afterwards`: a time-out from its start; each call has its own. */
  readonly deadlineMs: number
  readonly traceId: string
}

export type ReminderTurns<S extends ActorShape> = {
  readonly [Name in keyof RemindersOf<S>]: (turn: Turn<S>, payload: RemindersOf<S>[Name]) => void | Promise<void>
}

export type TimerTurns<S extends ActorShape> = {
  readonly [Name in TimersOf<S>]: (turn: Turn<S>) => void | Promise<void>
}

export interface ActorLog {
  debug(fields: Record<string, unknown>, message: string): void
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

/** The methods as an actor implements them: the turn first, then the contract's own arguments. */
export type Implementation<S extends ActorShape> = {
  readonly [Name in keyof S['contract']]: S['contract'][Name] extends (...args: infer Args) => Promise<infer Result>
    ? (turn: Turn<S>, ...args: Args) => Result | Later<Result> | Promise<Result | Later<Result>>
    : never
}

export interface ActorDefinition<S extends ActorShape> {
  readonly type: ActorType<S['contract'], S['id']>
  /** The pure fold. `apply` may change and return the state it is given, must not look at clocks, and never at bodies. */
  readonly state: {
    /** Format version of snapshots and entries (CORE J8). */
    readonly version: number
    initial(id: S['id']): S['state']
    apply(state: S['state'], entry: S['entry'], at: Placed): S['state']
    /** Default: as it is (msgpackr keeps Maps, Sets, Dates and Buffers). */
    encode?(state: S['state']): unknown
    decode?(stored: unknown, version: number, id: S['id']): S['state']
    /** How an entry stands in the journal, where that is smaller than the entry itself; `unpack` gives back the entry. */
    pack?(entry: S['entry']): unknown
    unpack?(stored: unknown): S['entry']
  }
  /** How many numbers an entry takes (CORE J2). Default 1. */
  readonly count?: (entry: S['entry']) => number
  /** Derived rows of an entry; called right after `apply`, live and in replay alike: pure. */
  readonly derive?: (
    state: S['state'],
    entry: S['entry'],
    at: Placed,
    body: Uint8Array | undefined,
    rows: DerivedWriter,
  ) => void
  readonly memory?: (id: S['id']) => S['memory']
  readonly methods: Implementation<S>
  readonly reminders?: ReminderTurns<S>
  readonly timers?: TimerTurns<S>
  /**
   * Delivery to other actors (CORE D2). Entries for which `owes` is true are preceded by a durable undelivered row.
   * `resume` runs as a turn after an activation that found or may have such a row, and on sweeps: it must start what is
   * undelivered. `settled` says that nothing is: only then is the row removed.
   */
  readonly delivery?: {
    owes(entry: S['entry']): boolean
    resume(turn: Turn<S>): void | Promise<void>
    settled(self: Reading<S>): boolean
  }
  /** False keeps an idle activation in memory (as long as the cap on residents allows). */
  readonly mayPassivate?: (self: Reading<S>) => boolean
  readonly limits?: Partial<ActorLimits>
}

export interface ActorLimits {
  /** A call refused with OVERLOADED beyond these bounds of the mailbox. */
  readonly mailboxCalls: number
  readonly mailboxBytes: number
  readonly mailboxAgeMs: number
  /** Idle this long, the activation is passivated. */
  readonly idleAfterMs: number
  /** Idle this long, state and derived rows are packed; so long that an actor in steady use never is. */
  readonly packAfterMs: number
  /** A checkpoint (derived rows, snapshot) is taken after this many entries, or this many bytes of them. */
  readonly checkpointEntries: number
  readonly checkpointBytes: number
}

/** Ties a definition's types together: `export const chatActor = implement<ChatShape>({...})`. */
export function implement<S extends ActorShape>(definition: ActorDefinition<S>): ActorDefinition<S> {
  return definition
}
