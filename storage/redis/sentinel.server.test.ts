import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SentinelGroup, startRedisSentinels } from '../../test/harness/redis-groups.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { cachesAt } from '../testing/redis-caches.js'

/** Sentinels that failed to agree try again after seconds; on a busy machine more than once. */
const withinMs = 40_000

let group: SentinelGroup
beforeEach(async () => {
  group = await startRedisSentinels()
})
afterEach(() => group?.dispose())

test.each([
  ['killed', (sentinels: SentinelGroup) => sentinels.primary.kill9()],
  ['frozen', async (sentinels: SentinelGroup) => sentinels.primary.freeze()],
] as const)(
  'when the primary is %s, the replica takes over and the caches follow',
  { timeout: 150_000 },
  async (_, harm) => {
    const caches = await cachesAt(group.url, { limits: { silenceMs: 1_500 } })
    expect(await group.primaryPort()).toBe(group.primary.port)
    let losses = 0
    caches.onLoss(() => losses++)
    const seenAtMs = Math.floor(Date.now())
    const note = { user: 5, seenAtMs, onlineUntilMs: seenAtMs + 300_000 }
    await waitUntil('it is put', () => caches.presence.put([note]))
    await waitUntil('it is known', async () => (await caches.presence.of([5]))[0])
    const lossesBefore = losses
    await harm(group)

    await waitUntil(
      'the Sentinels have a new primary',
      async () => (await group.primaryPort()) === group.replica.port,
      withinMs,
    )
    await waitUntil('a write is taken', () => caches.presence.put([{ ...note, user: 6 }]), withinMs)
    await waitUntil('it is known', async () => (await caches.presence.onlineAmong([6]))[0])
    await waitUntil(
      'whoever knows what is still true is asked to write it again',
      () => losses > lossesBefore,
      withinMs,
    )
    await caches.close()
  },
)
