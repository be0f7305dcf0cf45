/** The disk of Cassandra is full while real clients write: `Correspondence` numbers what holds (X1-X3). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SmallDisk, smallDisk, startServer, waitUntil } from '../harness/index.js'
import { realStores } from '../harness/real-stores.js'
import { type PrivateService, startPrivateService } from '../services.js'
import { Correspondence } from './correspondence.js'

let disk: SmallDisk
let cassandra: PrivateService
let people: Correspondence
const ends: (() => unknown)[] = []

beforeAll(async () => {
  disk = smallDisk(256)
  ends.push(() => disk.dispose())
  const settings = { commitlog_sync: 'group', commitlog_segment_size: '1MiB', commitlog_total_space: '4MiB' }
  cassandra = await startPrivateService('cassandra', { settings, dir: disk.dir })
  ends.push(() => cassandra.dispose())
  const [node] = cassandra.members
  const stores = await realStores({ cassandra: `${node!.host}:${node!.port}` })
  ends.push(() => stores.dispose())
  const server = await startServer({ env: stores.env, startWithinMs: 120_000 })
  ends.push(() => server.dispose())
  people = await Correspondence.on(server)
  ends.push(() => people.dispose())
}, 300_000)
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end()
}, 60_000)

test('full: whoever writes waits, and all goes on when there is room', { timeout: 300_000 }, async () => {
  await people.begin()
  let leastFree = Number.POSITIVE_INFINITY
  await waitUntil(
    'who does not sleep is told to wait',
    () => {
      disk.fill()
      leastFree = Math.min(leastFree, disk.freeBytes())
      return people.refused > 1
    },
    120_000,
  )
  expect(leastFree).toBe(0)
  disk.empty()
  // A node whose log has no room dies of it: whoever supervises it starts it again.
  await waitUntil('the node ends or answers', async () => (await cassandra.states())[0] !== 'silent', 60_000)
  await cassandra.restart()
  await people.expectAllOnce()
})
