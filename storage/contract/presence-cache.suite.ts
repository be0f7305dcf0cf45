import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/wait-until.js'
import { type Caches, MAX_CACHE_ITEMS } from '../ports/caches.js'
import { MAX_ONLINE_MS } from '../ports/presence-cache.js'
import type { NewCaches } from './caches-harness.js'

/** What every driver of PresenceCache promises (PR1-PR3 in storage/ports/presence-cache.ts). */
export function presenceCacheSuite(driver: string, newCaches: NewCaches): void {
  describe(`PresenceCache on ${driver}`, () => {
    let caches: Caches
    afterEach(() => caches.close())

    const now = () => Math.floor(Date.now())

    test('who is online, who was there, and of whom nothing is known, in one call', async () => {
      caches = await newCaches()
      const seenAtMs = now()
      const large = 2 ** 53 - 1
      const notes = [
        { user: 4096, seenAtMs, onlineUntilMs: seenAtMs + 120_000 },
        { user: large, seenAtMs, onlineUntilMs: seenAtMs + 60_000 },
        { user: 0, seenAtMs: seenAtMs - 5_000, onlineUntilMs: 0 },
      ]
      expect(await caches.presence.put(notes)).toBe(true)
      expect(await caches.presence.of([0, 7, large, 4096, 4095])).toEqual([
        { seenAtMs: seenAtMs - 5_000, onlineUntilMs: 0 },
        undefined,
        { seenAtMs, onlineUntilMs: seenAtMs + 60_000 },
        { seenAtMs, onlineUntilMs: seenAtMs + 120_000 },
        undefined,
      ])
      expect(await caches.presence.onlineAmong([0, 7, large, 4096])).toEqual([false, false, true, true])
      expect(await caches.presence.count()).toBe(2)
    })

    test('PR1: the later word counts, in whatever order they arrive', async () => {
      caches = await newCaches()
      const seenAtMs = now()
      await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: 0 }])
      await caches.presence.put([{ user: 1, seenAtMs: seenAtMs - 1_000, onlineUntilMs: seenAtMs + 60_000 }])
      expect(await caches.presence.of([1])).toEqual([{ seenAtMs, onlineUntilMs: 0 }])
      expect(await caches.presence.onlineAmong([1])).toEqual([false])
      await caches.presence.put([{ user: 1, seenAtMs: seenAtMs + 1, onlineUntilMs: seenAtMs + 60_001 }])
      expect(await caches.presence.onlineAmong([1])).toEqual([true])
      await caches.presence.put([{ user: 1, seenAtMs: seenAtMs + 2, onlineUntilMs: 0 }])
      expect(await caches.presence.onlineAmong([1])).toEqual([false])
      expect(await caches.presence.count()).toBe(0)
    })

    test('PR1: any notes in any order leave the newest of each', async () => {
      caches = await newCaches()
      const start = now()
      const note = fc.record({ user: fc.nat({ max: 5 }), at: fc.nat({ max: 20 }), online: fc.boolean() })
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(note, { maxLength: 40 }), async (notes) => {
          const base = ++round * 2048
          const model = new Map<number, { readonly at: number; readonly online: boolean }>()
          for (const { user, at, online } of notes) {
            if (at >= (model.get(user)?.at ?? 0)) model.set(user, { at, online })
          }
          const asNotes = notes.map(({ user, at, online }) => ({
            user: base + user,
            seenAtMs: start + at,
            onlineUntilMs: online ? start + at + 300_000 : 0,
          }))
          await caches.presence.put(asNotes.slice(0, 20))
          await caches.presence.put(asNotes.slice(20))
          const users = [0, 1, 2, 3, 4, 5]
          const found = await caches.presence.of(users.map((user) => base + user))
          const expected = users.map((user) => {
            const last = model.get(user)
            const until = last?.online ? start + last.at + 300_000 : 0
            return last && { seenAtMs: start + last.at, onlineUntilMs: until }
          })
          expect(found).toEqual(expected)
          const bits = await caches.presence.onlineAmong(users.map((user) => base + user))
          expect(bits).toEqual(users.map((user) => model.get(user)?.online ?? false))
        }),
        { numRuns: 20 },
      )
    })

    test('PR2: who says nothing more is offline when the time is over; the last time seen stays', async () => {
      caches = await newCaches({ onlineSlotMs: 200 })
      const seenAtMs = now()
      await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: seenAtMs + 1_000 }])
      expect(await caches.presence.onlineAmong([1])).toEqual([true])
      expect(await caches.presence.count()).toBe(1)
      await waitUntil('the bit is clear', async () => (await caches.presence.onlineAmong([1]))[0] === false)
      expect(now()).toBeGreaterThanOrEqual(seenAtMs + 1_000)
      expect(await caches.presence.of([1])).toEqual([{ seenAtMs, onlineUntilMs: 0 }])
      expect(await caches.presence.count()).toBe(0)
    })

    test('PR2: whoever goes on saying so stays online from slot to slot', async () => {
      caches = await newCaches({ onlineSlotMs: 200 })
      const start = now()
      await waitUntil('several slots are over', async () => {
        const seenAtMs = now()
        await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: seenAtMs + 2_000 }])
        expect(await caches.presence.onlineAmong([1])).toEqual([true])
        return now() - start > 700
      })
    })

    test('online reaches only so far', async () => {
      caches = await newCaches()
      const seenAtMs = now()
      await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: seenAtMs + 10 * MAX_ONLINE_MS }])
      expect(await caches.presence.of([1])).toEqual([{ seenAtMs, onlineUntilMs: seenAtMs + MAX_ONLINE_MS }])
    })

    test('of an account that is gone nothing is known, whatever arrives late', async () => {
      caches = await newCaches()
      const seenAtMs = now()
      await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: seenAtMs + 60_000 }])
      expect(await caches.presence.remove([1, 2], seenAtMs + 1)).toBe(true)
      await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: seenAtMs + 60_000 }])
      expect(await caches.presence.of([1, 2])).toEqual([undefined, undefined])
      expect(await caches.presence.onlineAmong([1])).toEqual([false])
    })

    test('K3: when somebody was last seen is forgotten, too', async () => {
      caches = await newCaches({ seenMs: 200 })
      const seenAtMs = now()
      await caches.presence.put([{ user: 1, seenAtMs, onlineUntilMs: 0 }])
      await waitUntil('it is forgotten', async () => (await caches.presence.of([1]))[0] === undefined)
    })

    test('K4: a call names only so many, and none is nothing', async () => {
      caches = await newCaches()
      const users = Array.from({ length: MAX_CACHE_ITEMS }, (_, at) => at * 1024)
      const seenAtMs = now()
      const notes = users.map((user) => ({ user, seenAtMs, onlineUntilMs: seenAtMs + 60_000 }))
      await waitUntil('all are put', () => caches.presence.put(notes))
      expect((await caches.presence.onlineAmong(users)).filter((bit) => bit)).toHaveLength(MAX_CACHE_ITEMS)
      expect(await caches.presence.count()).toBe(MAX_CACHE_ITEMS)
      await expect(caches.presence.of([...users, 1])).rejects.toThrow(RangeError)
      expect(await caches.presence.put([])).toBe(true)
      expect(await caches.presence.of([])).toEqual([])
    })
  })
}
