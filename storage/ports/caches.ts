/**
 * Caches: what is known elsewhere or true only for a while, kept where every process can look it up in one round trip.
 *
 * K1. A cache never decides: whoever is told "unknown" asks the truth (the account's actor, the local bucket), or goes
 *     on without. What a cache says may be late or lost; nothing that was acknowledged depends on it.
 * K2. No method rejects for the cache's sake, and each answers within the driver's time-out. `undefined` in an answer
 *     means that it is not known, item by item; a write answers whether it was taken.
 * K3. What was written is gone when its time is over, without anybody removing it.
 * K4. Everything is bounded: items a call (over it a RangeError, the caller's fault), entries, bytes, calls under way.
 */
import type { CountCache } from './count-cache.js'
import type { LocationCache } from './location-cache.js'
import type { PresenceCache } from './presence-cache.js'
import type { RateCounter } from './rate-counter.js'
import type { SessionCache } from './session-cache.js'

export interface Caches {
  readonly sessions: SessionCache
  readonly presence: PresenceCache
  readonly rates: RateCounter
  readonly counts: CountCache
  readonly locations: LocationCache
  /** Other processes see the same: then it is worth writing what only they will read. */
  readonly isShared: boolean
  /**
   * Calls `rewrite` when the cache may have lost what was written: it was away, was found empty, or was full. Whoever holds what
   * still is true writes it again.
   */
  onLoss(rewrite: () => void): void
  figures(): CacheFigures
  /** Never rejects; what is under way is answered "unknown". */
  close(): Promise<void>
}

/** Sums since the start, and the state at this moment. */
export interface CacheFigures {
  readonly asked: number
  /** Of these: answered "unknown" because the cache did not answer in time, was away or was not asked. */
  readonly unknown: number
  /** Of these: writes that the cache refused, because it is full. */
  readonly refused: number
  /** Entries, of anybody, that the cache gave up to make room for others. */
  readonly evicted: number
  readonly answers: boolean
}

/** Items that one call may name. */
export const MAX_CACHE_ITEMS = 10_000

/** The times of the L3 cache: an hour for what is renewed each minute, a day for what is asked for again. */
export interface CacheTimes {
  readonly sessionMs: number
  /** When an account was last seen. Whether it is online lasts as long as it was said to. */
  readonly seenMs: number
  readonly countMs: number
  readonly locationMs: number
  /** Width of a slot of the online bitmap: its bits end up to this much late. */
  readonly onlineSlotMs: number
}

const HOUR_MS = 3_600_000

export const CACHE_TIMES: CacheTimes = {
  sessionMs: HOUR_MS,
  seenMs: 24 * HOUR_MS,
  countMs: HOUR_MS,
  locationMs: 24 * HOUR_MS,
  onlineSlotMs: 60_000,
}

/** K4. @throws RangeError */
export function checkItems(items: readonly unknown[]): void {
  if (items.length > MAX_CACHE_ITEMS) throw new RangeError(`${items.length} items; give at most ${MAX_CACHE_ITEMS}`)
}
