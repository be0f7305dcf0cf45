import { test } from 'vitest'
import { deliversAfterKills, survivesKills } from './kills.js'

/** More by hand: `HELIOGRAPH_TEST_KILLS=50 npm test -- test/crash`. */
const kills = Number(process.env.HELIOGRAPH_TEST_KILLS ?? 10)

test(
  `${kills} kills under load lose nothing, repeat nothing and keep the order`,
  {
    timeout: 60_000 + kills * 20_000,
  },
  () => survivesKills(kills),
)

test(
  'a kill between the acknowledgement and the delivery: it arrives though nobody touches the chat again',
  {
    timeout: 120_000,
  },
  () => deliversAfterKills(5),
)
