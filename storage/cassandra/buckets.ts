import type { ActorAddress, Position, Writer } from '../../runtime/index.js'
import { isAfter, start } from '../order.js'
import { numberOf } from './journal-rows.js'
import { hasBegun, type Lineage } from './lineage.js'
import type { CassandraSession, Row } from './session.js'
import { buckets } from './tables.js'

/**
 * How a journal is cut (CORE J9).
 *
 * B1. A bucket holds the entries after its `from`, up to the next bucket's. Bucket 0 begins at the start and has no row,
 *     so that a small actor, which is all in bucket 0, pays nothing for buckets.
 * B2. The row that begins a bucket is durable before the first entry in it is sent. It names its writer, and counts only
 *     if that one reigned beyond `from`: a bucket that an overtaken owner began is no part of the history.
 * B3. All entries of a commit are in one bucket.
 */
export interface Bucket {
  readonly number: number
  readonly from: Position
}

const firstBucket: Bucket = { number: 0, from: start }
const pageRows = 16

/** Rows of buckets, newest first, as they are stored; `isAll`: there are no older ones. */
export interface BucketRows {
  readonly rows: readonly BucketRow[]
  readonly isAll: boolean
}

type BucketRow = Bucket & { readonly writer: Writer }

/** The buckets that a list has read, oldest first, and the oldest row of them while older ones may exist. */
export interface KnownBuckets {
  readonly known: readonly Bucket[]
  readonly oldest: BucketRow | undefined
}

export async function newestBuckets(session: CassandraSession, { kind, key }: ActorAddress): Promise<BucketRows> {
  return toRows(await session.read({ query: buckets.newest, parameters: [kind, key, pageRows] }, 'quorum'), pageRows)
}

/** A journal's buckets as far as they were read: the newest ones, and older ones once somebody asks for them. */
export class BucketList {
  readonly #actor: ActorAddress
  readonly #lineage: Lineage
  /** Oldest first; at least one. */
  #known: Bucket[] = []
  /** Key of the oldest row that was read, while older ones may exist. */
  #oldest: BucketRow | undefined

  constructor(actor: ActorAddress, lineage: Lineage, newest: BucketRows) {
    this.#actor = actor
    this.#lineage = lineage
    this.#add(newest)
  }

  /** What a list with `known` was told: it goes on from there. */
  static handed(actor: ActorAddress, lineage: Lineage, { known, oldest }: KnownBuckets): BucketList {
    const list = new BucketList(actor, lineage, { rows: [], isAll: false })
    list.#known = [...known]
    list.#oldest = oldest
    return list
  }

  get known(): KnownBuckets {
    return { known: this.#known, oldest: this.#oldest }
  }

  get last(): Bucket {
    return this.#known.at(-1) ?? firstBucket
  }

  begin(bucket: Bucket): void {
    this.#known.push(bucket)
  }

  /** The buckets with entries after `position`, oldest first; at most the last one has none. */
  async after(session: CassandraSession, position: Position): Promise<readonly Bucket[]> {
    while (this.#oldest !== undefined && !this.#reaches(position)) await this.#readOlder(session)
    let first = this.#known.length - 1
    while (first > 0 && isAfter(this.#known[first]!.from, position)) first--
    return this.#known.slice(Math.max(0, first))
  }

  #reaches(position: Position): boolean {
    const [first] = this.#known
    return first !== undefined && !isAfter(first.from, position)
  }

  async #readOlder(session: CassandraSession): Promise<void> {
    const oldest = this.#oldest!
    const { kind, key } = this.#actor
    const parameters = [kind, key, oldest.number, oldest.writer.epoch, oldest.writer.attempt, pageRows]
    const rows = await session.read({ query: buckets.before, parameters }, 'quorum')
    // Two readers at once read the same rows: only the first adds them.
    if (this.#oldest === oldest) this.#add(toRows(rows, pageRows))
  }

  #add({ rows, isAll }: BucketRows): void {
    const valid = rows.filter(({ writer, from }) => hasBegun(this.#lineage, writer, from))
    const older = valid.map(({ number, from }) => ({ number, from })).reverse()
    this.#oldest = isAll ? undefined : rows.at(-1)
    this.#known = [...(isAll ? [firstBucket] : []), ...older, ...this.#known]
  }
}

function toRows(rows: readonly Row[], asked: number): BucketRows {
  return {
    isAll: rows.length < asked,
    rows: rows.map((row) => ({
      number: row.bucket as number,
      from: { pts: numberOf(row.from_pts), ordinal: row.from_ordinal as number },
      writer: { epoch: numberOf(row.writer_epoch), attempt: numberOf(row.writer_attempt) },
    })),
  }
}
