/**
 * An actor's reads of its own journal and derived rows.
 *
 * V1. Reads see all that was appended before they were called, durable or not: what memory holds first, then the store.
 *     They are safe to answer with, since an answer waits until what its turn saw is durable (CORE R1).
 * V2. What is in the store only is at or below the durable head, so the store never has to know of anything newer.
 * V3. A body that was erased is gone at once, also while the erasure is not written yet.
 * V4. Long reads of read-only calls go in pieces (pace.ts). They wait before they read, so that V1 to V3 hold.
 */

import type { Activation } from './activation.js'
import type { DerivedValue, OwnReads, PlacedEntry } from './actor.js'
import { decode } from './codec.js'
import { decodeFact } from './fact.js'
import type { DerivedRow, DerivedScan, JournalEntry, Position } from './journal-store.js'
import type { Reading } from './pace.js'
import type { PendingRow } from './pending-rows.js'
import { comparePositions } from './position.js'
import { after, type Soon } from './soon.js'

/** One read of the store; the runtime's own entries are left out afterwards, so a little more than asked for. */
const MOST_READ = 1_000

type Range = Parameters<OwnReads<unknown>['rows']>[2]

export class OwnJournal implements OwnReads<unknown> {
  readonly #activation: Activation
  readonly #reading: Reading | undefined

  constructor(activation: Activation, reading?: Reading) {
    this.#activation = activation
    this.#reading = reading
  }

  async entries(after: Position, limit: number, toPts?: number): Promise<readonly PlacedEntry<unknown>[]> {
    const activation = this.#activation
    const { head } = activation
    const lastPts = Math.min(toPts ?? head.pts, head.pts)
    const found: PlacedEntry<unknown>[] = []
    let position = after
    while (found.length < limit && position.pts <= lastPts) {
      const mustWait = this.#reading?.mayRead()
      if (mustWait) await mustWait
      const start = activation.tail?.start ?? activation.head
      if (comparePositions(position, start) >= 0) {
        this.#take(activation.tail?.after(position, lastPts) ?? [], head, limit, found)
        this.#reading?.hasRead(found.length)
        break
      }
      const wanted = Math.min(MOST_READ, limit - found.length + 8)
      const from = position
      const read = await activation.use((journal) => journal.read(from, Math.min(lastPts, start.pts), wanted))
      this.#reading?.hasRead(read.length)
      const stored = read.filter((entry) => comparePositions(entry, start) <= 0)
      this.#take(stored, head, limit, found)
      const last = stored.at(-1)
      position = stored.length === wanted && last !== undefined ? { pts: last.pts, ordinal: last.ordinal } : start
    }
    return found
  }

  async entriesAt(pts: readonly number[]): Promise<readonly (PlacedEntry<unknown> | undefined)[]> {
    const activation = this.#activation
    const mustWait = this.#reading?.mayRead()
    if (mustWait) await mustWait
    this.#reading?.hasRead(pts.length)
    const found = pts.map((each) => activation.tail?.at(each))
    const start = activation.tail?.start ?? activation.head
    const elsewhere = pts.filter((each, i) => found[i] === undefined && each > 0 && each <= start.pts)
    if (elsewhere.length > 0) {
      const read = await activation.use((journal) => journal.readAt(elsewhere))
      const stored = new Map(elsewhere.map((each, i) => [each, read[i]]))
      for (const [i, each] of pts.entries()) found[i] ??= stored.get(each)
    }
    return found.map((entry) => (entry === undefined ? undefined : this.#placed(entry)))
  }

  async rows(table: string, group: string, range: Range): Promise<readonly DerivedValue[]> {
    const { from, to, limit, descending = false } = range
    const pending = this.#activation.rows?.within(table, group, from, to) ?? []
    if (descending) pending.reverse()
    const merged = new RowMerge(pending, limit, descending)
    let low = from
    let high = to
    while (!merged.isFull && low <= high) {
      const mustWait = this.#reading?.mayRead()
      if (mustWait) await mustWait
      const wanted = Math.min(MOST_READ, merged.missing + 8)
      const scan: DerivedScan = { table, group, from: low, to: high, limit: wanted, descending }
      const stored = await this.#activation.use((journal) => journal.scan(scan))
      this.#reading?.hasRead(stored.length)
      merged.take(stored)
      const last = stored.at(-1)
      if (last === undefined || stored.length < wanted) break
      if (descending) high = last.order - 1
      else low = last.order + 1
    }
    merged.takeRest()
    return merged.values
  }

  row(table: string, group: string, order: number): Soon<unknown> {
    const activation = this.#activation
    const pending = activation.rows?.get(table, group, order)
    if (pending !== undefined) return pending.value
    const stored = activation.useSoon((journal) => journal.get(table, group, order))
    return after(stored, (bytes) => (bytes === undefined ? undefined : decode(bytes)))
  }

  #take(entries: Iterable<JournalEntry>, head: Position, limit: number, found: PlacedEntry<unknown>[]): void {
    for (const entry of entries) {
      if (found.length === limit || comparePositions(entry, head) > 0) return
      const placed = this.#placed(entry)
      if (placed !== undefined) found.push(placed)
    }
  }

  /** Undefined for the runtime's own entries. */
  #placed(entry: JournalEntry): PlacedEntry<unknown> | undefined {
    const { kind, rows } = this.#activation
    const decoded = decodeFact(entry.fact, kind.definition.state)
    if (decoded.reminder !== undefined) return undefined
    const { pts, ordinal, count, atMs, body } = entry
    const placed = { pts, ordinal, count, atMs, fact: decoded.fact }
    const isErased = count > 0 && rows?.isErased(pts) === true
    return body === undefined || isErased ? placed : { ...placed, body }
  }
}

/** Merges rows in memory over the store's, both in the order asked for; a row in memory, or its removal, hides the store's. */
class RowMerge {
  readonly values: DerivedValue[] = []
  readonly #pending: readonly PendingRow[]
  readonly #limit: number
  readonly #descending: boolean
  #next = 0

  constructor(pending: readonly PendingRow[], limit: number, descending: boolean) {
    this.#pending = pending
    this.#limit = limit
    this.#descending = descending
  }

  get isFull(): boolean {
    return this.values.length >= this.#limit
  }

  get missing(): number {
    return this.#limit - this.values.length + (this.#pending.length - this.#next)
  }

  take(stored: readonly DerivedRow[]): void {
    for (const { order, value } of stored) {
      const isHidden = this.#takePendingTo(order)
      if (this.isFull) return
      if (!isHidden && value !== undefined) this.values.push({ order, value: decode(value) })
    }
  }

  /** The store has no more: what is left in memory follows. */
  takeRest(): void {
    this.#takePendingTo(this.#descending ? 0 : Number.MAX_SAFE_INTEGER)
  }

  /** Takes pending rows up to and including `order`; true when one stands at `order` itself. */
  #takePendingTo(order: number): boolean {
    let row = this.#pending[this.#next]
    let isAtOrder = false
    while (row !== undefined && !this.isFull && (this.#descending ? row.order >= order : row.order <= order)) {
      if (row.value !== undefined) this.values.push({ order: row.order, value: row.value })
      isAtOrder = row.order === order
      row = this.#pending[++this.#next]
    }
    return isAtOrder
  }
}
