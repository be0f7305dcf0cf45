import type { AccountRow } from './account-store.js'
import { longestNameCharacters } from './name-index.js'

/** The bounds that every driver keeps, so that none takes what another cannot store. */
const longestTextCharacters = 1024

/** @throws RangeError */
export function checkedName(name: string): string {
  if (name === '' || name.length > longestNameCharacters || name.includes('\0')) {
    throw new RangeError(`A name has 1 to ${longestNameCharacters} characters, none of them NUL`)
  }
  return name
}

/** @throws RangeError */
export function checkedRow(row: AccountRow): AccountRow {
  const { id, firstName, lastName, about, username, phone, photo } = row
  if (!Number.isSafeInteger(id) || id < 0) throw new RangeError(`Not an account's id: ${id}`)
  for (const text of [firstName, lastName, about, username, phone, photo]) {
    if (text.length > longestTextCharacters || text.includes('\0')) {
      throw new RangeError(`A text of account ${id} has a NUL or more than ${longestTextCharacters} characters`)
    }
  }
  return row
}
