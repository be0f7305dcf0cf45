import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, refusalReason, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { accountRow } from '../contract/account-store.suite.js'
import { PrivatePostgres } from '../testing/private-postgres.js'
import { migratePostgres } from './migrate.js'
import { openPostgresStorage } from './open.js'
import { schemaVersion } from './schema.js'
import type { ServerAddress } from './server-list.js'

let server: PrivatePostgres

beforeAll(async () => {
  server = await PrivatePostgres.start()
})
afterAll(() => server.dispose())

let databases = 0
async function emptyDatabase(encoding = 'UTF8'): Promise<ServerAddress & { database: string }> {
  const database = `empty_${++databases}`
  await server.sql(`CREATE DATABASE ${database} OWNER heliograph TEMPLATE template0 ENCODING '${encoding}'`)
  return { name: database.replace('_', '-'), url: server.url(database), database }
}

const open = (servers: readonly ServerAddress[]) => openPostgresStorage({ servers, clock: systemClock, log: noLog })
const reason = (promise: Promise<unknown>) => promise.then(() => undefined, refusalReason)

test('V1, V2: two who start at once bring the tables there once; a third finds nothing to do', async () => {
  const servers = [await emptyDatabase(), await emptyDatabase()]
  const both = await Promise.all([migratePostgres(servers), migratePostgres([...servers].reverse())])
  expect(both.flat().map(({ from, to, spread }) => [from, to, spread])).toEqual(
    expect.arrayContaining([
      [0, schemaVersion, true],
      [schemaVersion, schemaVersion, false],
    ]),
  )
  expect(both.flat().filter(({ spread }) => spread)).toHaveLength(2)
  expect((await migratePostgres(servers)).map(({ from, spread }) => [from, spread])).toEqual([
    [schemaVersion, false],
    [schemaVersion, false],
  ])
  for (const { database } of servers) {
    const sql = `SELECT count(*)::integer AS held FROM held_shard WHERE state = 'held'`
    expect(await server.sql(sql, database)).toEqual([{ held: 3 * 512 }])
  }
})

test('names stay with the journals that decide them: a program on others is refused', async () => {
  const servers = [await emptyDatabase(), await emptyDatabase()]
  await migratePostgres(servers)
  const beside = (journals: string) => openPostgresStorage({ servers, journals, clock: systemClock, log: noLog })
  for (const _ of ['takes them', 'has them']) await (await beside('keyspace a')).close()
  expect(await reason(beside('keyspace b'))).toBe('OTHER_JOURNALS')
  for (const { database } of servers) await server.sql('DELETE FROM belongs_to', database)
  await (await beside('keyspace b')).close()
})

test('a program does not open tables that are older or newer than it', async () => {
  const one = await emptyDatabase()
  expect(await reason(open([one]))).toBe('SCHEMA_TOO_OLD')
  await migratePostgres([one])
  let pauses = 0
  const setTimer: Clock['setTimer'] = (delayMs, fire) => {
    if (delayMs < 100) pauses++
    return systemClock.setTimer(delayMs, fire)
  }
  const clock = { ...systemClock, setTimer }
  const before = await openPostgresStorage({ servers: [one], clock, log: noLog })
  await server.sql(`INSERT INTO schema_version (version, name) VALUES (${schemaVersion + 1}, 'later')`, one.database)
  await server.sql(`UPDATE held_shard SET state = 'moved'`, one.database)
  const reserved = before.directory.reserve({ kind: 'username', name: 'goes_on', user: 1024, atMs: 1 })
  const found = before.directory.find([{ kind: 'username', name: 'not_there' }])
  await waitUntil('both have waited', () => pauses >= 10)
  await server.sql(`UPDATE held_shard SET state = 'held'`, one.database)
  expect(await reserved, 'one that runs already goes on, and reads the map again').toMatchObject({ holder: 1024 })
  expect(await found).toEqual([undefined])
  await before.close()
  expect(await reason(open([one]))).toBe('SCHEMA_TOO_NEW')
  expect(await reason(migratePostgres([one]))).toBe('SCHEMA_TOO_NEW')
})

test('V3: a server that is missing is noticed, an added one gets nothing by itself', async () => {
  const [one, two, added] = [await emptyDatabase(), await emptyDatabase(), await emptyDatabase()]
  await migratePostgres([one, two])
  expect(await reason(migratePostgres([one]))).toBe('SHARDS_MISSING')
  expect(await reason(migratePostgres([one, added]))).toBe('SHARDS_MISSING')
  expect((await migratePostgres([one, two, added])).every(({ spread }) => !spread)).toBe(true)
})

test('a database that cannot hold every text is refused', async () => {
  expect(await reason(migratePostgres([await emptyDatabase('SQL_ASCII')]))).toBe('WRONG_ENCODING')
})

test('a copy of a server beside it is noticed', async () => {
  const one = await emptyDatabase()
  await migratePostgres([one])
  await expect(open([one, { ...one, name: 'copy' }])).rejects.toMatchObject({ code: 'CORRUPT' })
})

const run = async (args: readonly string[], servers: string) => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const env = { ...process.env, HELIOGRAPH_POSTGRES_SERVERS: servers }
  const result = await promisify(execFile)(process.execPath, args as string[], { cwd: root, env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return `${result.stdout}${result.stderr}`
}

test('operators migrate, list and move from the command line, while the program runs', {
  timeout: 180_000,
}, async () => {
  const [one, two] = [await emptyDatabase(), await emptyDatabase()]
  const servers = `${one.name}=${one.url} ${two.name}=${two.url}`
  expect(await run(['scripts/migrate.mjs'], servers)).toContain(
    `${two.name}: brought from version 0 to ${schemaVersion}`,
  )
  const storage = await open([one, two])
  await storage.accounts.put(accountRow(1))
  const moved = await run(['scripts/shards.mjs', 'move', '0-2', two.name], servers)
  expect(moved).toContain(`account 1: ${one.name} -> ${two.name}, 1 rows`)
  expect(moved).toContain('9 moved, 0 there already; 1 rows')
  expect(await storage.accounts.get([{ id: 1 }])).toEqual([accountRow(1)])
  await storage.close()
  const listed = await run(['scripts/shards.mjs', 'list'], servers)
  expect(listed).toContain(`${one.name}\taccount\theld\t509 of 1024, from 3 to 511`)
})
