import type { ActorAddress, JournalEntry, Position } from '../../runtime/index.js'
import { isAfter, isSame } from '../order.js'
import type { Bucket, BucketList } from './buckets.js'
import { rowsOf } from './entry-reader.js'
import { Chain, fromRow, isPartOf, type StoredEntry } from './journal-rows.js'
import { type Lineage, writerAt } from './lineage.js'
import type { CassandraSession, ReadConsistency, Statement } from './session.js'
import { tableOf } from './tables.js'

/**
 * An owner's reads of what is settled: at or below the head that it knows (CORE J5).
 *
 * R1. One replica is asked. The chain of predecessors shows when it lacks an entry; then a quorum is asked, from the last
 *     entry that is certain.
 * R2. A number that no replica asked has an entry for is looked for at quorum before it is said not to be there.
 * R3. A body that was erased is gone from every replica that was there to hear it; the others hear it by hint or repair.
 *     Who shows messages decides by derived rows, which are read at quorum.
 */
export class EntryReads {
  readonly #session: CassandraSession
  readonly #actor: ActorAddress
  readonly #lineage: Lineage
  readonly #buckets: BucketList
  readonly #head: Position

  constructor(session: CassandraSession, actor: ActorAddress, lineage: Lineage, buckets: BucketList, head: Position) {
    this.#session = session
    this.#actor = actor
    this.#lineage = lineage
    this.#buckets = buckets
    this.#head = head
  }

  async read(after: Position, toPts: number, limit: number): Promise<readonly JournalEntry[]> {
    if (limit <= 0 || toPts < after.pts || !isAfter(this.#head, after)) return []
    const range: Range = { after, toPts, limit }
    const found = await this.#range(range, 'one')
    return found ?? (await this.#range(range, 'quorum')) ?? []
  }

  /** undefined when an entry is missing. */
  async #range({ after, toPts, limit }: Range, consistency: ReadConsistency): Promise<JournalEntry[] | undefined> {
    const found: JournalEntry[] = []
    const chain = new Chain(this.#lineage, after)
    const buckets = await this.#buckets.after(this.#session, after)
    for (const [index, bucket] of buckets.entries()) {
      const pageRows = Math.min(limit - found.length, Math.max(0, toPts - after.pts) + 16) + 1
      pages: for await (const rows of rowsOf(this.#session, this.#actor, bucket.number, after, pageRows, consistency)) {
        for (const row of rows) {
          // Of a commit under way, or of nobody: that it is there says nothing of what comes before it.
          if (isAfter(row.entry, this.#head)) break pages
          const taken = chain.taken.length
          chain.take(row)
          if (chain.hasHole) return undefined
          if (chain.taken.length === taken) continue
          if (row.entry.pts > toPts) return found
          found.push(row.entry)
          if (found.length === limit) return found
        }
      }
      const end = buckets[index + 1]?.from ?? this.#head
      if (chain.taken.length > 0 ? !isSame(chain.head, end) : isAfter(end, after)) return undefined
    }
    return found
  }

  async readAt(pts: readonly number[]): Promise<readonly (JournalEntry | undefined)[]> {
    const wanted = [...new Set(pts)].filter((each) => each > 0 && each <= this.#head.pts)
    const found = new Map<number, JournalEntry>()
    await this.#at(wanted, 'one', found)
    const missing = wanted.filter((each) => !found.has(each))
    if (missing.length > 0) await this.#at(missing, 'quorum', found)
    return pts.map((each) => found.get(each))
  }

  async #at(wanted: readonly number[], consistency: ReadConsistency, found: Map<number, JournalEntry>): Promise<void> {
    const table = tableOf(this.#actor.kind)
    const reading = (await this.#byBucket(wanted)).map(async ([bucket, pts]) => {
      const parameters = [...table.keyOf(this.#actor), bucket, pts]
      const rows = await this.#session.read({ query: table.at, parameters }, consistency)
      for (const row of rows) this.#keep(fromRow(row, bucket), found)
    })
    await Promise.all(reading)
  }

  /** What erases the bodies of the entries at these numbers, one batch a bucket. */
  async erasures(erased: readonly number[]): Promise<Statement[][]> {
    const table = tableOf(this.#actor.kind)
    const wanted = [...new Set(erased)].filter((each) => each > 0 && each <= this.#head.pts)
    return (await this.#byBucket(wanted)).map(([bucket, pts]) =>
      pts.flatMap((each) => {
        const writer = writerAt(this.#lineage, { pts: each, ordinal: 0 })
        const key = [...table.keyOf(this.#actor), bucket, each]
        return writer ? [{ query: table.eraseBody, parameters: [...key, writer.epoch, writer.attempt] }] : []
      }),
    )
  }

  #keep(row: StoredEntry, found: Map<number, JournalEntry>): void {
    if (isPartOf(this.#lineage, row) && !isAfter(row.entry, this.#head)) found.set(row.entry.pts, row.entry)
  }

  /** At most `mostPerRead` numbers each. */
  async #byBucket(pts: readonly number[]): Promise<[bucket: number, pts: number[]][]> {
    if (pts.length === 0) return []
    const lowest = Math.min(...pts)
    const buckets = await this.#buckets.after(this.#session, { pts: lowest - 1, ordinal: 0 })
    const groups = new Map<number, number[]>()
    for (const each of pts) {
      const bucket = bucketOf(buckets, each)
      groups.set(bucket, [...(groups.get(bucket) ?? []), each])
    }
    return [...groups].flatMap(([bucket, all]) => slicesOf(all).map((some): [number, number[]] => [bucket, some]))
  }
}

interface Range {
  readonly after: Position
  readonly toPts: number
  readonly limit: number
}

const mostPerRead = 100

/** The bucket of the numbered entry at `pts`: the last that begins before it. */
function bucketOf(buckets: readonly Bucket[], pts: number): number {
  const position = { pts, ordinal: 0 }
  let found = buckets[0]!
  for (const bucket of buckets) if (isAfter(position, bucket.from)) found = bucket
  return found.number
}

function slicesOf(all: readonly number[]): number[][] {
  const slices: number[][] = []
  for (let at = 0; at < all.length; at += mostPerRead) slices.push(all.slice(at, at + mostPerRead))
  return slices
}
