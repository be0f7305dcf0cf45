import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/wait-until.js'
import { type Caches, MAX_CACHE_ITEMS } from '../ports/caches.js'
import type { NewCaches } from './caches-harness.js'

/** What every driver of RateCounter promises (RC1-RC3 in storage/ports/rate-counter.ts). */
export function rateCounterSuite(driver: string, newCaches: NewCaches): void {
  describe(`RateCounter on ${driver}`, () => {
    let caches: Caches
    afterEach(() => caches.close())

    /** Refills by nothing that a test could see. */
    const slow = (key: string, count: number, burst = 10) => ({ key, count, burst, perSecond: 1e-6 })

    test('RC1: uses are counted, and asking counts none', async () => {
      caches = await newCaches()
      const left = await caches.rates.add([slow('a', 3), slow('b', 0), slow('{c} ü', 10)])
      expect(left.map((each) => Math.round(each!))).toEqual([7, 10, 0])
      expect(Math.round((await caches.rates.add([slow('a', 0)]))[0]!)).toBe(7)
      expect(Math.round((await caches.rates.add([slow('a', 1)]))[0]!)).toBe(6)
    })

    test('RC1: many who count at once leave the sum', async () => {
      caches = await newCaches()
      const counts = Array.from({ length: 50 }, (_, at) => (at % 3) + 1)
      const levels = await Promise.all(counts.map((count) => caches.rates.add([slow('k', count, 1_000)])))
      const sum = counts.reduce((one, other) => one + other)
      expect(Math.round(Math.min(...levels.map(([level]) => level!)))).toBe(1_000 - sum)
      expect(new Set(levels.map(([level]) => Math.round(level!))).size).toBe(counts.length)
    })

    test('RC1, RC3: any uses, against a model', async () => {
      caches = await newCaches()
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat({ max: 8 }), { maxLength: 15 }), async (counts) => {
          round++
          let level = 10
          for (const count of counts) {
            level = Math.max(-10, level - count)
            const [left] = await caches.rates.add([slow(`model ${round}`, count)])
            expect(left).toBeCloseTo(level, 2)
          }
        }),
        { numRuns: 15 },
      )
    })

    test('RC2: a bucket refills at its rate, and to its burst only', async () => {
      caches = await newCaches()
      const use = { key: 'k', count: 0, burst: 10, perSecond: 20 }
      const startMs = performance.now()
      const [first] = await caches.rates.add([{ ...use, count: 10 }])
      expect(first).toBeCloseTo(0, 3)
      await waitUntil('there is room for five', async () => (await caches.rates.add([use]))[0]! >= 5)
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(249)
      await waitUntil('it is full', async () => (await caches.rates.add([use]))[0] === 10)
    })

    test('RC3: it goes down only so far', async () => {
      caches = await newCaches()
      for (let call = 0; call < 5; call++) await caches.rates.add([slow('k', 10)])
      expect((await caches.rates.add([slow('k', 0)]))[0]).toBeCloseTo(-10, 2)
    })

    test('K4: a call names only so many', async () => {
      caches = await newCaches()
      const uses = Array.from({ length: 2_000 }, (_, at) => slow(`k${at}`, 1))
      const left = await caches.rates.add(uses)
      expect(left.map((each) => Math.round(each!))).toEqual(uses.map(() => 9))
      const tooMany = Array.from({ length: MAX_CACHE_ITEMS + 1 }, () => slow('k', 1))
      await expect(caches.rates.add(tooMany)).rejects.toThrow(RangeError)
    })
  })
}
