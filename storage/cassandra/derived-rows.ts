import type { ActorAddress, DerivedRow, DerivedScan } from '../../runtime/index.js'
import { asBuffer, mostLong, numberOf } from './journal-rows.js'
import type { CassandraSession, Row, Statement } from './session.js'
import type { Stamps } from './stamps.js'
import { derived } from './tables.js'

/**
 * Derived rows of one life of an actor (CORE J6).
 *
 * D1. A row is written whole, with a stamp, so that the last put through the newest handle wins whenever it lands (S6).
 * D2. Rows of a group are cut into buckets of 4,096 places. Each is noted, in one partition an actor, before its rows are
 *     acknowledged: so a scan finds it, and so does an erasure.
 * D3. Reads are at quorum: there is no chain here that would show a reader that its replica lacks a row.
 */
const placesPerBucket = 4_096
const mostStatements = 50
const mostBatchBytes = 256 * 1024
const mostPageRows = 1_000
const mostBucketsRead = 1_000
/** Groups whose buckets are known to a handle. */
const mostKnownGroups = 16

/** Buckets that this process has noted already, of all actors; bounded. */
export class NotedBuckets {
  readonly #noted = new Set<string>()
  static readonly #most = 50_000

  has(name: string): boolean {
    return this.#noted.has(name)
  }

  delete(name: string): void {
    this.#noted.delete(name)
  }

  add(names: readonly string[]): void {
    if (this.#noted.size + names.length > NotedBuckets.#most) this.#noted.clear()
    for (const name of names) this.#noted.add(name)
  }
}

export class DerivedRows {
  readonly #session: CassandraSession
  readonly #actor: ActorAddress
  readonly #life: number
  readonly #noted: NotedBuckets
  /** By table and group: the buckets above 0 that have rows, lowest first. The newest handle alone adds some. */
  #known: Map<string, readonly number[]> | undefined
  /** Rises while what is known may be changing: what was read across a change is not remembered. */
  #changes = 0

  constructor(session: CassandraSession, actor: ActorAddress, life: number, noted: NotedBuckets) {
    this.#session = session
    this.#actor = actor
    this.#life = life
    this.#noted = noted
  }

  /** Writes the rows with `write`, which takes batches of one partition each and may run them in any order. */
  async write(
    rows: readonly DerivedRow[],
    stamps: Stamps,
    epoch: number,
    write: (batches: readonly (readonly Statement[])[]) => Promise<void>,
  ): Promise<void> {
    const partitions = new Map<string, Batches>()
    const notes = new Map<string, Statement>()
    for (const { table, group, order, value } of rows) {
      const key = [...this.#keyOf(table, group), bucketOf(order)]
      const name = JSON.stringify(key)
      let batches = partitions.get(name)
      if (batches === undefined) {
        batches = new Batches()
        partitions.set(name, batches)
        if (!this.#noted.has(name)) {
          notes.set(name, { query: derived.noteBucket, parameters: [...key, stamps.next(epoch)] })
        }
      }
      const stamp = stamps.next(epoch)
      if (value === undefined) batches.add({ query: derived.remove, parameters: [stamp, ...key, order] }, 0)
      else batches.add({ query: derived.put, parameters: [...key, order, asBuffer(value), stamp] }, value.length)
    }
    const noting = new Batches()
    for (const note of notes.values()) noting.add(note, 0)
    if (notes.size > 0) this.#change()
    await write([...noting.all, ...[...partitions.values()].flatMap(({ all }) => all)])
    if (notes.size === 0) return
    this.#change()
    this.#noted.add([...notes.keys()])
  }

  /** Removes all rows of this life. */
  async removeAll(
    stamps: Stamps,
    epoch: number,
    write: (batches: readonly (readonly Statement[])[]) => Promise<void>,
  ): Promise<void> {
    const { kind, key } = this.#actor
    let after: readonly (string | number)[] = ['', '', -1]
    for (;;) {
      const parameters = [kind, key, this.#life, ...after, mostBucketsRead]
      const rows = await this.#session.read({ query: derived.allBuckets, parameters }, 'quorum')
      const keys = rows.map((row) => [row.table_name as string, row.group_name as string, numberOf(row.bucket)])
      const removal = (bucket: readonly (string | number)[]) => [stamps.next(epoch), kind, key, this.#life, ...bucket]
      await write(keys.map((bucket) => [{ query: derived.removeBucket, parameters: removal(bucket) }]))
      for (const bucket of keys) this.#noted.delete(JSON.stringify([kind, key, this.#life, ...bucket]))
      if (rows.length < mostBucketsRead) break
      after = keys.at(-1)!
    }
    await write([[{ query: derived.removeNotes, parameters: [stamps.next(epoch), kind, key, this.#life] }]])
  }

  async get(table: string, group: string, order: number): Promise<Uint8Array | undefined> {
    const parameters = [...this.#keyOf(table, group), bucketOf(order), order]
    const [row] = await this.#session.read({ query: derived.one, parameters }, 'quorum')
    return row && (row.value as Buffer)
  }

  async scan({ table, group, from, to, limit, descending = false }: DerivedScan): Promise<readonly DerivedRow[]> {
    const found: DerivedRow[] = []
    const [low, high] = [Math.max(0, from), Math.min(to, mostLong)]
    if (limit <= 0 || high < low) return found
    const buckets = await this.#bucketsBetween(table, group, bucketOf(low), bucketOf(high))
    for (const bucket of descending ? buckets.reverse() : buckets) {
      await this.#scanBucket({ table, group, from: low, to: high, limit, descending }, bucket, found)
      if (found.length >= limit) break
    }
    return found
  }

  async #scanBucket(scan: DerivedScan, bucket: number, found: DerivedRow[]): Promise<void> {
    const { table, group, limit, descending } = scan
    let { from, to } = scan
    for (;;) {
      const asked = Math.min(limit - found.length, mostPageRows)
      const parameters = [...this.#keyOf(table, group), bucket, from, to, asked]
      const query = descending ? derived.downward : derived.upward
      const rows = await this.#session.read({ query, parameters }, 'quorum')
      for (const row of rows) found.push({ table, group, order: numberOf(row.place), value: row.value as Buffer })
      const last = rows.at(-1)
      if (last === undefined || rows.length < asked || found.length >= limit) return
      if (descending) to = numberOf(last.place) - 1
      else from = numberOf(last.place) + 1
      if (from > to) return
    }
  }

  async #bucketsBetween(table: string, group: string, low: number, high: number): Promise<number[]> {
    if (low === high) return [low]
    const above = await this.#bucketsAbove0(table, group)
    return [...(low === 0 ? [0] : []), ...above.filter((bucket) => bucket >= low && bucket <= high)]
  }

  async #bucketsAbove0(table: string, group: string): Promise<readonly number[]> {
    const name = JSON.stringify([table, group])
    const known = this.#known?.get(name)
    if (known !== undefined) return known
    const changes = this.#changes
    const buckets: number[] = []
    let rows: readonly Row[]
    do {
      const parameters = [...this.#keyOf(table, group), buckets.at(-1) ?? 0, mostBucketsRead]
      rows = await this.#session.read({ query: derived.buckets, parameters }, 'quorum')
      for (const row of rows) buckets.push(numberOf(row.bucket))
    } while (rows.length === mostBucketsRead)
    if (changes === this.#changes) this.#remember(name, buckets)
    return buckets
  }

  #change(): void {
    this.#changes++
    this.#known = undefined
  }

  #remember(name: string, buckets: readonly number[]): void {
    this.#known ??= new Map()
    if (this.#known.size >= mostKnownGroups) this.#known.clear()
    this.#known.set(name, buckets)
  }

  #keyOf(table: string, group: string): readonly (string | number)[] {
    return [this.#actor.kind, this.#actor.key, this.#life, table, group]
  }
}

/** Statements of one partition, cut so that no batch is large. */
class Batches {
  readonly all: Statement[][] = []
  #bytes = 0

  add(statement: Statement, bytes: number): void {
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

function bucketOf(order: number): number {
  return Math.floor(order / placesPerBucket)
}
