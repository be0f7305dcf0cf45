/**
 * The port through which every actor is stored (CORE J1-J9, D2). The runtime encodes; a store moves bytes.
 *
 * Promises that every driver keeps; its contract suite cites them:
 * S1. What `commit` acknowledged is in every later `open` and `read`, after any crash (flushed to disk, CORE R1).
 * S2. A commit is atomic: a reader sees all of its entries or none.
 * S3. Once a newer `open` of the same actor has resolved, no commit, derived row, erasure or snapshot through an
 *     older handle becomes visible, and none is acknowledged: it rejects with OVERTAKEN (CORE J3, invariant 6).
 *     A commit that was in flight when the newer `open` began is either in what that open returns, or never seen.
 * S4. `before` rows of a commit are durable no later than its entries (CORE D2 "before the first entry that needs it").
 * S5. A rejected commit with STORE_UNAVAILABLE left no entry (of its `before` rows some may stand, as after a crash between
 *     them and it; where others of its writer may still land, the error says `mayLand`, and the next open must not keep the
 *     writer); with OUTCOME_UNKNOWN it may have left all, and may be repeated as it was.
 * S6. Derived rows: the last put of a key through the newest handle wins; scans are in the order of `order`.
 * S7. A snapshot counts only if its position lies on the lineage; the one before is kept until the next is durable (J7).
 * S8. Once `erase` has resolved, or a crash has followed an erasure that was under way, a later `open` finds either all
 *     or nothing: an empty journal at (0, 0), without snapshot and derived rows. What an older handle still has in
 *     flight does not come back either (S3). A driver may keep a mark of constant size for that, for a bounded time: on a
 *     server with leases the lineage begins anew with the erasing writer, the rows go by deletions of whole ranges, and
 *     the mark goes when no lease of a former owner can still hold.
 * S9. An open with `handed` may take the caller's word for where the journal stands, and then reads neither snapshot nor
 *     tail; S3 holds as ever. The caller vouches that the handle that said so ended then, under the epoch just before, and
 *     that nobody has opened the journal since. What a driver cannot use it leaves aside, and reads.
 */
import type { Soon } from './soon.js'

export interface ActorAddress {
  readonly kind: string
  readonly key: string
  /** shardOf(kind, key) under the fixed number of shards. */
  readonly shard: number
}

/** (epoch of the shard, attempt within it): who wrote an entry (CORE J3). Ordered by epoch, then attempt. */
export interface Writer {
  readonly epoch: number
  readonly attempt: number
}

/**
 * One immutable entry. `pts` is the journal's number after the entry, `ordinal` counts the entries without a number
 * under the same pts (CORE J2): a change that counts for n > 0 has pts = previous pts + n and ordinal 0; one that
 * counts for 0 has the previous pts and ordinal = previous ordinal + 1. An empty journal is at (0, 0).
 */
export interface JournalEntry {
  readonly pts: number
  readonly ordinal: number
  readonly count: number
  /** Wall clock of the writer, milliseconds; never goes back within a journal. */
  readonly atMs: number
  /** What folds see. */
  readonly fact: Uint8Array
  /** Opaque, erasable content that no fold needs (J1). */
  readonly body?: Uint8Array
}

export interface Position {
  readonly pts: number
  readonly ordinal: number
}

/** Says that an actor may have something undelivered (CORE D2); key (shard, actor, epoch). */
export interface UndeliveredRow {
  readonly actor: ActorAddress
  readonly epoch: number
}

/** A reminder's place in the due index, written before the entry that sets it. */
export interface DueRow {
  readonly actor: ActorAddress
  readonly name: string
  readonly dueAtMs: number
}

export interface Commit {
  /** At least one; consecutive positions after the head. */
  readonly entries: readonly JournalEntry[]
  /** Rows that must be durable no later than the entries. */
  readonly before?: {
    readonly undelivered?: boolean
    readonly due?: readonly { readonly name: string; readonly dueAtMs: number }[]
  }
}

export interface Snapshot {
  readonly position: Position
  /** Format version of `state`, the actor's own. */
  readonly version: number
  readonly state: Uint8Array
}

/** A current fact computed from entries, found by (table, group) and ordered by `order` within it (CORE J6). */
export interface DerivedRow {
  readonly table: string
  readonly group: string
  /**
   * A whole number from 0 to 2^53 - 1. What counts something stays below 2^40; hashes are spread over all above. A driver
   * may lay the two out differently: it shows in nothing but speed.
   */
  readonly order: number
  /** undefined removes the row. */
  readonly value: Uint8Array | undefined
}

export interface DerivedScan {
  readonly table: string
  readonly group: string
  /** Inclusive bounds. */
  readonly from: number
  readonly to: number
  readonly limit: number
  /** Highest `order` first. */
  readonly descending?: boolean
}

export interface Checkpoint {
  readonly snapshot: Snapshot
  /** Durable before the snapshot is: the snapshot is their watermark. */
  readonly rows: readonly DerivedRow[]
  /** Positions (pts) of entries whose bodies are erased for good. */
  readonly erased: readonly number[]
}

export interface OpenRequest {
  readonly epoch: number
  /** Higher than any attempt this process has used under this epoch. */
  readonly attempt: number
  /** The predecessor in this process and epoch ended with nothing in flight: its writer may be kept (J3). */
  readonly mayKeepWriter: boolean
  /** What the former owner's handle said at its end (`Journal.handOver`, S9). */
  readonly handed?: Uint8Array
}

export interface OpenedJournal {
  readonly journal: Journal
  readonly writer: Writer
  /** It stands where `handed` said, and nothing was read. */
  readonly isHanded?: boolean
  readonly snapshot?: Snapshot
  /** All entries after the snapshot, in order, to the head. */
  readonly tail: readonly JournalEntry[]
}

/** One writer's handle on one actor's journal. */
export interface Journal {
  /** Appends after the head. One at a time (J4). Rejects with OVERTAKEN, STORE_UNAVAILABLE or OUTCOME_UNKNOWN. */
  commit(commit: Commit): Promise<void>
  /** Entries with position > `after` and pts <= `toPts`, in order, at most `limit`. */
  read(after: Position, toPts: number, limit: number): Promise<readonly JournalEntry[]>
  /** The numbered entries (ordinal 0) at exactly these pts, in the order asked; undefined where there is none. */
  readAt(pts: readonly number[]): Promise<readonly (JournalEntry | undefined)[]>
  /** Writes rows, erasures, then the snapshot; resolves when all is durable. */
  checkpoint(checkpoint: Checkpoint): Promise<void>
  /**
   * Removes the journal with all that belongs to it, but for undelivered and due rows (those are the agenda's). For
   * journals of at most some thousand rows. No commit may be in flight; the handle is over, whatever the outcome.
   * Rejects with OVERTAKEN, STORE_UNAVAILABLE or OUTCOME_UNKNOWN.
   */
  erase(): Promise<void>
  scan(scan: DerivedScan): Promise<readonly DerivedRow[]>
  get(table: string, group: string, order: number): Soon<Uint8Array | undefined>
  /**
   * Where the journal stands, for the handle of the next owner (S9). Undefined: that one has to read. A driver for one node
   * has no such method.
   */
  handOver?(): Uint8Array | undefined
  /** Ends the use of the handle; no commit may be in flight. */
  close(): void
}

export interface JournalStore {
  /**
   * Takes the journal over for a new writer and reads it: when it resolves, S3 holds for every older handle.
   * Rejects with STORE_UNAVAILABLE, CORRUPT, or OVERTAKEN when a newer writer than the request's is known.
   */
  open(actor: ActorAddress, request: OpenRequest): Promise<OpenedJournal>
}

/** Undelivered rows and the due index: what a shard's owner sweeps (CORE D2). */
export interface AgendaStore {
  /** Rows of these shards, any order; pages through `visit`, which may be awaited. */
  sweepUndelivered(shards: ShardRange, visit: (rows: readonly UndeliveredRow[]) => Promise<void>): Promise<void>
  /** Removes rows of the actor written under epochs <= `epoch`. Durable some time later; a later insert wins over it. */
  removeUndelivered(actor: ActorAddress, epoch: number): Promise<void>
  /** Reminders of these shards due at or before `untilMs`, earliest first, at most `limit`. */
  due(shards: ShardRange, untilMs: number, limit: number): Promise<readonly DueRow[]>
  removeDue(row: DueRow): Promise<void>
}

/** Shards from `from` to `to`, both inclusive. */
export interface ShardRange {
  readonly from: number
  readonly to: number
}
