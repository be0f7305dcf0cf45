import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/wait-until.js'
import { type Caches, MAX_CACHE_ITEMS } from '../ports/caches.js'
import { type LiveSession, MAX_SESSIONS_A_USER } from '../ports/session-cache.js'
import type { NewCaches } from './caches-harness.js'

/** What every driver of SessionCache promises. */
export function sessionCacheSuite(driver: string, newCaches: NewCaches): void {
  describe(`SessionCache on ${driver}`, () => {
    let caches: Caches
    afterEach(() => caches.close())

    const session = (user: number, name: string, gateway = 'gateway a'): LiveSession => ({
      user,
      gateway,
      session: name,
      device: `device-of-${name}`,
    })
    const sorted = (sessions: readonly LiveSession[] | undefined) =>
      sessions?.map(({ user, gateway, session, device }) => `${user} ${gateway} ${session} ${device}`).sort()

    test('sessions of many accounts come back in one call, in the order asked', async () => {
      caches = await newCaches()
      const large = 2 ** 53 - 1
      const all = [session(1, 's1'), session(1, 's2', 'gateway b'), session(large, 's3')]
      expect(await caches.sessions.put(all)).toBe(true)
      const [first, nobody, second] = await caches.sessions.of([large, 2, 1])
      expect(first).toEqual([all[2]])
      expect(nobody).toEqual([])
      expect(sorted(second)).toEqual(sorted(all.slice(0, 2)))
    })

    test("a session that is removed is gone, its account's others stay; one on another gateway is another", async () => {
      caches = await newCaches()
      await caches.sessions.put([session(1, 's'), session(1, 's', 'gateway b'), session(1, 't')])
      expect(await caches.sessions.remove([session(1, 's'), session(9, 's')])).toBe(true)
      const [left] = await caches.sessions.of([1])
      expect(sorted(left)).toEqual(sorted([session(1, 's', 'gateway b'), session(1, 't')]))
    })

    test("K3: a session is gone when its time is over, though its account's others are renewed", async () => {
      caches = await newCaches({ sessionMs: 300 })
      await caches.sessions.put([session(1, 'stays'), session(1, 'goes')])
      await waitUntil('the session that nobody renews is gone', async () => {
        await caches.sessions.put([session(1, 'stays')])
        const [left] = await caches.sessions.of([1])
        return left?.length === 1 && left[0]?.session === 'stays'
      })
      await waitUntil('the other, too', async () => (await caches.sessions.of([1]))[0]?.length === 0)
    })

    test('K4: an account keeps the newest of its sessions, and a call names only so many', async () => {
      caches = await newCaches()
      const many = Array.from({ length: MAX_SESSIONS_A_USER + 10 }, (_, at) => session(1, `s${at}`))
      await caches.sessions.put(many.slice(0, 10))
      await waitUntil('a moment is over, so that these are older', async () => {
        await caches.sessions.put([session(2, 'other')])
        return true
      })
      await caches.sessions.put(many.slice(10))
      const [left] = await caches.sessions.of([1])
      expect(left).toHaveLength(MAX_SESSIONS_A_USER)
      const tooMany = Array.from({ length: MAX_CACHE_ITEMS + 1 }, (_, at) => at)
      await expect(caches.sessions.of(tooMany)).rejects.toThrow(RangeError)
    })

    test('any puts and removals, against a model', async () => {
      caches = await newCaches()
      const step = fc.record({ user: fc.nat({ max: 3 }), name: fc.nat({ max: 4 }), isPut: fc.boolean() })
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const base = ++round * 10
          const model = new Map<string, LiveSession>()
          for (const { user, name, isPut } of steps) {
            const one = session(base + user, `s${name}`)
            if (isPut) model.set(`${user} ${name}`, one)
            else model.delete(`${user} ${name}`)
            await (isPut ? caches.sessions.put([one]) : caches.sessions.remove([one]))
          }
          const users = [0, 1, 2, 3].map((user) => base + user)
          const found = await caches.sessions.of(users)
          expect(sorted(found.flatMap((list) => list ?? []))).toEqual(sorted([...model.values()]))
        }),
        { numRuns: 20 },
      )
    })
  })
}
