import type { Clock } from '../../runtime/index.js'
import { checkItems } from '../ports/caches.js'
import { MAX_DEBT_MS, type RateCounter } from '../ports/rate-counter.js'
import type { NewMap } from './caches.js'

const BUCKET_BYTES = 120

/** What is kept is the moment at which the bucket is full again: all else follows from it. */
export function ratesInProcess(newMap: NewMap, clock: Clock): RateCounter {
  const fullAtMs = newMap<string, number>((key) => BUCKET_BYTES + 2 * key.length)
  return {
    async add(uses) {
      checkItems(uses)
      const nowMs = clock.monotonic()
      return uses.map(({ key, count, burst, perSecond }) => {
        const perMs = perSecond / 1000
        const usedBefore = Math.max(0, (fullAtMs.get(key) ?? nowMs) - nowMs) * perMs
        const used = Math.min(2 * burst + MAX_DEBT_MS * perMs, usedBefore + count)
        fullAtMs.set(key, nowMs + used / perMs, used / perMs)
        return burst - used
      })
    },
  }
}
