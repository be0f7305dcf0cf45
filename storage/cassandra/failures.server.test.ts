import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { errorCode, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { type SlowLink, slowLink } from '../../test/harness/slow-link.js'
import { type PrivateService, startPrivateService } from '../../test/services.js'
import { SteadyLoad } from '../testing/steady-load.js'
import { type CassandraStorage, openCassandraStorage } from './cassandra-storage.js'
import type { CassandraLimits, CassandraStorageOptions } from './options.js'

/** The driver on a server that fails. Each test leaves it running. */
const longMs = 240_000
/** How long the server stays away; by hand a minute: HELIOGRAPH_TEST_AWAY_MS=60000. */
const awayMs = Number(process.env.HELIOGRAPH_TEST_AWAY_MS ?? 3_000)
const typed = new Set(['STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN'])

let server: PrivateService
let storage: CassandraStorage
let tests = 0

const optionsFor = (limits: Partial<CassandraLimits> = {}, contactPoint?: string): CassandraStorageOptions => ({
  contactPoints: [contactPoint ?? `${server.members[0]!.host}:${server.members[0]!.port}`],
  localDataCenter: 'dc1',
  keyspace: 'failures',
  replication: 1,
  clock: systemClock,
  log: noLog,
  schema: 'apply',
  limits: { requestTimeoutMs: 2_000, queuedForMs: 2_000, reconnectEveryMs: 200, ...limits },
})
const codeOf = (work: Promise<unknown>) => work.then(() => 'answered', errorCode)

beforeAll(async () => {
  // The only replica: with `periodic` it would forget what it acknowledged in the last moment before the kill.
  server = await startPrivateService('cassandra', { settings: { commitlog_sync: 'group' } })
}, longMs)
afterAll(() => server?.dispose(), longMs)
beforeEach(async () => {
  tests++
  storage = await openCassandraStorage(optionsFor())
}, longMs)
afterEach(async () => {
  server.thaw()
  await storage.close()
}, longMs)

/** Runs a load, does something to the server, waits until the load goes on by itself, and checks what is stored. */
async function underLoad(trouble: (load: SteadyLoad) => Promise<void>): Promise<SteadyLoad> {
  const load = new SteadyLoad(storage.journals, 1, `load-${tests}`, 8)
  await waitUntil('the load runs', () => load.total > 100, longMs)
  await trouble(load)
  const before = load.total
  await waitUntil('the load goes on', () => load.total > before + 100, longMs)
  await load.stop()
  expect(await load.wrong()).toEqual([])
  expect([...load.codes.keys()].filter((code) => !typed.has(String(code)))).toEqual([])
  return load
}

describe('a server', () => {
  test(
    'that refuses connections at start is waited for, and then given up',
    async () => {
      await server.kill9()
      expect(await codeOf(openCassandraStorage(optionsFor({ startWithinMs: 500 })))).toBe('STORE_UNAVAILABLE')
      const opening = openCassandraStorage(optionsFor({ startWithinMs: longMs }))
      await server.restart()
      await (await opening).close()
    },
    longMs,
  )

  test(
    'that is killed loses nothing that was acknowledged; the driver finds it again by itself',
    async () => {
      await underLoad(async (load) => {
        await server.kill9()
        await waitUntil('the load notices', () => load.codes.size > 0)
        expect(await codeOf(storage.answers())).toBe('STORE_UNAVAILABLE')
        await new Promise((resolve) => setTimeout(resolve, awayMs))
        await server.restart()
      })
      await waitUntil('it answers', async () => (await codeOf(storage.answers())) === 'answered')
    },
    longMs,
  )

  test(
    'that is frozen: every call ends in time, what waits is bounded, and all goes on once it thaws',
    async () => {
      const small = await openCassandraStorage(optionsFor({ requestsPerHost: 64, queuedRequests: 100 }))
      // Prepares the statement: what cannot even be prepared was certainly not written.
      await small.agenda.removeUndelivered({ kind: 'chat', key: '', shard: 1 }, 1)
      const load = await underLoad(async () => {
        server.freeze()
        const sinceMs = performance.now()
        const flood = Array.from({ length: 1_000 }, (_, i) =>
          codeOf(small.agenda.removeUndelivered({ kind: 'chat', key: `${i}`, shard: 1 }, 1)),
        )
        const { inFlight, queued, refused } = small.counters
        expect([inFlight, queued, refused]).toEqual([64, 100, 836])
        const ends = await Promise.all(flood)
        expect(ends.filter((code) => code === 'STORE_UNAVAILABLE').length).toBeGreaterThanOrEqual(836)
        expect(new Set(ends)).toEqual(new Set(['STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN']))
        // A request's own time, that of the wait for it, and a second more.
        expect(performance.now() - sinceMs).toBeLessThan(9_000)
        server.thaw()
      })
      expect(load.longestMs).toBeLessThan(15_000)
      await small.close()
    },
    longMs,
  )

  test(
    'that is slow only takes longer',
    async () => {
      const link: SlowLink = await slowLink(server.members[0]!.port)
      const slow = await openCassandraStorage(optionsFor({}, `127.0.0.1:${link.port}`))
      link.delayMs = 200
      const load = new SteadyLoad(slow.journals, 1, `slow-${tests}`, 8)
      await waitUntil('eight actors commit', () => load.acknowledged.every((count) => count > 3), longMs)
      await load.stop()
      expect(await load.wrong()).toEqual([])
      expect([...load.codes]).toEqual([])
      await slow.close()
      await link.dispose()
    },
    longMs,
  )
})
