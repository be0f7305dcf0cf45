import {
  type ActorAddress,
  ActorError,
  type Checkpoint,
  type Commit,
  type DerivedRow,
  type DerivedScan,
  errorCode,
  type Journal,
  type JournalEntry,
  type JournalStore,
  type OpenedJournal,
  type OpenRequest,
  type Position,
  type Snapshot,
  type Writer,
} from '../../runtime/index.js'
import type { KvOperation, OrderedKv } from '../ports/ordered-kv.js'
import { erasures } from './erasures.js'
import {
  actorText,
  afterPositionKey,
  afterRowKey,
  dueKey,
  endOfActorKey,
  type KeyText,
  nameText,
  positionKey,
  positionOf,
  rowKey,
  rowOrderOf,
  space,
  undeliveredKey,
} from './keys.js'
import {
  type CommitRecord,
  corrupt,
  decodeCommit,
  decodeSnapshot,
  encodeAddress,
  encodeCommit,
  encodeSnapshot,
} from './records.js'

/**
 * JournalStore on an ordered KV that this process alone has open (storage/embedded/directory-lock.ts).
 *
 * 1. The fence is in memory: the newest handle of an actor stands in `#newest`. An older one is overtaken the moment a
 *    newer `open` begins; whatever it still had in flight ends before that `open` reads (S3). Handles of a former process
 *    are gone with it.
 * 2. An overtaken handle acknowledges nothing, also not a write that ended well: what it stored is then in what the
 *    newer `open` returns.
 * 3. A commit is one record in one batch with its `before` rows; a checkpoint is one batch (S2, S4).
 * 4. While the disk owes an answer (`uncertain`), nothing is opened: what is read could change afterwards.
 * 5. Lineages are not stored: one process, one fence, so all records of a journal follow one another. Each names its
 *    predecessor and its writer, and a hole, or a writer older than the one before, is CORRUPT.
 */
export class EmbeddedJournals implements JournalStore {
  readonly kv: OrderedKv
  readonly #newest = new Map<KeyText, EmbeddedJournal>()

  constructor(kv: OrderedKv) {
    this.kv = kv
  }

  async open(actor: ActorAddress, request: OpenRequest): Promise<OpenedJournal> {
    const text = actorText(actor)
    const predecessor = this.#newest.get(text)
    if (predecessor && isOlder(request, predecessor.writer)) throw overtaken(actor)
    const writer: Writer = { epoch: request.epoch, attempt: request.attempt }
    const journal = new EmbeddedJournal(this, actor, text, writer)
    this.#newest.set(text, journal)
    journal.begin()
    try {
      if (predecessor) await predecessor.overtake()
      if (this.kv.uncertain) throw notCertain()
      const read = this.#read(actor, text, writer)
      if (journal.isOver) throw overtaken(actor)
      journal.head = read.head
      return { journal, writer, tail: read.tail, ...(read.snapshot && { snapshot: read.snapshot }) }
    } catch (error) {
      journal.close()
      throw error
    } finally {
      journal.end()
    }
  }

  /** Forgets a handle that is not used any more, unless a newer one has taken its place. */
  forget(text: KeyText, journal: EmbeddedJournal): void {
    if (this.#newest.get(text) === journal) this.#newest.delete(text)
  }

  #read(
    actor: ActorAddress,
    text: KeyText,
    writer: Writer,
  ): { head: Position; snapshot?: Snapshot; tail: JournalEntry[] } {
    const range = { start: positionKey(space.snapshots, text, start), end: endOfActorKey(space.snapshots, text) }
    for (const { key, value } of this.kv.range({ ...range, reverse: true })) {
      const snapshot = decodeSnapshot(value, positionOf(key))
      const read = this.#readFrom(actor, text, writer, snapshot.position)
      // S7: a snapshot of a position that the journal does not have is passed over for the one before.
      if (read) return { ...read, snapshot }
    }
    const read = this.#readFrom(actor, text, writer, start)
    if (!read) throw corrupt(`journal of ${actor.kind}/${actor.key}`)
    return read
  }

  /** Entries after `from` to the head; undefined when the journal has no entry at `from` (and `from` is not its start). */
  #readFrom(
    actor: ActorAddress,
    text: KeyText,
    reader: Writer,
    from: Position,
  ): { head: Position; tail: JournalEntry[] } | undefined {
    const tail: JournalEntry[] = []
    let head: Position | undefined = isSame(from, start) ? start : undefined
    let last: CommitRecord | undefined
    const range = { start: positionKey(space.commits, text, from), end: endOfActorKey(space.commits, text) }
    for (const { value } of this.kv.range(range)) {
      const record = decodeCommit(value)
      if (last && isOlder(record.writer, last.writer)) throw corrupt(`journal of ${actor.kind}/${actor.key}`)
      if (head && !isSame(record.after, head)) throw corrupt(`journal of ${actor.kind}/${actor.key}`)
      for (const entry of record.entries) {
        if (head) tail.push(entry)
        else if (isSame(entry, from)) head = from
      }
      if (!head) return undefined
      const { pts, ordinal } = record.entries.at(-1)!
      head = { pts, ordinal }
      last = record
    }
    if (last && isOlder(reader, last.writer)) throw overtaken(actor)
    return head && { head, tail }
  }
}

/** Resident actors have one each, idle ones too: it stays small. */
class EmbeddedJournal implements Journal {
  readonly #epoch: number
  readonly #attempt: number
  head: Position = start
  readonly #store: EmbeddedJournals
  readonly #actor: ActorAddress
  readonly #text: KeyText
  #isOver = false
  #isCommitting = false
  #inFlight = 0
  /** The newer `open` that waits for what is in flight here. */
  #whenIdle: (() => void) | undefined
  /** Last position of a commit whose outcome is unknown: only its repetition may follow (J4). */
  #doubt: Position | undefined
  #checkpointing: Promise<void> | undefined

  constructor(store: EmbeddedJournals, actor: ActorAddress, text: KeyText, writer: Writer) {
    this.#store = store
    this.#actor = actor
    this.#text = text
    this.#epoch = writer.epoch
    this.#attempt = writer.attempt
  }

  get writer(): Writer {
    return { epoch: this.#epoch, attempt: this.#attempt }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  begin(): void {
    this.#inFlight++
  }

  end(): void {
    this.#inFlight--
    if (this.#inFlight > 0) return
    if (this.#isOver) this.#store.forget(this.#text, this)
    this.#whenIdle?.()
  }

  /** Ends the handle; resolves when nothing of it is in flight any more. */
  overtake(): Promise<void> | undefined {
    this.#isOver = true
    if (this.#inFlight === 0) return undefined
    return new Promise((resolve) => {
      this.#whenIdle = resolve
    })
  }

  close(): void {
    this.#isOver = true
    if (this.#inFlight === 0) this.#store.forget(this.#text, this)
  }

  commit({ entries, before }: Commit): Promise<void> {
    let batch: readonly KvOperation[]
    let head: Position
    try {
      this.#checkUsable()
      if (this.#isCommitting) throw misuse(`Two commits at once on ${this.#name}`)
      head = this.#follow(entries)
      batch = this.#commitBatch(entries, head, before)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#isCommitting = true
    this.begin()
    return this.#store.kv.write(batch).then(
      () => {
        this.head = head
        this.#doubt = undefined
        this.#isCommitting = false
        this.end()
        if (this.#isOver) throw overtaken(this.#actor)
      },
      (error) => {
        if (errorCode(error) === 'OUTCOME_UNKNOWN') this.#doubt = head
        this.#isCommitting = false
        this.end()
        throw error
      },
    )
  }

  async read(after: Position, toPts: number, limit: number): Promise<readonly JournalEntry[]> {
    const found: JournalEntry[] = []
    if (limit <= 0 || toPts < after.pts) return found
    const range = { start: afterPositionKey(space.commits, this.#text, after), end: this.#endOfCommits() }
    for (const { value } of this.#store.kv.range(range)) {
      for (const entry of decodeCommit(value).entries) {
        if (entry.pts > toPts) return found
        if (!isAfter(entry, after)) continue
        found.push(entry)
        if (found.length === limit) return found
      }
    }
    return found
  }

  async readAt(pts: readonly number[]): Promise<readonly (JournalEntry | undefined)[]> {
    return pts.map((wanted) => this.#readOne(wanted))
  }

  async checkpoint(checkpoint: Checkpoint): Promise<void> {
    this.#checkUsable()
    if (isAfter(checkpoint.snapshot.position, this.head)) throw misuse(`A snapshot beyond the head of ${this.#name}`)
    this.begin()
    // Erasures read and rewrite records: one checkpoint after the other.
    const previous = this.#checkpointing
    const writing = (async () => {
      await previous?.catch(() => undefined)
      await this.#store.kv.write(this.#checkpointBatch(checkpoint))
    })()
    this.#checkpointing = writing
    try {
      await writing
    } finally {
      if (this.#checkpointing === writing) this.#checkpointing = undefined
      this.end()
    }
    if (this.#isOver) throw overtaken(this.#actor)
  }

  async scan({ table, group, from, to, limit, descending }: DerivedScan): Promise<readonly DerivedRow[]> {
    const rows: DerivedRow[] = []
    if (limit <= 0 || to < from) return rows
    const prefix = this.#text + nameText(table) + nameText(group)
    const range = {
      start: rowKey(prefix, Math.max(0, from)),
      end: afterRowKey(prefix, Math.min(to, Number.MAX_SAFE_INTEGER)),
      limit,
      reverse: descending ?? false,
    }
    for (const { key, value } of this.#store.kv.range(range)) rows.push({ table, group, order: rowOrderOf(key), value })
    return rows
  }

  async get(table: string, group: string, order: number): Promise<Uint8Array | undefined> {
    return this.#store.kv.get(rowKey(this.#text + nameText(table) + nameText(group), order))
  }

  get #name(): string {
    return `${this.#actor.kind}/${this.#actor.key}`
  }

  #endOfCommits(): Buffer {
    return endOfActorKey(space.commits, this.#text)
  }

  #checkUsable(): void {
    if (this.#isOver) throw overtaken(this.#actor)
  }

  /** The head after these entries; throws when they do not follow the one before (CORE J2). */
  #follow(entries: readonly JournalEntry[]): Position {
    let { pts, ordinal } = this.head
    let atMs = 0
    for (const entry of entries) {
      ordinal = entry.count === 0 ? ordinal + 1 : 0
      pts += entry.count
      if (entry.pts !== pts || entry.ordinal !== ordinal || entry.atMs < atMs) {
        throw misuse(`An entry out of order in a commit to ${this.#name}`)
      }
      atMs = entry.atMs
    }
    if (entries.length === 0) throw misuse(`A commit without entries to ${this.#name}`)
    if (this.#doubt && !isSame(this.#doubt, { pts, ordinal })) {
      throw misuse(`Another commit than the one whose outcome is unknown to ${this.#name}`)
    }
    return { pts, ordinal }
  }

  #commitBatch(entries: readonly JournalEntry[], head: Position, before: Commit['before']): KvOperation[] {
    const actor = this.#actor
    const batch: KvOperation[] = []
    if (before?.undelivered) {
      batch.push({
        key: undeliveredKey(actor.shard, this.#text, this.writer.epoch),
        value: encodeAddress(actor),
      })
    }
    for (const { name, dueAtMs } of before?.due ?? []) {
      batch.push({ key: dueKey(dueAtMs, actor.shard, this.#text, name), value: encodeAddress(actor, name) })
    }
    batch.push({
      key: positionKey(space.commits, this.#text, head),
      value: encodeCommit({ writer: this.writer, after: this.head, entries }),
    })
    return batch
  }

  #checkpointBatch({ snapshot, rows, erased }: Checkpoint): KvOperation[] {
    const batch: KvOperation[] = rows.map(({ table, group, order, value }) => ({
      key: rowKey(this.#text + nameText(table) + nameText(group), order),
      value,
    }))
    batch.push(...erasures(this.#store.kv, this.#text, erased))
    batch.push(...this.#staleSnapshots(snapshot.position))
    batch.push({ key: positionKey(space.snapshots, this.#text, snapshot.position), value: encodeSnapshot(snapshot) })
    return batch
  }

  /** Removes all snapshots but the newest before this one (S7). */
  #staleSnapshots(position: Position): KvOperation[] {
    const range = {
      start: positionKey(space.snapshots, this.#text, start),
      end: positionKey(space.snapshots, this.#text, position),
    }
    const stale: KvOperation[] = []
    let isNewest = true
    for (const { key } of this.#store.kv.range({ ...range, reverse: true })) {
      if (!isNewest) stale.push({ key, value: undefined })
      isNewest = false
    }
    return stale
  }

  #readOne(pts: number): JournalEntry | undefined {
    const wanted: Position = { pts, ordinal: 0 }
    const key = positionKey(space.commits, this.#text, wanted)
    const exact = this.#store.kv.get(key)
    if (exact) return decodeCommit(exact).entries.at(-1)
    for (const { value } of this.#store.kv.range({ start: key, end: this.#endOfCommits(), limit: 1 })) {
      return decodeCommit(value).entries.find((entry) => isSame(entry, wanted))
    }
    return undefined
  }
}

const start: Position = { pts: 0, ordinal: 0 }

function isSame(a: Position, b: Position): boolean {
  return a.pts === b.pts && a.ordinal === b.ordinal
}

function isAfter(a: Position, b: Position): boolean {
  return a.pts > b.pts || (a.pts === b.pts && a.ordinal > b.ordinal)
}

function isOlder(a: Writer, b: Writer): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.attempt < b.attempt)
}

function overtaken(actor: ActorAddress): ActorError {
  return new ActorError('OVERTAKEN', `A newer writer has opened the journal of ${actor.kind}/${actor.key}. Call again.`)
}

function notCertain(): ActorError {
  return new ActorError(
    'STORE_UNAVAILABLE',
    'The disk does not answer: the journal cannot be read with certainty yet.',
    {
      retryAfterMs: 1_000,
    },
  )
}

function misuse(message: string): ActorError {
  return new ActorError('INTERNAL', message)
}
