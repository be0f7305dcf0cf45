/**
 * The names of accounts, for search by prefix. A derived index (CORE J6): whoever is the authority for a name writes it
 * here afterwards, and may write it again.
 *
 * N1. What `put` or `remove` acknowledged is in every later `prefix`, after any crash.
 * N2. Names are compared without regard to case; a name is returned as it was last put.
 * N3. Rows of different accounts under one name do not disturb each other: a late `remove` of the former holder
 *     leaves the new holder's row.
 * N4. A query has at least `shortestQueryCharacters`, so that it asks one shard: a shorter one finds nothing.
 */
export interface NameIndex {
  put(name: string, userId: number): Promise<void>
  remove(name: string, userId: number): Promise<void>
  /** Names that begin with `query`, in order of the lower-case name's code points, at most `limit`. */
  prefix(query: string, limit: number): Promise<readonly NameMatch[]>
}

export interface NameMatch {
  readonly name: string
  readonly userId: number
}

/** Of a search (N4), in UTF-16 units of the lower-case query. */
export const shortestQueryCharacters = 3
/** Of a name. */
export const longestNameCharacters = 256
