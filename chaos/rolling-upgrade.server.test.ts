/**
 * A rolling upgrade from the previous minor version, with two builds as real processes: while unmodified clients send, each
 * node and gateway of the older build is replaced by this one, and both serve beside each other. No call fails, nothing is
 * lost, twice or out of order, and a build that is two minor versions away is refused. The experiment itself checks that
 * the two builds called each other, as the older one speaks (chaos/experiments/rolling-upgrade.ts).
 */
import { expect, test } from 'vitest'
import { rollingUpgrade } from './experiments/rolling-upgrade.js'
import { brokenBounds } from './result.js'
import { run } from './run.js'

test('the previous minor version is replaced node by node, and clients notice nothing', {
  timeout: 300_000,
}, async () => {
  const lines: string[] = []
  const progress = (text: string) => void lines.push(`${(performance.now() / 1000).toFixed(1)} ${text}`)
  const options = { isFull: false, people: 2, everyMs: 500, keep: false, logLevel: 'warn', progress }
  const result = await run(rollingUpgrade, options).catch((error) => {
    throw new Error(`after ${lines.join(', ')}`, { cause: error })
  })
  expect(result.violations).toEqual({ lost: [], twice: [], disordered: [] })
  // How long calls may wait is held by `npm run chaos`, on a machine that does nothing else.
  expect(brokenBounds(result).filter(({ name }) => name !== 'their wait: p99')).toEqual([])
  expect(result.failures).toEqual({})
  const told = result.events.map(({ text }) => text).join()
  expect(told).toMatch(/in the old one's protocol.*refused: .*node-3 \(.*\) speaks versions 3 to 4/s)
  expect(told).toMatch(/all nodes are new: 0 calls have failed,.*gateway-2 is replaced/s)
})
