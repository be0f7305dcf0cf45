/**
 * Derived rows that are not written yet (CORE J6): everything since the last checkpoint, made again by replay if lost.
 *
 * P1. The last put or removal of a key wins, here and in the store.
 * P2. A row stays here until a checkpoint that holds it is durable; reads merge what is here over the store, so no read
 *     ever misses a row, whatever a checkpoint in flight has written of it.
 * P3. `packed` makes one string of all this, and `unpack` the same again; only while no checkpoint is in flight.
 */
import type { DerivedWriter } from './actor.js'
import { encode } from './codec.js'
import type { DerivedRow } from './journal-store.js'

/** A row as it stands in memory; `value` undefined: removed. */
export interface PendingRow {
  readonly order: number
  readonly value: unknown
}

/** What a checkpoint writes. */
export interface CollectedRows {
  readonly rows: readonly DerivedRow[]
  readonly erased: readonly number[]
  readonly generation: number
}

/** By order; undefined: removed. */
type Rows = Map<number, unknown>

/** The groups of a table. What is put goes mostly where the last went: a group's name is long, and looked up for each. */
class Table {
  readonly groups = new Map<string, Rows>()
  #group = ''
  #rows: Rows | undefined = undefined

  /** Those of the group, if it has any. */
  find(group: string): Rows | undefined {
    return this.#group === group ? this.#rows : this.groups.get(group)
  }

  rowsOf(group: string): Rows {
    let rows = this.find(group)
    if (rows === undefined) {
      rows = new Map()
      this.groups.set(group, rows)
    }
    this.#group = group
    this.#rows = rows
    return rows
  }
}

type Tables = Map<string, Table>

export interface PackedRows {
  /** Of each row its order and its value. */
  readonly tables: readonly (readonly [
    table: string,
    groups: readonly (readonly [group: string, rows: readonly unknown[]])[],
  ])[]
  readonly erased: readonly number[]
}

export class PendingRows implements DerivedWriter {
  /** Of no checkpoint yet; they hide those that one is writing. */
  #fresh: Tables = new Map()
  /** Of the checkpoint in flight, or of one that failed. */
  #writing: Tables | undefined
  readonly #seal: (value: unknown) => unknown
  readonly #onErase: (pts: number) => void
  #erased: Map<number, number> | undefined
  #generation = 0

  /** `seal` takes a value out of its maker's hands: copies or freezes it, as the system's localValues say. */
  constructor(seal: (value: unknown) => unknown, onErase: (pts: number) => void) {
    this.#seal = seal
    this.#onErase = onErase
  }

  get isEmpty(): boolean {
    return this.#fresh.size === 0 && this.#writing === undefined && this.#erased === undefined
  }

  get count(): number {
    let count = 0
    for (const tables of this.#layers()) {
      for (const { groups } of tables.values()) for (const rows of groups.values()) count += rows.size
    }
    return count
  }

  put(table: string, group: string, order: number, value: unknown): void {
    if (value === undefined) throw new TypeError(`derived row ${table}/${group}/${order} has no value`)
    this.#set(table, group, order, this.#seal(value))
  }

  remove(table: string, group: string, order: number): void {
    this.#set(table, group, order, undefined)
  }

  /** Bodies are to be erased that the store still has. */
  get erases(): boolean {
    return this.#erased !== undefined
  }

  erase(pts: number): void {
    this.#erased ??= new Map()
    this.#erased.set(pts, this.#generation)
    this.#onErase(pts)
  }

  isErased(pts: number): boolean {
    return this.#erased?.has(pts) ?? false
  }

  get(table: string, group: string, order: number): PendingRow | undefined {
    return find(this.#fresh, table, group, order) ?? find(this.#writing, table, group, order)
  }

  /** The rows with from <= order <= to, lowest first. */
  within(table: string, group: string, from: number, to: number): PendingRow[] {
    const found: PendingRow[] = []
    const fresh = this.#fresh.get(table)?.groups.get(group)
    const writing = this.#writing?.get(table)?.groups.get(group)
    for (const order of fresh?.keys() ?? []) {
      if (order >= from && order <= to) found.push({ order, value: fresh!.get(order) })
    }
    for (const order of writing?.keys() ?? []) {
      if (order >= from && order <= to && !fresh?.has(order)) found.push({ order, value: writing!.get(order) })
    }
    return found.sort((a, b) => a.order - b.order)
  }

  /** All that a checkpoint has to write, encoded now; `written(generation)` once it is durable. */
  collect(): CollectedRows {
    const tables = this.#merged()
    const rows: DerivedRow[] = []
    for (const [table, { groups }] of tables) {
      for (const [group, pending] of groups) {
        for (const [order, value] of pending) {
          rows.push({ table, group, order, value: value === undefined ? undefined : encode(value) })
        }
      }
    }
    this.#writing = tables
    this.#fresh = new Map()
    return { rows, erased: [...(this.#erased?.keys() ?? [])], generation: this.#generation++ }
  }

  /** Forgets what the checkpoint of this generation wrote. */
  written(generation: number): void {
    if (generation === this.#generation - 1) this.#writing = undefined
    for (const [pts, erasedIn] of this.#erased ?? []) if (erasedIn <= generation) this.#erased?.delete(pts)
    if (this.#erased?.size === 0) this.#erased = undefined
  }

  /** All of it as a plain value, for an activation that is idle; what was not written then is not written now. */
  packed(): PackedRows {
    const tables = [...this.#merged()].map(([table, { groups }]): PackedRows['tables'][number] => [
      table,
      [...groups].map(([group, rows]) => [group, [...rows].flat()]),
    ])
    return { tables, erased: [...(this.#erased?.keys() ?? [])] }
  }

  unpack({ tables, erased }: PackedRows): void {
    for (const [table, groups] of tables) {
      for (const [group, rows] of groups) {
        for (let i = 0; i < rows.length; i += 2) this.#set(table, group, rows[i] as number, rows[i + 1])
      }
    }
    for (const pts of erased) this.erase(pts)
  }

  #layers(): readonly Tables[] {
    return this.#writing === undefined ? [this.#fresh] : [this.#fresh, this.#writing]
  }

  /** Both layers as one, after a checkpoint that failed. */
  #merged(): Tables {
    if (this.#writing === undefined) return this.#fresh
    for (const [table, { groups }] of this.#fresh) {
      for (const [group, rows] of groups) {
        const target = tableIn(this.#writing, table).rowsOf(group)
        for (const [order, value] of rows) target.set(order, value)
      }
    }
    return this.#writing
  }

  #set(table: string, group: string, order: number, value: unknown): void {
    if (!Number.isSafeInteger(order) || order < 0) throw new TypeError(`derived row of ${table}: bad order ${order}`)
    tableIn(this.#fresh, table).rowsOf(group).set(order, value)
  }
}

function tableIn(tables: Tables, name: string): Table {
  let table = tables.get(name)
  if (table === undefined) {
    table = new Table()
    tables.set(name, table)
  }
  return table
}

function find(tables: Tables | undefined, table: string, group: string, order: number): PendingRow | undefined {
  const rows = tables?.get(table)?.find(group)
  return rows?.has(order) ? { order, value: rows.get(order) } : undefined
}
