import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../runtime/testing/index.js'
import { CassandraRegister } from '../cassandra/register.js'
import { agendaStoreSuite } from '../contract/agenda-store.suite.js'
import { journalStoreSuite } from '../contract/journal-store.suite.js'
import { ownershipRegisterSuite } from '../contract/ownership-register.suite.js'
import { EagerClock } from '../testing/eager-clock.js'
import { simulatedCassandraHarness } from '../testing/simulated-cassandra-harness.js'
import { type TrialOptions, takeoverTrial } from '../testing/takeover-trial.js'
import { calm, type RingLuck, stale, stormy } from './cassandra/luck.js'
import { SimulatedCassandra } from './cassandra/simulated-cassandra.js'
import { SimulatedSession } from './cassandra/simulated-session.js'

const ringWith = (seed: number, luck: RingLuck = calm) =>
  new SimulatedCassandra({ clock: new EagerClock(), random: new SeededRandom(seed), luck })

for (const [name, luck] of Object.entries({ calm, stale })) {
  const harness = simulatedCassandraHarness(luck)
  describe(name, () => {
    journalStoreSuite('a simulated Cassandra', harness)
    agendaStoreSuite('a simulated Cassandra', harness)
    ownershipRegisterSuite('a simulated Cassandra', async () => {
      return new CassandraRegister(new SimulatedSession(ringWith(1, luck)))
    })
  })
}

describe('takeovers on a ring on its worst days', () => {
  /** More of them by hand: HELIOGRAPH_TEST_TRIALS=20000. */
  const trials = Number(process.env.HELIOGRAPH_TEST_TRIALS ?? 300)
  const timeout = 60_000 + trials * 100
  const run = async (broken?: TrialOptions['broken']) => {
    const wrong: string[] = []
    for (let trial = 1; trial <= trials; trial++) {
      const ring = ringWith(trial, stormy)
      const found = await takeoverTrial({
        session: new SimulatedSession(ring),
        random: new SeededRandom(trial),
        actor: { kind: 'chat', key: `${trial}`, shard: trial },
        takeovers: 3,
        looksAtLease: true,
        ...(broken && { broken }),
      })
      wrong.push(...found.map((each) => `trial ${trial}: ${each}`))
    }
    return wrong
  }

  test('J3: change nothing that was answered, and lose nothing that was acknowledged', {
    timeout,
  }, async () => {
    expect(await run()).toEqual([])
  })

  test('J3: are noticed when a lineage is not waited for', { timeout }, async () => {
    expect(await run('lineage')).not.toEqual([])
  })

  test('O2: are noticed when owners answer after the end of their lease', { timeout }, async () => {
    expect(await run('lease')).not.toEqual([])
  })
})
