import type { Position } from '../../runtime/index.js'

/**
 * What others may see of accounts, one row each, derived from the account's journal (CORE J6).
 *
 * A1. A row replaces an older version only: rows may be put again, late and in any order.
 * A2. What `put` acknowledged is in every later `get` that asks for at least its version, after any crash. Without
 *     `atLeast` a `get` may give a row that is older, but never one for an account of which it was put none.
 */
export interface AccountStore {
  put(row: AccountRow): Promise<void>
  /** The rows in the order asked; undefined where there is none, or none as new as `atLeast`. */
  get(asked: readonly AskedAccount[]): Promise<readonly (AccountRow | undefined)[]>
}

export interface AskedAccount {
  readonly id: number
  readonly atLeast?: Position
}

/** Texts have no NUL and at most 1024 characters. */
export interface AccountRow {
  readonly id: number
  /** The position of the journal that the row was derived at. */
  readonly version: Position
  readonly firstName: string
  readonly lastName: string
  readonly about: string
  /** '' for none. */
  readonly username: string
  /** Digits; '' for none. */
  readonly phone: string
  /** Of the profile photo, a Long as hex; '' for none. */
  readonly photo: string
  readonly premium: boolean
  readonly deleted: boolean
  readonly homeDc: number
  /** Last seen, kept coarsely; 0: never. */
  readonly seenAtMs: number
}
