import { expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../runtime/index.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { rehearse } from './rehearsal.js'

test('calls cross the transport, shards move under them, and nothing is left open', async () => {
  // On a busy machine a second may be over before the first round.
  const { rounds, moves } = await rehearse({ clock: systemClock, random: systemRandom, longestMs: 45_000 })
  expect(rounds).toBeGreaterThan(4)
  expect(moves).toBe(Math.floor(rounds / 4))
  const listening = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPServer'))
  await waitUntil('no port of it is open', () => listening().length === 0)
})
