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
  readonly generation: number
}

/** What a checkpoint writes. */
export interface CollectedRows {
  readonly rows: readonly DerivedRow[]
  readonly erased: readonly number[]
  readonly generation: number
}

type Rows = Map<number, PendingRow>

export interface PackedRows {
  /** Of each row its order and its value. */
  readonly tables: readonly (readonly [
    table: string,
    groups: readonly (readonly [group: string, rows: readonly unknown[]])[],
  ])[]
  readonly erased: readonly number[]
}

export class PendingRows implements DerivedWriter {
  /** By table, then by group. */
  readonly #tables = new Map<string, Map<string, Rows>>()
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
    return this.#tables.size === 0 && this.#erased === undefined
  }

  get count(): number {
    let count = 0
    for (const groups of this.#tables.values()) for (const rows of groups.values()) count += rows.size
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
    return this.#tables.get(table)?.get(group)?.get(order)
  }

  /** The rows with from <= order <= to, lowest first. */
  within(table: string, group: string, from: number, to: number): PendingRow[] {
    const rows = this.#tables.get(table)?.get(group)
    if (rows === undefined) return []
    const found = [...rows.values()].filter((row) => row.order >= from && row.order <= to)
    return found.sort((a, b) => a.order - b.order)
  }

  /** All that a checkpoint has to write, encoded now; `written(generation)` once it is durable. */
  collect(): CollectedRows {
    const rows: DerivedRow[] = []
    for (const [table, groups] of this.#tables) {
      for (const [group, pending] of groups) {
        for (const { order, value } of pending.values()) {
          rows.push({ table, group, order, value: value === undefined ? undefined : encode(value) })
        }
      }
    }
    return { rows, erased: [...(this.#erased?.keys() ?? [])], generation: this.#generation++ }
  }

  /** Forgets what the checkpoint of this generation wrote, unless it has changed since. */
  written(generation: number): void {
    for (const [table, groups] of this.#tables) {
      for (const [group, rows] of groups) {
        for (const row of rows.values()) if (row.generation <= generation) rows.delete(row.order)
        if (rows.size === 0) groups.delete(group)
      }
      if (groups.size === 0) this.#tables.delete(table)
    }
    for (const [pts, erasedIn] of this.#erased ?? []) if (erasedIn <= generation) this.#erased?.delete(pts)
    if (this.#erased?.size === 0) this.#erased = undefined
  }

  /** All of it as a plain value, for an activation that is idle; what was not written then is not written now. */
  packed(): PackedRows {
    const tables = [...this.#tables].map(([table, groups]): PackedRows['tables'][number] => [
      table,
      [...groups].map(([group, rows]) => [group, [...rows.values()].flatMap(({ order, value }) => [order, value])]),
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

  #set(table: string, group: string, order: number, value: unknown): void {
    if (!Number.isSafeInteger(order) || order < 0) throw new TypeError(`derived row of ${table}: bad order ${order}`)
    let groups = this.#tables.get(table)
    if (groups === undefined) {
      groups = new Map()
      this.#tables.set(table, groups)
    }
    let rows = groups.get(group)
    if (rows === undefined) {
      rows = new Map()
      groups.set(group, rows)
    }
    rows.set(order, { order, value, generation: this.#generation })
  }
}
