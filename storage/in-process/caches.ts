import type { Clock } from '../../runtime/index.js'
import type { Caches, CacheTimes } from '../ports/caches.js'
import { countsInProcess } from './counts.js'
import { ExpiringMap, type MapBounds } from './expiring-map.js'
import { locationsInProcess } from './locations.js'
import { presenceInProcess } from './presence.js'
import { ratesInProcess } from './rates.js'
import { sessionsInProcess } from './sessions.js'

/** Each of the five caches holds so much at most. */
const DEFAULT_BOUNDS: MapBounds = { entries: 200_000, bytes: 32 * 1024 * 1024 }

/** Makes the map that one cache lives in. */
export type NewMap = <Key, Value>(sizeOf: (key: Key, value: Value) => number) => ExpiringMap<Key, Value>

/** Caches in this process's memory, for one that runs alone. */
export function cachesInProcess(clock: Clock, times: CacheTimes, bounds: MapBounds = DEFAULT_BOUNDS): Caches {
  const newMap: NewMap = (sizeOf) => new ExpiringMap(clock, bounds, sizeOf)
  return {
    sessions: sessionsInProcess(newMap, clock, times.sessionMs),
    presence: presenceInProcess(newMap, clock, times.seenMs),
    rates: ratesInProcess(newMap, clock),
    counts: countsInProcess(newMap, times.countMs),
    locations: locationsInProcess(newMap, times.locationMs),
    isShared: false,
    onLoss() {},
    figures: () => ({ asked: 0, unknown: 0, refused: 0, evicted: 0, answers: true }),
    async close() {},
  }
}
