/** Cassandra fails in every way while real clients write: `Correspondence` numbers what holds (X1-X3). */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, test } from 'vitest'
import { type ServerProcess, startServer, waitUntil } from '../harness/index.js'
import { realStores } from '../harness/real-stores.js'
import { type SlowLink, slowLink } from '../harness/slow-link.js'
import { type PrivateService, startPrivateService } from '../services.js'
import { Correspondence } from './correspondence.js'

/** How long Cassandra is away; a minute by hand: `HELIOGRAPH_TEST_AWAY_MS=60000 npm test -- test/stores`. */
const awayMs = Number(process.env.HELIOGRAPH_TEST_AWAY_MS ?? 6_000)

let cassandra: PrivateService
let link: SlowLink
let server: ServerProcess
let people: Correspondence
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  // The only replica: with `periodic` it would forget what it acknowledged in the last moment before the kill.
  cassandra = await startPrivateService('cassandra', { settings: { commitlog_sync: 'group' } })
  ends.push(() => cassandra.dispose())
  const [node] = cassandra.members
  link = await slowLink(node!.port, node!.host)
  ends.push(() => link.dispose())
  const stores = await realStores({ cassandra: `127.0.0.1:${link.port}` })
  ends.push(() => stores.dispose())
  server = await startServer({ env: stores.env, startWithinMs: 120_000 })
  ends.push(() => server.dispose())
  people = await Correspondence.on(server)
  ends.push(() => people.dispose())
}, 300_000)
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end()
}, 60_000)

beforeEach(() => people.begin(), 120_000)
afterEach(async () => {
  link.delayMs = 0
  await people.end()
}, 120_000)

test('killed, and back after a while', { timeout: 240_000 + awayMs }, async () => {
  await cassandra.kill9()
  await waitUntil('who does not sleep is told to wait', () => people.refused > 0, 30_000)
  await pause(awayMs)
  await cassandra.restart()
  await people.expectAllOnce()
})

test('frozen for a while', { timeout: 180_000 + awayMs }, async () => {
  cassandra.freeze()
  await pause(awayMs)
  cassandra.thaw()
  await people.expectAllOnce()
})

test('slow: 200 ms', { timeout: 180_000 }, async () => {
  link.delayMs = 200
  await people.expectAllOnce()
})

test('refused when the server starts, and there later', { timeout: 300_000 }, async () => {
  await people.end()
  await cassandra.kill9()
  const restarted = server.restart()
  await pause(2_000)
  await cassandra.restart()
  await restarted
  // The prober's connection ended with the server that was before.
  await people.begin(false)
  await people.expectAllOnce()
})
