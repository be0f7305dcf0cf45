import { afterEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/wait-until.js'
import { type Caches, MAX_CACHE_ITEMS } from '../ports/caches.js'
import { MAX_LOCATION_CHARACTERS } from '../ports/location-cache.js'
import type { NewCaches } from './caches-harness.js'

/** What every driver of LocationCache promises. */
export function locationCacheSuite(driver: string, newCaches: NewCaches): void {
  describe(`LocationCache on ${driver}`, () => {
    let caches: Caches
    afterEach(() => caches.close())

    const location = { dc: 2, bucket: 'files', key: 'ab/cd "ü" {x}', bytes: 2 ** 40 }

    test('a location comes back whole, until it is removed', async () => {
      caches = await newCaches()
      expect(await caches.locations.put([{ file: '{f} 1', location }])).toBe(true)
      expect(await caches.locations.of(['none', '{f} 1'])).toEqual([undefined, location])
      expect(await caches.locations.remove(['{f} 1', 'none'])).toBe(true)
      expect(await caches.locations.of(['{f} 1'])).toEqual([undefined])
    })

    test('K4: one that is too long is not kept, nor what was there before it', async () => {
      caches = await newCaches()
      await caches.locations.put([{ file: 'f', location }])
      const long = { ...location, key: 'k'.repeat(MAX_LOCATION_CHARACTERS) }
      await caches.locations.put([{ file: 'f', location: long }])
      expect(await caches.locations.of(['f'])).toEqual([undefined])
      const tooMany = Array.from({ length: MAX_CACHE_ITEMS + 1 }, () => 'f')
      await expect(caches.locations.of(tooMany)).rejects.toThrow(RangeError)
    })

    test('K3: a location is gone when its time is over', async () => {
      caches = await newCaches({ locationMs: 150 })
      await caches.locations.put([{ file: 'f', location }])
      await waitUntil('it is gone', async () => (await caches.locations.of(['f']))[0] === undefined)
    })
  })
}
