import { beforeAll, describe, expect, test } from 'vitest'
import type { OpenRequest } from '../../runtime/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { everything, readAll } from '../contract/samples.js'
import { testKeyspace } from '../testing/cassandra-server.js'
import { CountingSession, hotChat, writeMessages } from '../testing/hot-chat.js'
import { storageOn } from './cassandra-storage.js'
import { numberOf } from './journal-rows.js'
import type { Parameter } from './session.js'

/**
 * J9 on the real server: one hot chat. With HELIOGRAPH_TEST_MESSAGES=1000000 and HELIOGRAPH_TEST_BUCKET_BYTES=50331648 by
 * hand at the sizes of production.
 */
const keyspace = testKeyspace('buckets')
const mebibyte = 1024 * 1024
const messages = Number(process.env.HELIOGRAPH_TEST_MESSAGES ?? 20_000)
const bucketBytes = Number(process.env.HELIOGRAPH_TEST_BUCKET_BYTES ?? 2 * mebibyte)
const bodyBytes = 300
const actor = hotChat('hot')
const request = (attempt: number): OpenRequest => ({ epoch: 1, attempt, mayKeepWriter: false })
const limits = { bucketBytes, bucketPts: 200_000 }
const longMs = 120_000 + messages * 3

const partitions = async () => {
  const rows = await keyspace
    .session()
    .read({ query: 'SELECT DISTINCT chat_id, bucket FROM chat_journal', parameters: [] }, 'one')
  return rows.map((row) => row.bucket as number).sort((a, b) => a - b)
}
const inBucket = async (bucket: number) => {
  const query =
    'SELECT count(*) AS how_many, max(bucket_bytes) AS most_bytes FROM chat_journal WHERE chat_id = ? AND bucket = ?'
  const [row] = await keyspace.session().read({ query, parameters: [actor.key, bucket] }, 'one')
  return { entries: numberOf(row!.how_many), bytes: row!.most_bytes as number }
}

/** By table that has rows: how many its largest partition has. */
async function mostRows(): Promise<Map<string, number>> {
  const session = keyspace.session()
  const { keyspace: name } = keyspace.connection()
  const columns = await session.read(
    {
      query: 'SELECT table_name, column_name, kind, position FROM system_schema.columns WHERE keyspace_name = ?',
      parameters: [name],
    },
    'one',
  )
  const keys = new Map<string, string[]>()
  for (const { table_name, column_name } of columns
    .filter(({ kind }) => kind === 'partition_key')
    .sort((a, b) => Number(a.position) - Number(b.position))) {
    keys.set(table_name as string, [...(keys.get(table_name as string) ?? []), column_name as string])
  }
  const most = new Map<string, number>()
  for (const [table, names] of keys) {
    const query = `SELECT DISTINCT ${names} FROM ${table}`
    for (const partition of await session.read({ query, parameters: [] }, 'one')) {
      const where = names.map((column) => `${column} = ?`).join(' AND ')
      const counting = `SELECT count(*) AS how_many FROM ${table} WHERE ${where}`
      const parameters = names.map((column) => partition[column] as Parameter)
      const [row] = await session.read({ query: counting, parameters }, 'one')
      most.set(table, Math.max(most.get(table) ?? 0, numberOf(row!.how_many)))
    }
  }
  return most
}

describe('a hot chat', () => {
  beforeAll(async () => {
    const { journal } = await storageOn(keyspace.session(), limits).journals.open(actor, request(1))
    await writeMessages(journal, messages, { perCommit: 100, bodyBytes, perSnapshot: 256 })
  }, longMs)

  test(
    'J9: is cut into buckets, none of which holds more than its bound',
    async () => {
      const buckets = await partitions()
      expect(buckets).toEqual(buckets.map((_, index) => index))
      expect(buckets.length).toBeGreaterThanOrEqual((messages * bodyBytes) / bucketBytes)
      let entries = 0
      for (const bucket of buckets) {
        const found = await inBucket(bucket)
        expect(found.bytes).toBeLessThanOrEqual(bucketBytes)
        entries += found.entries
      }
      expect(entries).toBe(messages)
    },
    longMs,
  )

  test(
    'of no table a partition grows with the chat, but for slices of hashes, each a 64th of it',
    async () => {
      const most = await mostRows()
      expect([...most.keys()]).toEqual(expect.arrayContaining(['derived_rows', 'derived_buckets', 'snapshots']))
      most.delete('chat_journal')
      for (const [table, rows] of most) expect(rows, table).toBeLessThanOrEqual(Math.max(4_096, messages / 50))
      expect(most.get('derived_buckets')).toBeLessThanOrEqual(66 + 2 * (messages / 4_096))
    },
    longMs,
  )

  test(
    'the server itself finds no larger partition in any table, and none near 100 MB',
    async () => {
      const session = keyspace.session()
      const { keyspace: name } = keyspace.connection()
      const tables = [...(await mostRows()).keys()]
      for (const table of tables) {
        await session.write({ query: `ALTER TABLE ${table} WITH memtable_flush_period_in_ms = 500`, parameters: [] })
      }
      const largest = async (table: string) => {
        const query = `SELECT mebibytes FROM system_views.max_partition_size WHERE keyspace_name = ? AND table_name = ?`
        const [row] = await session.read({ query, parameters: [name, table] }, 'one')
        return row ? numberOf(row.mebibytes) : 0
      }
      for (const table of tables) {
        await waitUntil(`the rows of ${table} are flushed`, async () => (await largest(table)) > 0, longMs)
        // The server's histogram of sizes is coarse: each step is a fifth larger.
        expect(await largest(table), table).toBeLessThanOrEqual(Math.ceil((bucketBytes / mebibyte) * 1.2))
        expect(await largest(table), table).toBeLessThan(100)
      }
    },
    longMs,
  )

  test('activation reads a bounded number of rows, whatever the length of the history', async () => {
    const counted = new CountingSession(keyspace.session())
    const { tail, snapshot } = await storageOn(counted, limits).journals.open(actor, request(2))
    expect(snapshot).toBeDefined()
    expect(tail.length).toBeLessThan(512)
    // Lineage, snapshot, the newest buckets, and the tail.
    expect(counted.rows).toBeLessThanOrEqual(2 + 16 + tail.length)
    expect(counted.requests).toBeLessThan(10)
  })

  test('a page anywhere reads about its own rows', async () => {
    const counted = new CountingSession(keyspace.session())
    const { journal } = await storageOn(counted, limits).journals.open(actor, request(3))
    await journal.read({ pts: 10, ordinal: 0 }, everything, 1)
    for (const at of [0, 0.2, 0.5, 0.9]) {
      const before = counted.rows
      const after = { pts: Math.floor(messages * at), ordinal: 0 }
      const page = await journal.read(after, everything, 50)
      expect(page.map(({ pts }) => pts)).toEqual(Array.from({ length: 50 }, (_, i) => after.pts + 1 + i))
      expect(counted.rows - before).toBeLessThanOrEqual(102)
    }
  })

  test(
    'the whole history is read over all buckets, in order',
    async () => {
      const { journal } = await storageOn(keyspace.session(), limits).journals.open(actor, request(4))
      const entries = await readAll(journal)
      expect(entries.length).toBe(messages)
      expect(entries.every((entry, index) => entry.pts === index + 1)).toBe(true)
    },
    longMs,
  )
})
