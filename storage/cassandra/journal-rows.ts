import type cassandra from 'cassandra-driver'
import type { ActorAddress, JournalEntry, Position, Writer } from '../../runtime/index.js'
import { isAfter, isSame } from '../order.js'
import { isSameWriter, type Lineage, writerAt } from './lineage.js'
import type { Row, Statement } from './session.js'
import type { JournalTable } from './tables.js'

/** Largest ordinal that the tables hold. */
const mostOrdinal = 2 ** 31 - 1
export const mostLong = Number.MAX_SAFE_INTEGER

/** About what the columns of an entry take beside fact and body, before compression. */
const rowBytes = 120

/** An entry as it is stored: with its writer, its predecessor, and its place in its commit and its bucket. */
export interface StoredEntry {
  readonly entry: JournalEntry
  readonly writer: Writer
  readonly bucket: number
  readonly afterOrdinal: number
  /** Entries of the same commit that follow: a history never ends before the last (S2). */
  readonly more: number
  /** Bytes in this bucket up to and with this entry. */
  readonly bucketBytes: number
}

/** The entries of a commit as rows, after `head`, in a bucket that holds `bucketBytes` already. */
export function toStored(
  entries: readonly JournalEntry[],
  writer: Writer,
  head: Position,
  bucket: number,
  bucketBytes: number,
): StoredEntry[] {
  let bytes = bucketBytes
  let before = head.ordinal
  return entries.map((entry, index) => {
    bytes += sizeOf(entry)
    const afterOrdinal = before
    before = entry.ordinal
    return { entry, writer, bucket, afterOrdinal, more: entries.length - 1 - index, bucketBytes: bytes }
  })
}

export function sizeOf({ fact, body }: JournalEntry): number {
  return rowBytes + fact.length + (body?.length ?? 0)
}

export function insertOf(table: JournalTable, actor: ActorAddress, stored: StoredEntry): Statement {
  const { entry, writer, bucket, afterOrdinal, more, bucketBytes } = stored
  const { pts, ordinal, count, atMs, fact, body } = entry
  return {
    query: table.insert,
    parameters: [
      ...table.keyOf(actor),
      bucket,
      pts,
      ordinal,
      writer.epoch,
      writer.attempt,
      count,
      afterOrdinal,
      more,
      bucketBytes,
      new Date(atMs),
      asBuffer(fact),
      body && asBuffer(body),
    ],
  }
}

export function fromRow(row: Row, bucket: number): StoredEntry {
  const body = row.body as Buffer | null
  const entry = {
    pts: numberOf(row.pts),
    ordinal: row.ordinal as number,
    count: numberOf(row.count),
    atMs: (row.at as Date).getTime(),
    fact: row.fact as Buffer,
  }
  return {
    entry: body === null ? entry : { ...entry, body },
    writer: { epoch: numberOf(row.writer_epoch), attempt: numberOf(row.writer_attempt) },
    bucket,
    afterOrdinal: row.after_ordinal as number,
    more: row.more as number,
    bucketBytes: row.bucket_bytes as number,
  }
}

/** Rows that count: those of the writer that reigned at their position. */
export function isPartOf(lineage: Lineage, { entry, writer }: StoredEntry): boolean {
  const reign = writerAt(lineage, entry)
  return reign !== undefined && isSameWriter(reign, writer)
}

/** Where the entry before this one stands. */
function predecessorOf({ entry, afterOrdinal }: StoredEntry): Position {
  return { pts: entry.pts - entry.count, ordinal: afterOrdinal }
}

/**
 * Takes rows that count, in order, as long as each follows the one before; stops at the first hole. `head` may stand
 * between two entries, as a reader gives it.
 */
export class Chain {
  readonly taken: StoredEntry[] = []
  head: Position
  hasHole = false
  readonly #lineage: Lineage

  constructor(lineage: Lineage, head: Position) {
    this.#lineage = lineage
    this.head = head
  }

  take(row: StoredEntry): void {
    if (!isPartOf(this.#lineage, row) || this.hasHole) return
    const before = predecessorOf(row)
    const follows = this.taken.length === 0 ? !isAfter(before, this.head) : isSame(before, this.head)
    if (!follows) {
      this.hasHole = true
      return
    }
    this.taken.push(row)
    this.head = { pts: row.entry.pts, ordinal: row.entry.ordinal }
  }

  /** Drops the entries at the end whose commit is not whole. */
  cutToCommit(from: Position): void {
    while (this.taken.length > 0 && this.taken.at(-1)!.more > 0) this.taken.pop()
    const last = this.taken.at(-1)?.entry
    this.head = last ? { pts: last.pts, ordinal: last.ordinal } : from
  }
}

export function numberOf(long: unknown): number {
  return (long as cassandra.types.Long).toNumber()
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A position as the tables can hold it; readers give any number. */
export function keyOfPosition({ pts, ordinal }: Position): [pts: number, ordinal: number] {
  return [Math.min(pts, mostLong), Math.min(ordinal, mostOrdinal)]
}
