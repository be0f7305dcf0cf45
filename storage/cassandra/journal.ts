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
  type Position,
  type Writer,
} from '../../runtime/index.js'
import { headAfter, isAfter, isSame, overtaken, start } from '../order.js'
import { insertsBefore } from './agenda.js'
import type { BucketList } from './buckets.js'
import type { NotedBuckets } from './derived-buckets.js'
import { DerivedRows } from './derived-rows.js'
import { EntryReads } from './entry-reads.js'
import { eraseJournal } from './erasure.js'
import { mayLand, withoutDoubt } from './failures.js'
import { encodeStanding } from './handed.js'
import { insertOf, sizeOf, toStored } from './journal-rows.js'
import { coveredAt } from './lineage.js'
import type { StoredLineage } from './lineage-rows.js'
import { type CassandraSession, type Statement, writeAll } from './session.js'
import { insertOfSnapshot, removalBefore } from './snapshots.js'
import type { Stamps } from './stamps.js'
import { buckets as bucketTable, tableOf } from './tables.js'

/** What handles share. */
export interface HandleStore {
  readonly session: CassandraSession
  readonly stamps: Stamps
  readonly noted: NotedBuckets
  readonly limits: { readonly bucketBytes: number; readonly bucketPts: number }
  forget(journal: CassandraJournal): void
}

/** Where a handle stands once its journal was read. */
export interface Standing {
  readonly own: StoredLineage
  readonly buckets: BucketList
  readonly head: Position
  /** Bytes in the last bucket. */
  readonly bucketBytes: number
  readonly snapshotAt: Position | undefined
}

/** A commit as it goes out, and goes out again if its outcome is unknown (J4). */
interface Outgoing {
  readonly head: Position
  readonly bucketBytes: number
  readonly statements: readonly Statement[]
}

/** Of a mutation that the server's default settings take; beyond, a commit could never succeed. */
const mostCommitBytes = 15 * 1024 * 1024

/** Resident actors have one each, idle ones too: it stays small. */
export class CassandraJournal implements Journal {
  readonly actor: ActorAddress
  /** What the opener asked to be; a kept writer may be older. */
  readonly asked: Writer
  readonly #store: HandleStore
  #standing: Standing | undefined
  #head: Position = start
  #bucketBytes = 0
  #snapshotAt: Position | undefined
  #isOver = false
  #isCommitting = false
  #inFlight = 0
  /** The newer `open` that waits for what is in flight here. */
  #whenIdle: (() => void) | undefined
  /** A commit whose outcome is unknown: only its repetition may follow (J4). */
  #doubt: Outgoing | undefined
  #checkpointing: Promise<void> | undefined
  #derivedRows: DerivedRows | undefined

  constructor(store: HandleStore, actor: ActorAddress, asked: Writer) {
    this.#store = store
    this.actor = actor
    this.asked = asked
  }

  get isOver(): boolean {
    return this.#isOver
  }

  stand(standing: Standing): void {
    this.#standing = standing
    this.#head = standing.head
    this.#bucketBytes = standing.bucketBytes
    this.#snapshotAt = standing.snapshotAt
  }

  begin(): void {
    this.#inFlight++
  }

  end(): void {
    this.#inFlight--
    if (this.#inFlight > 0) return
    if (this.#isOver) this.#store.forget(this)
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

  handOver(): Uint8Array | undefined {
    const isQuiet =
      !this.#isOver && !this.#isCommitting && this.#doubt === undefined && this.#checkpointing === undefined
    if (!isQuiet || this.#standing === undefined) return undefined
    const { own, buckets } = this.#standing
    const bucketBytes = this.#bucketBytes
    return encodeStanding({ own, buckets, head: this.#head, bucketBytes, snapshotAt: this.#snapshotAt })
  }

  close(): void {
    this.#isOver = true
    if (this.#inFlight === 0) this.#store.forget(this)
  }

  async commit({ entries, before }: Commit): Promise<void> {
    this.#checkUsable()
    if (this.#isCommitting) throw misuse(`Two commits at once on ${this.#name}`)
    const head = this.#follow(entries)
    // D2: a removal that is sent from here on has a later stamp.
    const inserts = before ? insertsBefore(this.actor, this.#writer.epoch, before, this.#store.stamps) : []
    this.#isCommitting = true
    this.begin()
    try {
      if (inserts.length > 0) await this.#prepare(inserts)
      const outgoing = this.#doubt ?? (await this.#outgoing(entries, head))
      await this.#send(outgoing)
    } finally {
      this.#isCommitting = false
      this.end()
    }
    if (this.#isOver) throw overtaken(this.actor)
  }

  async read(after: Position, toPts: number, limit: number): Promise<readonly JournalEntry[]> {
    return this.#reads().read(after, toPts, limit)
  }

  async readAt(pts: readonly number[]): Promise<readonly (JournalEntry | undefined)[]> {
    return this.#reads().readAt(pts)
  }

  async checkpoint(checkpoint: Checkpoint): Promise<void> {
    this.#checkUsable()
    if (isAfter(checkpoint.snapshot.position, this.#head)) throw misuse(`A snapshot beyond the head of ${this.#name}`)
    this.begin()
    const previous = this.#checkpointing
    const writing = (async () => {
      await previous?.catch(() => undefined)
      this.#checkUsable()
      await this.#write(checkpoint)
    })()
    this.#checkpointing = writing
    try {
      await writing
    } finally {
      if (this.#checkpointing === writing) this.#checkpointing = undefined
      this.end()
    }
    if (this.#isOver) throw overtaken(this.actor)
  }

  async erase(): Promise<void> {
    this.#checkUsable()
    if (this.#isCommitting) throw misuse(`A commit is in flight while ${this.#name} is erased`)
    this.#isOver = true
    this.begin()
    try {
      await this.#checkpointing?.catch(() => undefined)
      await eraseJournal(this.#store, this.actor, this.#stands)
    } finally {
      this.end()
    }
  }

  async scan(scan: DerivedScan): Promise<readonly DerivedRow[]> {
    return this.#derived.scan(scan)
  }

  async get(table: string, group: string, order: number): Promise<Uint8Array | undefined> {
    return this.#derived.get(table, group, order)
  }

  get #name(): string {
    return `${this.actor.kind}/${this.actor.key}`
  }

  get #writer(): Writer {
    return this.#stands.own.writer
  }

  get #stands(): Standing {
    if (this.#standing === undefined) throw misuse(`${this.#name} is not open yet`)
    return this.#standing
  }

  get #derived(): DerivedRows {
    const { session, noted } = this.#store
    this.#derivedRows ??= new DerivedRows(session, this.actor, this.#stands.own.life, noted)
    return this.#derivedRows
  }

  #reads(): EntryReads {
    const { own, buckets } = this.#stands
    return new EntryReads(this.#store.session, this.actor, own.lineage, buckets, this.#head)
  }

  #checkUsable(): void {
    if (this.#isOver) throw overtaken(this.actor)
  }

  /** The head after these entries; throws when they do not follow the one before (CORE J2). */
  #follow(entries: readonly JournalEntry[]): Position {
    const head = headAfter(this.#head, entries)
    if (head === undefined) throw misuse(`An entry out of order in a commit to ${this.#name}`)
    if (entries.length === 0) throw misuse(`A commit without entries to ${this.#name}`)
    if (this.#doubt && !isSame(this.#doubt.head, head)) {
      throw misuse(`Another commit than the one whose outcome is unknown to ${this.#name}`)
    }
    return head
  }

  /** Rows that must be durable before the entries are sent. When they fail, no entry was sent. */
  async #prepare(statements: readonly Statement[]): Promise<void> {
    try {
      await Promise.all(statements.map((statement) => this.#store.session.write(statement)))
    } catch (error) {
      throw this.#doubt ? error : withoutDoubt(error)
    }
    this.#checkUsable()
  }

  async #outgoing(entries: readonly JournalEntry[], head: Position): Promise<Outgoing> {
    const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0)
    if (bytes > mostCommitBytes) throw misuse(`A commit of ${bytes} bytes to ${this.#name}: ${mostCommitBytes} at most`)
    if (this.#isBucketFull(bytes, head)) await this.#beginBucket()
    const { buckets } = this.#stands
    const stored = toStored(entries, this.#writer, this.#head, buckets.last.number, this.#bucketBytes)
    const table = tableOf(this.actor.kind)
    const statements = stored.map((each) => insertOf(table, this.actor, each))
    return { head, bucketBytes: this.#bucketBytes + bytes, statements }
  }

  #isBucketFull(bytes: number, head: Position): boolean {
    const { bucketBytes, bucketPts } = this.#store.limits
    if (this.#bucketBytes === 0) return false
    return this.#bucketBytes + bytes > bucketBytes || head.pts - this.#stands.buckets.last.from.pts > bucketPts
  }

  async #beginBucket(): Promise<void> {
    const { buckets } = this.#stands
    const bucket = { number: buckets.last.number + 1, from: this.#head }
    const { kind, key } = this.actor
    const { pts, ordinal } = bucket.from
    const parameters = [kind, key, bucket.number, this.#writer.epoch, this.#writer.attempt, pts, ordinal]
    await this.#prepare([{ query: bucketTable.insert, parameters }]).catch((error) => {
      // A row of this writer stands once: were it kept, it could begin the bucket again elsewhere, and both rows would mix.
      throw errorCode(error) === 'STORE_UNAVAILABLE' ? mayLand(error) : error
    })
    buckets.begin(bucket)
    this.#bucketBytes = 0
  }

  async #send(outgoing: Outgoing): Promise<void> {
    try {
      await this.#store.session.writeTogether(outgoing.statements)
    } catch (error) {
      if (errorCode(error) === 'OUTCOME_UNKNOWN') this.#doubt = outgoing
      throw error
    }
    this.#head = outgoing.head
    this.#bucketBytes = outgoing.bucketBytes
    this.#doubt = undefined
  }

  async #write({ snapshot, rows, erased }: Checkpoint): Promise<void> {
    const { session, stamps } = this.#store
    const { writer, lineage, life } = this.#stands.own
    const erasures = await this.#reads().erasures(erased)
    await this.#derived.write(rows, stamps, writer.epoch, (batches) => writeAll(session, [...batches, ...erasures]))
    this.#checkUsable()
    const { position } = snapshot
    const bucketBytes = isSame(position, this.#head) ? this.#bucketBytes : 0
    const covered = coveredAt(lineage, position)
    const stored = { snapshot, writer, life, covered, bucketBytes }
    await session.write(insertOfSnapshot(this.actor, stored, stamps.next(writer.epoch)))
    const before = this.#snapshotAt
    if (before !== undefined && isSame(before, position)) return
    this.#snapshotAt = position
    // S7: the one before is kept; what is older has no use, and costs nothing but space if it stays.
    if (before === undefined || this.#isOver) return
    await session.write(removalBefore(this.actor, before, stamps.next(writer.epoch))).catch(() => undefined)
  }
}

function misuse(message: string): ActorError {
  return new ActorError('INTERNAL', message)
}
