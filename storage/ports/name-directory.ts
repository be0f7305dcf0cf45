/**
 * Whose a phone number or a username is: unique across all accounts. The state machine, with what a crash leaves at each
 * step, is in docs/decisions/0009-accounts.md.
 *
 * D1. A name has one holder at most, whoever reserves at the same time: `reserve` gives a name only to one who is its holder
 *     already, or when it has none.
 * D2. Tokens of one name rise, over all its holders.
 * D3. Every step may be repeated and may come late: it does nothing to a record whose holder is another, and `release`
 *     nothing to one that has given a token after `upTo`.
 * D4. What was acknowledged is seen by everything that begins afterwards, after any crash.
 */
export interface NameDirectory {
  /** The records of these names, in order; undefined where nobody holds the name. */
  find(names: readonly NameKey[]): Promise<readonly (NameRecord | undefined)[]>
  /** The record as it stands afterwards: reserved for `user` under a new token, or another's as it was. */
  reserve(request: NameKey & { readonly user: number; readonly atMs: number }): Promise<NameRecord>
  /** `user` owns the name now, if he is its holder. A reservation with a later token stays. */
  confirm(request: NameKey & { readonly user: number; readonly token: number }): Promise<void>
  /** Nobody holds the name now, if `user` did and no token after `upTo` was given. */
  release(request: NameKey & { readonly user: number; readonly upTo: number }): Promise<void>
}

export type NameKind = 'phone' | 'username'

export interface NameKey {
  readonly kind: NameKind
  /** As it is compared: digits, or lower case. 1 to 256 characters, none of them NUL. */
  readonly name: string
}

export interface NameRecord {
  readonly holder: number
  /** Confirmed; otherwise reserved only. */
  readonly owned: boolean
  /** The last that was given. */
  readonly token: number
  /** Set while a reservation is open. */
  readonly reservedAtMs?: number
}
