import type { Table } from './schema.js'
import { compareValues, type Value } from './values.js'

/** The cell that an INSERT leaves beside the columns: the row is there even when all of them are empty. */
export const ROW_MARK = ''
const NEVER = Number.NEGATIVE_INFINITY

export interface Cell {
  /** As the writer gave it. */
  readonly timestamp: number
  /** undefined: removed. */
  readonly value: Value | undefined
  readonly expiresAtMs: number
}

/** Never changed, only replaced: what a read has taken stays as it was. */
export interface Row {
  readonly key: readonly Value[]
  readonly cells: ReadonlyMap<string, Cell>
  /** Timestamp of the removal of the whole row. */
  readonly removedAt: number
}

/** Which rows of a partition; empty conditions: all. */
export interface Slice {
  includes(key: readonly Value[]): boolean
  /** The same for the same rows. */
  readonly name: string
}

/** A removal of all rows of a slice, there or not. */
export interface Removal {
  readonly slice: Slice
  readonly timestamp: number
}

/** What one write does to one partition; also what a replica that lacks something is sent. */
export interface Mutation {
  readonly rows: readonly Row[]
  readonly removals: readonly Removal[]
}

/** A slice of a partition as one replica has it, with what was removed. */
export interface Content {
  readonly rows: readonly Row[]
  readonly removals: ReadonlyMap<string, Removal>
}

/**
 * A partition on one replica.
 *
 * P1. Of two cells the one with the higher timestamp stays; of equal ones a removal, then the greater value.
 * P2. What is at or below the timestamp of its row's removal, or of a removal of a slice, is not there, whenever it came.
 * So mutations may come in any order, and again.
 */
export class Partition {
  readonly #table: Table
  #rows: Row[] = []
  readonly #removals = new Map<string, Removal>()

  constructor(table: Table) {
    this.#table = table
  }

  apply({ rows, removals }: Mutation): void {
    for (const row of rows) {
      const { at, isThere } = this.#find(row.key)
      if (isThere) this.#rows[at] = mergedRow(this.#rows[at]!, row)
      else this.#rows.splice(at, 0, row)
    }
    for (const removal of removals) addRemoval(this.#removals, removal)
  }

  read(slice: Slice): Content {
    return { rows: this.#rows.filter(({ key }) => slice.includes(key)), removals: new Map(this.#removals) }
  }

  #find(key: readonly Value[]): { at: number; isThere: boolean } {
    let low = 0
    let high = this.#rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#table, this.#rows[middle]!.key, key) < 0) low = middle + 1
      else high = middle
    }
    const found = this.#rows[low]
    return { at: low, isThere: found !== undefined && compareKeys(this.#table, found.key, key) === 0 }
  }
}

/** What two replicas have between them. */
export function merged(table: Table, one: Content, other: Content): Content {
  const rows: Row[] = []
  let [i, j] = [0, 0]
  while (i < one.rows.length || j < other.rows.length) {
    const [a, b] = [one.rows[i], other.rows[j]]
    const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(table, a.key, b.key)
    if (order <= 0) i++
    if (order >= 0) j++
    if (order < 0) rows.push(a!)
    else rows.push(order > 0 ? b! : mergedRow(a!, b!))
  }
  const removals = new Map(one.removals)
  for (const removal of other.removals.values()) addRemoval(removals, removal)
  return { rows, removals }
}

/** What `has` lacks of `all`, among rows up to the last that was looked at; undefined when it lacks nothing. */
export function missing(has: Content, all: Content, lookedAt: ReadonlySet<Row>): Mutation | undefined {
  const own = new Set(has.rows)
  const rows = all.rows.filter((row) => lookedAt.has(row) && !own.has(row))
  const removals = [...all.removals.values()].filter(
    ({ slice, timestamp }) => (has.removals.get(slice.name)?.timestamp ?? NEVER) < timestamp,
  )
  return rows.length > 0 || removals.length > 0 ? { rows, removals } : undefined
}

/** The values of a row that are there; undefined when the row is not. */
export function valuesOf(row: Row, { removals }: Content, nowMs: number): Map<string, Value> | undefined {
  let removedAt = row.removedAt
  for (const { slice, timestamp } of removals.values()) {
    if (timestamp > removedAt && slice.includes(row.key)) removedAt = timestamp
  }
  const values = new Map<string, Value>()
  for (const [column, { timestamp, value, expiresAtMs }] of row.cells) {
    if (value !== undefined && timestamp > removedAt && expiresAtMs > nowMs) values.set(column, value)
  }
  return values.size > 0 ? values : undefined
}

function addRemoval(removals: Map<string, Removal>, removal: Removal): void {
  const { name } = removal.slice
  if ((removals.get(name)?.timestamp ?? NEVER) < removal.timestamp) removals.set(name, removal)
}

/** `one` itself when `other` adds nothing. */
function mergedRow(one: Row, other: Row): Row {
  if (one === other) return one
  let cells: Map<string, Cell> | undefined
  for (const [column, cell] of other.cells) {
    const present = one.cells.get(column)
    if (present !== undefined && !wins(cell, present)) continue
    cells ??= new Map(one.cells)
    cells.set(column, cell)
  }
  if (cells === undefined && other.removedAt <= one.removedAt) return one
  const removedAt = Math.max(one.removedAt, other.removedAt)
  return { key: one.key, cells: cells ?? one.cells, removedAt }
}

function wins(cell: Cell, present: Cell): boolean {
  if (cell.timestamp !== present.timestamp) return cell.timestamp > present.timestamp
  if (present.value === undefined) return false
  if (cell.value === undefined) return true
  const order = compareValues(cell.value, present.value)
  return order > 0 || (order === 0 && cell.expiresAtMs > present.expiresAtMs)
}

function compareKeys({ descending }: Table, a: readonly Value[], b: readonly Value[]): number {
  for (let at = 0; at < a.length; at++) {
    const order = compareValues(a[at]!, b[at]!)
    if (order !== 0) return descending[at] ? -order : order
  }
  return 0
}
