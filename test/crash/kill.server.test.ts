/** As kill.test.ts, of a server that keeps everything on Cassandra and PostgreSQL. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startServer } from '../harness/index.js'
import { type RealStores, realStores } from '../harness/real-stores.js'
import { deliversAfterKills, survivesKills } from './kills.js'

let stores: RealStores
beforeEach(async () => {
  stores = await realStores()
})
afterEach(() => stores?.dispose())

const kills = Math.ceil(Number(process.env.HELIOGRAPH_TEST_KILLS ?? 10) / 3)

test(
  `${kills} kills under load lose nothing, repeat nothing and keep the order`,
  {
    timeout: 120_000 + kills * 40_000,
  },
  () => survivesKills(kills, stores.env),
)

test(
  'a kill between the acknowledgement and the delivery: it arrives though nobody touches the chat again',
  {
    timeout: 180_000,
  },
  () => deliversAfterKills(2, stores.env),
)

test('two servers cannot own the same data: the second one is refused with the reason', {
  timeout: 120_000,
}, async () => {
  const first = await startServer({ env: stores.env, startWithinMs: 60_000 })
  try {
    await expect(startServer({ env: stores.env, startWithinMs: 60_000 })).rejects.toThrow(/is alone|owns the data/)
    expect(first.isRunning()).toBe(true)
  } finally {
    await first.dispose()
  }
})
