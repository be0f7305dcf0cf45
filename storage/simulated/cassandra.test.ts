import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../runtime/testing/index.js'
import { CassandraRegister } from '../cassandra/register.js'
import type { CassandraSession } from '../cassandra/session.js'
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
  const run = async (broken?: TrialOptions['broken'], luck = stormy, by = (session: CassandraSession) => session) => {
    for (let trial = 1; trial <= trials; trial++) {
      const ring = ringWith(trial, luck)
      const found = await takeoverTrial({
        session: by(new SimulatedSession(ring)),
        random: new SeededRandom(trial),
        actor: { kind: 'chat', key: `${trial}`, shard: trial },
        takeovers: 3,
        looksAtLease: true,
        ...(broken && { broken }),
      }).catch((error: Error) => [error.message])
      if (found.length > 0) return found.map((each) => `trial ${trial}: ${each}`)
    }
    return []
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

  const unrepaired = { ...stormy, repairs: false, torn: 150 }

  test('J5: nor where reads repair nothing', { timeout }, async () => {
    expect(await run(undefined, unrepaired)).toEqual([])
  })

  test('J5: are noticed when the last commit that was read is not written again', { timeout }, async () => {
    expect(await run(undefined, unrepaired, withoutLastCommitAgain)).not.toEqual([])
  })
})

/** Entries of any writer but the newest are not written. */
function withoutLastCommitAgain(session: CassandraSession): CassandraSession {
  let newest = ''
  return {
    read: (...asked) => session.read(...asked),
    readSerial: (...asked) => session.readSerial(...asked),
    writeIf: (...asked) => session.writeIf(...asked),
    close: () => session.close(),
    write(statement) {
      if (statement.query.includes('INTO lineages')) newest = statement.parameters.slice(2, 4).join()
      return session.write(statement)
    },
    async writeTogether(statements) {
      const [first] = statements
      const isEntry = first?.query.includes('after_ordinal') === true
      if (!isEntry || first?.parameters.slice(-9, -7).join() === newest) await session.writeTogether(statements)
    },
  }
}
