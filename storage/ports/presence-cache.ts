/** When an account was last there, and until when it said to be. */
export interface Seen {
  /** Milliseconds since the Unix epoch; 0 or the past: not online. Kept in whole seconds after `seenAtMs`, rounded up. */
  readonly onlineUntilMs: number
  /** Milliseconds since the Unix epoch, above 0. */
  readonly seenAtMs: number
}

export interface PresenceNote extends Seen {
  readonly user: number
}

/** Online reaches no further than this past the moment at which it was said. */
export const MAX_ONLINE_MS = 600_000

/**
 * Who is online: a record an account for those who show a person's status, one bit an account for those who sort
 * millions. Both are derived from what the account's actor said last.
 *
 * PR1. Of two notes of one account the one with the later `seenAtMs` counts, in whatever order they arrive; of two
 *      equal ones the later to arrive.
 * PR2. The bit of an account that is online is set; it is clear at most one slot after that has ended.
 * PR3. A user id is any whole number from 0 to 2^53 - 1.
 */
export interface PresenceCache {
  put(notes: readonly PresenceNote[]): Promise<boolean>
  /** These accounts are no more: nothing is known of them until they are seen after `atMs`. */
  remove(users: readonly number[], atMs: number): Promise<boolean>
  /** In the order asked; undefined: nothing is known. */
  of(users: readonly number[]): Promise<readonly (Seen | undefined)[]>
  /** The bits alone. False says only that nobody noted the account as online. */
  onlineAmong(users: readonly number[]): Promise<readonly (boolean | undefined)[]>
  /** How many bits are set. */
  count(): Promise<number | undefined>
}
