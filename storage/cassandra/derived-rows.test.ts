/** B1-B4 of derived-buckets.ts and D4 of derived-rows.ts, on a simulated ring. */
import { expect, test } from 'vitest'
import type { DerivedRow, Journal } from '../../runtime/index.js'
import { SeededRandom } from '../../runtime/testing/index.js'
import { actorNamed, everything } from '../contract/samples.js'
import { calm } from '../simulated/cassandra/luck.js'
import { SimulatedCassandra } from '../simulated/cassandra/simulated-cassandra.js'
import { SimulatedSession } from '../simulated/cassandra/simulated-session.js'
import { EagerClock } from '../testing/eager-clock.js'
import { CountingSession } from '../testing/hot-chat.js'
import { storageOn } from './cassandra-storage.js'
import { bucketOf, firstHash, scatteredBucketOf } from './derived-buckets.js'
import { numberOf } from './journal-rows.js'
import { defaultLimits } from './options.js'
import type { CassandraSession } from './session.js'
import { derived } from './tables.js'

const actor = actorNamed('a')
const [table, group] = ['receipt', '600']
const all = { table, group, from: 0, to: everything, limit: 10_000 }
const value = Buffer.from('v')
const random = new SeededRandom(7)
const hash = () => random.int(2 ** 24) * 2 ** 28 + random.int(2 ** 24) * 16
const hashes = (count: number) =>
  Array.from({ length: count }, hash)
    .filter((each) => each >= firstHash)
    .sort((a, b) => a - b)
const ordersOf = (rows: readonly DerivedRow[]) => rows.map(({ order }) => order)

function newSession(): CountingSession {
  const ring = new SimulatedCassandra({ clock: new EagerClock(), random: new SeededRandom(1), luck: calm })
  return new CountingSession(new SimulatedSession(ring))
}

const processOn = (session: CassandraSession) => {
  const { journals } = storageOn(session, defaultLimits)
  return async (epoch: number) => (await journals.open(actor, { epoch, attempt: 1, mayKeepWriter: false })).journal
}

async function write(journal: Journal, orders: readonly number[]): Promise<void> {
  const snapshot = { position: { pts: 0, ordinal: 0 }, version: 1, state: value }
  await journal.checkpoint({ snapshot, rows: orders.map((order) => ({ table, group, order, value })), erased: [] })
}

async function remove(journal: Journal, orders: readonly number[]): Promise<void> {
  const snapshot = { position: { pts: 0, ordinal: 0 }, version: 1, state: value }
  const rows = orders.map((order) => ({ table, group, order, value: undefined }))
  await journal.checkpoint({ snapshot, rows, erased: [] })
}

async function noted(session: CassandraSession): Promise<readonly number[]> {
  const parameters = [actor.kind, actor.key, 0, table, group, -1, 10_000]
  const rows = await session.read({ query: derived.buckets, parameters }, 'quorum')
  return rows.map(({ bucket }) => numberOf(bucket))
}

/** As version 1 of the schema had them (B4). */
async function writeScattered(session: CassandraSession, orders: readonly number[]): Promise<void> {
  for (const order of orders) {
    const key = [actor.kind, actor.key, 0, table, group, scatteredBucketOf(order)]
    await session.write({ query: derived.noteBucket, parameters: [...key, 1] })
    await session.write({ query: derived.put, parameters: [...key, order, Buffer.from('former'), 1] })
  }
}

test('B3: buckets are in the order of their places, and no hash lies where one was scattered', () => {
  const places = [0, 4_095, 4_096, firstHash - 1, firstHash, 2 ** 46, 2 ** 46 * 3, 2 ** 52, everything]
  const buckets = places.map(bucketOf)
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b))
  const old = places.filter((place) => place >= firstHash).map(scatteredBucketOf)
  expect(old.filter((bucket) => buckets.includes(bucket))).toEqual([])
})

test('B2: however many hashes, they have at most 64 notes below 2^52, and a thousand are read in few requests', async () => {
  const session = newSession()
  const journal = await processOn(session)(1)
  const orders = hashes(3_000)
  for (let at = 0; at < orders.length; at += 500) await write(journal, orders.slice(at, at + 500))
  expect((await noted(session)).length).toBeLessThanOrEqual(64)
  const before = session.requests
  expect(ordersOf(await journal.scan({ ...all, limit: 1_000 }))).toEqual(orders.slice(0, 1_000))
  // Bucket 0, the notes, and 22 slices, with what is read at once in vain.
  expect(session.requests - before).toBeLessThanOrEqual(2 + 31)
  expect(ordersOf(await journal.scan({ ...all, descending: true }))).toEqual([...orders].reverse())
})

test('D4: a note goes with the last row of its slice, and reads go down with the rows', async () => {
  const session = newSession()
  const journal = await processOn(session)(1)
  const orders = hashes(2_000)
  await write(journal, orders)
  const most = (await noted(session)).length
  const gaps = orders.filter((_, i) => i % 2 === 0)
  await remove(journal, gaps)
  expect((await noted(session)).length).toBe(most)
  const left = orders.filter((_, i) => i % 2 === 1)
  for (let at = 0; at < left.length; at += 250) {
    const before = session.requests
    const rows = await journal.scan({ ...all, limit: 250 })
    expect(ordersOf(rows)).toEqual(left.slice(at, at + 250))
    expect(session.requests - before).toBeLessThanOrEqual(2 + 31)
    await remove(journal, ordersOf(rows))
    expect((await noted(session)).length).toBeLessThanOrEqual(most - Math.floor((at / left.length) * most) + 1)
  }
  expect(await noted(session)).toEqual([])
  await write(journal, orders.slice(0, 3))
  expect(ordersOf(await journal.scan(all))).toEqual(orders.slice(0, 3))
})

test('D4: who has noted a slice under an earlier epoch notes it again, since others may have removed the note', async () => {
  const session = newSession()
  const [one, other] = [processOn(session), processOn(session)]
  const order = 2 ** 50
  await write(await one(1), [order])
  await remove(await other(2), [order])
  expect(await noted(session)).toEqual([])
  const journal = await one(3)
  await write(journal, [order])
  expect(ordersOf(await journal.scan(all))).toEqual([order])
})

test('D4: a removal alone notes nothing', async () => {
  const session = newSession()
  const journal = await processOn(session)(1)
  await remove(journal, [1, 5_000, 2 ** 50])
  expect(await noted(session)).toEqual([])
})

test('B4: rows that were scattered are read among the others, written over, removed, and erased', async () => {
  const session = newSession()
  const open = processOn(session)
  const scattered = hashes(1_100)
  await writeScattered(session, scattered)
  const journal = await open(1)
  const added = [7, 5_000, ...hashes(300)]
  await write(journal, added)
  const orders = [...scattered, ...added].sort((a, b) => a - b)
  expect(ordersOf(await journal.scan(all))).toEqual(orders)
  expect(ordersOf(await journal.scan({ ...all, descending: true, limit: 500 }))).toEqual(
    orders.toReversed().slice(0, 500),
  )
  const [from, to] = [orders[200]!, orders[1_200]!]
  expect(ordersOf(await journal.scan({ ...all, from, to, limit: 600 }))).toEqual(orders.slice(200, 800))
  const read = async (order: number) => String(await journal.get(table, group, order))
  const [first, second, third] = scattered as [number, number, number]
  expect([await read(first), await read(first + 1)]).toEqual(['former', 'undefined'])
  await write(journal, [second])
  await remove(journal, [third])
  expect([await read(second), await read(third)]).toEqual(['v', 'undefined'])
  await remove(journal, [second])
  expect(await read(second)).toBe('undefined')
  expect(ordersOf(await journal.scan(all))).toEqual(orders.filter((order) => order !== second && order !== third))
  await journal.erase()
  expect(await (await open(2)).scan(all)).toEqual([])
}, 30_000)
