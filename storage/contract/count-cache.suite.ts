import { afterEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/wait-until.js'
import { type Caches, MAX_CACHE_ITEMS } from '../ports/caches.js'
import type { NewCaches } from './caches-harness.js'

/** What every driver of CountCache promises. */
export function countCacheSuite(driver: string, newCaches: NewCaches): void {
  describe(`CountCache on ${driver}`, () => {
    let caches: Caches
    afterEach(() => caches.close())

    test('counts come back in the order asked, until they are removed', async () => {
      caches = await newCaches()
      const counts = [
        { channel: 1, count: 43_000_000 },
        { channel: 2 ** 53 - 1, count: 0 },
      ]
      expect(await caches.counts.put(counts)).toBe(true)
      expect(await caches.counts.of([2 ** 53 - 1, 5, 1])).toEqual([0, undefined, 43_000_000])
      expect(await caches.counts.remove([1, 5])).toBe(true)
      expect(await caches.counts.of([1])).toEqual([undefined])
    })

    test('CC1: changes add up, and start nothing', async () => {
      caches = await newCaches()
      await caches.counts.put([{ channel: 1, count: 100 }])
      await Promise.all([1, 2, 3, -1].map((by) => caches.counts.add([{ channel: 1, by }])))
      expect(await caches.counts.add([{ channel: 2, by: 1 }])).toBe(true)
      expect(await caches.counts.of([1, 2])).toEqual([105, undefined])
    })

    test('K3, K4: a count is gone when its time is over, and a call names only so many', async () => {
      caches = await newCaches({ countMs: 150 })
      await caches.counts.put([{ channel: 1, count: 1 }])
      await waitUntil('it is gone', async () => (await caches.counts.of([1]))[0] === undefined)
      const tooMany = Array.from({ length: MAX_CACHE_ITEMS + 1 }, (_, at) => at)
      await expect(caches.counts.of(tooMany)).rejects.toThrow(RangeError)
    })
  })
}
