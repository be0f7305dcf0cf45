/**
 * The short set, on one cluster of real processes: a gateway is killed, nodes join and leave, one is killed. Nothing is
 * lost, nothing is there twice, all is in order, and what is planned fails no call. How long it takes is not held here:
 * `npm run chaos` measures that, on a machine that does nothing else.
 */
import { expect, test } from 'vitest'
import type { Experiment } from './experiment.js'
import { killGateway } from './experiments/kill-gateway.js'
import { reportHtml } from './report/html.js'
import { brokenBounds } from './result.js'
import { run } from './run.js'

const short: Experiment = {
  name: 'short',
  summary: 'gateway killed, node joins, node leaves, node killed',
  kind: 'crash',
  nodes: 2,
  mostReconnects: 1,
  async run(world) {
    const { cluster, crowd, event, crash, answered, settledOn } = world
    event('node-3 joins')
    await cluster.start('node-3', 'actors')
    await settledOn(['node-1', 'node-2', 'node-3'])
    await answered()
    event('node-1 is stopped')
    expect(await cluster.stop('node-1')).toBe(true)
    await settledOn(['node-2', 'node-3'])
    await answered()
    expect(crowd.calls.flatMap(({ failures }) => failures)).toEqual([])
    await killGateway.run(world)
    event('node-2 is killed')
    await crash('node-2', () => cluster.kill9('node-2'))
    await answered()
    await settledOn(['node-3'])
  },
}

const timed = ['their wait: p99', 'answered again: p99']

test('a cluster that grows, shrinks and loses a gateway and a node: clients miss nothing', {
  timeout: 300_000,
}, async () => {
  const lines: string[] = []
  const progress = (text: string) => void lines.push(`${(performance.now() / 1000).toFixed(1)} ${text}`)
  const options = { isFull: false, people: 2, everyMs: 500, keep: false, logLevel: 'warn', progress }
  const result = await run(short, options).catch((error) => {
    throw new Error(`after ${lines.join(', ')}`, { cause: error })
  })
  expect(result.violations).toEqual({ lost: [], twice: [], disordered: [] })
  expect(brokenBounds(result).filter(({ name }) => !timed.includes(name))).toEqual([])
  expect(result.waits.all!.calls).toBeGreaterThan(50)
  expect(result.waits.recovered!.calls).toBeGreaterThan(0)
  const page = reportHtml(result)
  for (const { text } of result.events) expect(page).toContain(text)
})
