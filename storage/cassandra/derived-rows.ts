import type { ActorAddress, DerivedRow, DerivedScan } from '../../runtime/index.js'
import {
  bucketOf,
  firstHash,
  firstScattered,
  firstSlice,
  isScattered,
  type NotedBuckets,
  scatteredBucketOf,
} from './derived-buckets.js'
import { asBuffer, mostLong, numberOf } from './journal-rows.js'
import type { CassandraSession, Row, Statement } from './session.js'
import type { Stamps } from './stamps.js'
import { derived } from './tables.js'

/**
 * Derived rows of one life of an actor (CORE J6).
 *
 * D1. A row is written whole, with a stamp, so that the last put through the newest handle wins whenever it lands (S6).
 * D2. Rows of a group are cut into buckets (derived-buckets.ts). Each is noted, in one partition an actor, before its rows
 *     are acknowledged: so a scan finds it, and so does an erasure.
 * D3. Reads are at quorum: there is no chain here that would show a reader that its replica lacks a row.
 * D4. A slice's note goes with its last row. Only `write` removes notes, once its removals are durable and before it
 *     resolves, so nothing of this handle is written meanwhile. A note is known to be there under the epoch that wrote it
 *     alone: under another one somebody else may have removed it, with a lower stamp than the note that is written now.
 */
const mostStatements = 50
const mostBatchBytes = 256 * 1024
const mostPageRows = 1_000
const mostBucketsRead = 1_000
/** Buckets that one scan reads at once. */
const mostAtOnce = 16
/** Groups whose buckets are known to a handle. */
const mostKnownGroups = 16

type Write = (batches: readonly (readonly Statement[])[]) => Promise<void>
/** Of one partition: table, group and bucket. */
type BucketKey = readonly [table: string, group: string, bucket: number]

interface KnownBuckets {
  /** Those above 0 that have rows, lowest first, without scattered ones. */
  readonly buckets: readonly number[]
  readonly hasScattered: boolean
}

export class DerivedRows {
  readonly #session: CassandraSession
  readonly #actor: ActorAddress
  readonly #life: number
  readonly #noted: NotedBuckets
  /** By table and group. The newest handle alone adds some. */
  #known: Map<string, KnownBuckets> | undefined
  /** Rises while what is known may be changing: what was read across a change is not remembered. */
  #changes = 0

  constructor(session: CassandraSession, actor: ActorAddress, life: number, noted: NotedBuckets) {
    this.#session = session
    this.#actor = actor
    this.#life = life
    this.#noted = noted
  }

  /** Writes the rows with `write`, which takes batches of one partition each and may run them in any order. */
  async write(rows: readonly DerivedRow[], stamps: Stamps, epoch: number, write: Write): Promise<void> {
    const changed = new Map<string, Batches>()
    const batchesOf = (key: BucketKey): Batches => {
      const name = this.#nameOf(key, epoch)
      let batches = changed.get(name)
      if (batches === undefined) {
        batches = new Batches(key)
        changed.set(name, batches)
      }
      return batches
    }
    for (const { table, group, order, value } of rows) {
      const key: BucketKey = [table, group, bucketOf(order)]
      const stamp = stamps.next(epoch)
      if (value !== undefined) {
        const parameters = [...this.#keyOf(key), order, asBuffer(value), stamp]
        batchesOf(key).put({ query: derived.put, parameters }, value.length)
        continue
      }
      batchesOf(key).remove({ query: derived.remove, parameters: [stamp, ...this.#keyOf(key), order] }, order)
      if (order < firstHash || !(await this.#knownOf(table, group)).hasScattered) continue
      const former: BucketKey = [table, group, scatteredBucketOf(order)]
      batchesOf(former).remove({ query: derived.remove, parameters: [stamp, ...this.#keyOf(former), order] }, order)
    }
    const unnoted = [...changed].filter(([name, { hasPuts }]) => hasPuts && !this.#noted.has(name))
    const noting = new Batches(['', '', 0])
    for (const [, { key }] of unnoted) {
      noting.put({ query: derived.noteBucket, parameters: [...this.#keyOf(key), stamps.next(epoch)] }, 0)
    }
    if (unnoted.length > 0) this.#change()
    await write([...noting.all, ...[...changed.values()].flatMap(({ all }) => all)])
    if (unnoted.length > 0) {
      this.#change()
      this.#noted.add(unnoted.map(([name]) => name))
    }
    await this.#removeNotes([...changed.values()], stamps, epoch, write)
  }

  /** D4. A slice of which it cannot be told keeps its note, which costs a look. */
  async #removeNotes(changed: readonly Batches[], stamps: Stamps, epoch: number, write: Write): Promise<void> {
    const slices = changed.filter(({ hasPuts, key }) => !hasPuts && key[2] >= firstSlice)
    const empty: BucketKey[] = []
    for (let at = 0; at < slices.length; at += mostAtOnce) {
      const some = slices.slice(at, at + mostAtOnce)
      const found = await Promise.all(some.map((slice) => this.#isEmpty(slice).catch(() => false)))
      empty.push(...some.filter((_, i) => found[i]).map(({ key }) => key))
    }
    if (empty.length === 0) return
    this.#change()
    for (const key of empty) this.#noted.delete(this.#nameOf(key, epoch))
    const removals = new Batches(['', '', 0])
    for (const key of empty) {
      removals.remove({ query: derived.removeNote, parameters: [stamps.next(epoch), ...this.#keyOf(key)] }, 0)
    }
    await write(removals.all)
    this.#change()
  }

  /** What is above first: rows go lowest first, so the tombstones of a slice are passed once, when nothing is left. */
  async #isEmpty({ key, highest }: Batches): Promise<boolean> {
    for (const [from, to] of [
      [highest + 1, mostLong],
      [0, highest],
    ] as const) {
      if (from > to) continue
      const parameters = [...this.#keyOf(key), from, to, 1]
      const rows = await this.#session.read({ query: derived.upward, parameters }, 'quorum')
      if (rows.length > 0) return false
    }
    return true
  }

  /** Removes all rows of this life. */
  async removeAll(stamps: Stamps, epoch: number, write: Write): Promise<void> {
    const { kind, key } = this.#actor
    let after: BucketKey = ['', '', -1]
    for (;;) {
      const parameters = [kind, key, this.#life, ...after, mostBucketsRead]
      const rows = await this.#session.read({ query: derived.allBuckets, parameters }, 'quorum')
      const keys = rows.map(
        (row): BucketKey => [row.table_name as string, row.group_name as string, numberOf(row.bucket)],
      )
      const removal = (bucket: BucketKey) => [stamps.next(epoch), ...this.#keyOf(bucket)]
      await write(keys.map((bucket) => [{ query: derived.removeBucket, parameters: removal(bucket) }]))
      for (const bucket of keys) this.#noted.delete(this.#nameOf(bucket, epoch))
      if (rows.length < mostBucketsRead) break
      after = keys.at(-1)!
    }
    await write([[{ query: derived.removeNotes, parameters: [stamps.next(epoch), kind, key, this.#life] }]])
  }

  async get(table: string, group: string, order: number): Promise<Uint8Array | undefined> {
    const stored = this.#read([table, group, bucketOf(order)], order)
    if (order < firstHash) return stored
    const [value, { hasScattered }] = await Promise.all([stored, this.#knownOf(table, group)])
    return value ?? (hasScattered ? this.#read([table, group, scatteredBucketOf(order)], order) : undefined)
  }

  async scan(scan: DerivedScan): Promise<readonly DerivedRow[]> {
    const { table, group, limit, descending = false } = scan
    const [from, to] = [Math.max(0, scan.from), Math.min(scan.to, mostLong)]
    if (limit <= 0 || to < from) return []
    const within = { table, group, from, to, limit, descending }
    const [low, high] = [bucketOf(from), bucketOf(to)]
    if (low === high && to < firstHash) return this.#scanBuckets(within, [low])
    const { buckets, hasScattered } = await this.#knownOf(table, group)
    const some = buckets.filter((bucket) => bucket >= low && bucket <= high)
    if (low === 0) some.unshift(0)
    const found = await this.#scanBuckets(within, descending ? some.reverse() : some)
    if (!hasScattered || to < firstHash) return found
    return merged(found, await this.#scanScattered(within), within)
  }

  /** Of what is written and scattered at one place, that which was written here is newer. */
  async #scanScattered(scan: Required<DerivedScan>): Promise<readonly DerivedRow[]> {
    const { table, group, from, to, limit, descending } = scan
    const end = scatteredBucketOf(to)
    let after = scatteredBucketOf(Math.max(from, firstHash)) - 1
    const found: DerivedRow[] = []
    const all: number[] = []
    for (let isLast = false; !isLast && found.length < limit; ) {
      const notes = await this.#notesAfter(table, group, after)
      isLast = notes.length < mostBucketsRead || notes.at(-1)! >= end
      after = notes.at(-1) ?? after
      const buckets = notes.filter((bucket) => bucket <= end && isScattered(bucket))
      if (descending) all.push(...buckets)
      else found.push(...(await this.#scanBuckets({ ...scan, limit: limit - found.length }, buckets)))
    }
    return descending ? this.#scanBuckets(scan, all.reverse()) : found
  }

  /** Buckets in the order of the scan: one, then more and more at once while they have few rows. */
  async #scanBuckets(scan: Required<DerivedScan>, buckets: readonly number[]): Promise<readonly DerivedRow[]> {
    const found: DerivedRow[] = []
    for (let at = 0, width = 1; at < buckets.length && found.length < scan.limit; at += width, width *= 2) {
      width = Math.min(width, mostAtOnce)
      const rest = { ...scan, limit: scan.limit - found.length }
      const read = await Promise.all(buckets.slice(at, at + width).map((bucket) => this.#scanBucket(rest, bucket)))
      for (const rows of read) found.push(...rows)
    }
    return found.slice(0, scan.limit)
  }

  async #scanBucket(scan: Required<DerivedScan>, bucket: number): Promise<readonly DerivedRow[]> {
    const { table, group, limit, descending } = scan
    let { from, to } = scan
    const found: DerivedRow[] = []
    for (;;) {
      const asked = Math.min(limit - found.length, mostPageRows)
      const parameters = [...this.#keyOf([table, group, bucket]), from, to, asked]
      const query = descending ? derived.downward : derived.upward
      const rows = await this.#session.read({ query, parameters }, 'quorum')
      for (const row of rows) found.push({ table, group, order: numberOf(row.place), value: row.value as Buffer })
      const last = rows.at(-1)
      if (last === undefined || rows.length < asked || found.length >= limit) return found
      if (descending) to = numberOf(last.place) - 1
      else from = numberOf(last.place) + 1
      if (from > to) return found
    }
  }

  async #read(key: BucketKey, order: number): Promise<Uint8Array | undefined> {
    const parameters = [...this.#keyOf(key), order]
    const [row] = await this.#session.read({ query: derived.one, parameters }, 'quorum')
    return row && (row.value as Buffer)
  }

  async #knownOf(table: string, group: string): Promise<KnownBuckets> {
    const name = JSON.stringify([table, group])
    const known = this.#known?.get(name)
    if (known !== undefined) return known
    const changes = this.#changes
    const buckets: number[] = []
    let hasScattered = false
    let notes: readonly number[]
    let after = 0
    do {
      notes = await this.#notesAfter(table, group, after)
      for (const bucket of notes) {
        if (isScattered(bucket)) hasScattered = true
        else buckets.push(bucket)
      }
      after = notes.at(-1) ?? after
      if (after >= firstScattered) after = Math.max(after, firstSlice - 1)
    } while (notes.length === mostBucketsRead)
    const read = { buckets, hasScattered }
    if (changes === this.#changes) this.#remember(name, read)
    return read
  }

  async #notesAfter(table: string, group: string, after: number): Promise<readonly number[]> {
    const { kind, key } = this.#actor
    const parameters = [kind, key, this.#life, table, group, after, mostBucketsRead]
    const rows: readonly Row[] = await this.#session.read({ query: derived.buckets, parameters }, 'quorum')
    return rows.map((row) => numberOf(row.bucket))
  }

  #change(): void {
    this.#changes++
    this.#known = undefined
  }

  #remember(name: string, buckets: KnownBuckets): void {
    this.#known ??= new Map()
    if (this.#known.size >= mostKnownGroups) this.#known.clear()
    this.#known.set(name, buckets)
  }

  #keyOf(bucket: BucketKey): readonly (string | number)[] {
    return [this.#actor.kind, this.#actor.key, this.#life, ...bucket]
  }

  #nameOf(bucket: BucketKey, epoch: number): string {
    return JSON.stringify([...this.#keyOf(bucket), epoch])
  }
}

/** Statements of one partition, cut so that no batch is large. */
class Batches {
  readonly key: BucketKey
  readonly all: Statement[][] = []
  hasPuts = false
  /** Of the places that are removed. */
  highest = 0
  #bytes = 0

  constructor(key: BucketKey) {
    this.key = key
  }

  put(statement: Statement, bytes: number): void {
    this.hasPuts = true
    this.#add(statement, bytes)
  }

  remove(statement: Statement, place: number): void {
    this.highest = Math.max(this.highest, place)
    this.#add(statement, 0)
  }

  #add(statement: Statement, bytes: number): void {
    const last = this.all.at(-1)
    if (last === undefined || last.length >= mostStatements || this.#bytes + bytes > mostBatchBytes) {
      this.all.push([statement])
      this.#bytes = bytes
    } else {
      last.push(statement)
      this.#bytes += bytes
    }
  }
}

/** Two lists in the order of the scan; of two rows at one place that of the first list. */
function merged(
  first: readonly DerivedRow[],
  second: readonly DerivedRow[],
  { limit, descending }: Required<DerivedScan>,
): readonly DerivedRow[] {
  const byOrder = new Map([...second, ...first].map((row) => [row.order, row]))
  const rows = [...byOrder.values()].sort((one, other) => one.order - other.order)
  return (descending ? rows.reverse() : rows).slice(0, limit)
}
