import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorCode, refusalReason, systemClock } from '../../runtime/index.js'
import { noLog, SeededRandom } from '../../runtime/testing/index.js'
import { SimulatedDisk } from '../simulated/simulated-disk.js'
import { openSimulatedStorage } from '../simulated/simulated-storage.js'
import { EagerClock } from '../testing/eager-clock.js'
import { type EmbeddedStorage, openEmbeddedStorage } from './embedded-storage.js'

const actor = { kind: 'chat', key: '7', shard: 3 }
const open = (directory: string, shardCount?: number): Promise<EmbeddedStorage> =>
  openEmbeddedStorage({ directory, clock: systemClock, log: noLog, ...(shardCount && { shardCount }) })

let directory: string
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'heliograph-storage-')), 'data')
})
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

test('what was committed is there after a restart, under a higher epoch', async () => {
  const first = await open(directory)
  const { journal } = await first.journals.open(actor, {
    epoch: first.ownership.epoch,
    attempt: 1,
    mayKeepWriter: false,
  })
  await journal.commit({
    entries: [{ pts: 1, ordinal: 0, count: 1, atMs: 5, fact: Buffer.from('fact'), body: Buffer.from('body') }],
    before: { undelivered: true },
  })
  await first.close()
  const second = await open(directory)
  expect(second.ownership.epoch).toBe(first.ownership.epoch + 1)
  const opened = await second.journals.open(actor, {
    epoch: second.ownership.epoch,
    attempt: 1,
    mayKeepWriter: false,
  })
  expect(opened.tail.map((entry) => [entry.pts, Buffer.from(entry.fact).toString(), entry.atMs])).toEqual([
    [1, 'fact', 5],
  ])
  await second.close()
})

test('the directory and the store are readable by their owner only', async () => {
  const storage = await open(directory)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  expect(statSync(join(directory, 'data.mdb')).mode & 0o777).toBe(0o600)
  await storage.close()
})

test('a sealed register owns nothing', async () => {
  const { ownership, close } = await open(directory)
  expect(ownership.holds(4095, ownership.epoch)).toBe(true)
  expect(ownership.holds(4096, ownership.epoch)).toBe(false)
  expect(ownership.holds(1, ownership.epoch - 1)).toBe(false)
  ownership.seal()
  expect(ownership.holds(1, ownership.epoch)).toBe(false)
  expect(ownership.ownerOf(1)).toBeUndefined()
  await close()
})

test('the number of shards of stored data cannot change', async () => {
  await (await open(directory, 16)).close()
  const refusal = await open(directory, 32).catch((error: unknown) => error)
  expect(errorCode(refusal)).toBe('REFUSED')
  expect(refusalReason(refusal)).toBe('SHARD_COUNT_CHANGED')
  await (await open(directory, 16)).close()
})

test('a database file that something else wrote is refused, not opened', async () => {
  await (await open(directory)).close()
  writeFileSync(join(directory, 'data.mdb'), Buffer.alloc(5000, 'x'))
  await expect(open(directory)).rejects.toSatisfy((error) => errorCode(error) === 'CORRUPT')
})

test('a store that refused a write does not answer until it takes one again', async () => {
  const disk = new SimulatedDisk({ clock: new EagerClock(), random: new SeededRandom(5) })
  const storage = await openSimulatedStorage(disk)
  await storage.answers()
  disk.fail(2)
  await expect(storage.names.put('anna_k', 1)).rejects.toSatisfy((error) => errorCode(error) === 'STORE_UNAVAILABLE')
  await expect(storage.answers()).rejects.toSatisfy((error) => errorCode(error) === 'STORE_UNAVAILABLE')
  await storage.answers()
  const { batches } = storage.counters
  await storage.answers()
  expect(storage.counters.batches).toBe(batches)
})
