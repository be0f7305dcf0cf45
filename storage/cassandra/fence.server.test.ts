import { expect, test } from 'vitest'
import { SeededRandom } from '../../runtime/testing/index.js'
import { testKeyspace } from '../testing/cassandra-server.js'
import { type TrialOptions, takeoverTrial, takeoverTrials } from '../testing/takeover-trial.js'

/**
 * CORE J3-J5 on the real server: owners that are paused and crash before and within their first commits, and whose writes
 * land after the next takeovers. What was answered never changes, and nothing acknowledged is lost.
 */
const keyspace = testKeyspace('fence')
/** More of them by hand: HELIOGRAPH_TEST_TRIALS=5000. */
const trials = Number(process.env.HELIOGRAPH_TEST_TRIALS ?? 120)
const atOnce = 12
const longMs = 60_000 + trials * 1_000

const run = (name: string, count: number, broken?: TrialOptions['broken']) =>
  takeoverTrials(count, atOnce, (trial) =>
    takeoverTrial({
      session: keyspace.session(),
      random: new SeededRandom(trial + 1),
      actor: { kind: 'chat', key: `${name}-${trial}`, shard: trial },
      takeovers: 3,
      ...(broken && { broken }),
    }),
  )

test(
  'J3: three takeovers in a row change nothing that was answered and lose nothing that was acknowledged',
  async () => {
    expect(await run('sound', trials)).toEqual([])
  },
  longMs,
)

test(
  'the trials notice a lineage that is not waited for',
  async () => {
    expect(await run('no lineage', 60, 'lineage')).not.toEqual([])
  },
  longMs,
)

test(
  'the trials notice owners that answer after the end of their lease',
  async () => {
    expect(await run('no lease', 60, 'lease')).not.toEqual([])
  },
  longMs,
)
