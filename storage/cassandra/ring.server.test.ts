import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { noLog, SeededRandom } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { type PrivateService, startPrivateService } from '../../test/services.js'
import { SteadyLoad } from '../testing/steady-load.js'
import { takeoverTrial, takeoverTrials } from '../testing/takeover-trial.js'
import { storageOn } from './cassandra-storage.js'
import { type ClientSession, connect } from './client-session.js'
import { migrateCassandra } from './migrate.js'
import { type CassandraConnection, defaultLimits } from './options.js'

/**
 * Three nodes, three copies: replicas that lack rows, a node that is killed, a moment without a quorum in which writes land
 * on one replica and on another one late. More trials by hand: HELIOGRAPH_TEST_TRIALS=2000.
 */
const longMs = 240_000
const trials = Number(process.env.HELIOGRAPH_TEST_TRIALS ?? 60)
let ring: PrivateService
let session: ClientSession

beforeAll(async () => {
  ring = await startPrivateService('cassandra-3')
  const connection: CassandraConnection = {
    contactPoints: ring.members.map(({ host, port }) => `${host}:${port}`),
    localDataCenter: 'dc1',
    keyspace: 'ring',
    limits: { requestTimeoutMs: 4_000, queuedForMs: 10_000, reconnectEveryMs: 300 },
  }
  await migrateCassandra({ ...connection, replication: 3, clock: systemClock, log: noLog })
  session = await connect(connection, systemClock)
}, longMs)
afterAll(async () => {
  await session?.close()
  await ring?.dispose()
}, longMs)

test(
  'S1: a node is killed under load: the load goes on, and nothing that was acknowledged is lost',
  async () => {
    const { journals } = storageOn(session, defaultLimits)
    const load = new SteadyLoad(journals, 1, 'load', 8)
    await waitUntil('the load runs', () => load.total > 100, longMs)
    await ring.kill9(ring.members[2]!.role)
    const before = load.total
    await waitUntil('the load goes on', () => load.total > before + 300, longMs)
    await load.stop()
    expect(await load.wrong()).toEqual([])
  },
  longMs,
)

test(
  'J3, J5: takeovers with one node dead, and a moment in which writes land on one replica, or late',
  async () => {
    const second = ring.members[1]!.role
    let done = 0
    const trouble = async () => {
      await waitUntil('half of the trials', () => done > trials / 2, longMs)
      ring.freeze(second)
      await pause(2_000)
      ring.thaw(second)
    }
    const run = takeoverTrials(trials, 8, async (trial) => {
      const random = new SeededRandom(10_000 + trial)
      const actor = { kind: 'chat', key: `ring-${trial}`, shard: trial }
      const wrong = await takeoverTrial({ session, random, actor, takeovers: 3 })
      done++
      return wrong
    })
    const [wrong] = await Promise.all([run, trouble()])
    expect(wrong).toEqual([])
  },
  longMs,
)
