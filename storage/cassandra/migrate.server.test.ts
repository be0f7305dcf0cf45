import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCode, refusalReason, systemClock } from '../../runtime/index.js'
import { KeptLog, noLog } from '../../runtime/testing/index.js'
import { serviceUrl } from '../../test/services.js'
import { EagerClock } from '../testing/eager-clock.js'
import { openCassandraStorage } from './cassandra-storage.js'
import { driverClient } from './client-session.js'
import { migrateCassandra } from './migrate.js'
import { migrations } from './migrations/index.js'
import type { CassandraStorageOptions } from './options.js'

/** V1 to V4 on the real server, each test in a keyspace of its own. */
const longMs = 120_000
const known = migrations.at(-1)!.version
const made: string[] = []
let admin: ReturnType<typeof driverClient>

/** As `npm run migrate` is given them; `replication` is that of the one node. */
function optionsFor(name: string, more: Partial<CassandraStorageOptions> = {}): CassandraStorageOptions {
  const keyspace = `test_schema_${name}_${process.pid}`
  made.push(keyspace)
  return {
    contactPoints: [serviceUrl('cassandra')],
    localDataCenter: 'dc1',
    keyspace,
    replication: 1,
    limits: { requestTimeoutMs: 20_000 },
    clock: systemClock,
    log: noLog,
    schema: 'check',
    ...more,
  }
}

beforeAll(async () => {
  admin = driverClient(optionsFor('none'))
  await admin.connect()
})
afterAll(async () => {
  for (const keyspace of new Set(made)) {
    await admin.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], { readTimeout: longMs })
  }
  await admin.shutdown()
}, longMs)

/** Why it is refused, and the line that an operator reads. */
async function refusal(options: CassandraStorageOptions): Promise<{ reason: string | undefined; line: string }> {
  const error = await openCassandraStorage(options).then(
    (storage) => storage.close().then(() => undefined),
    (error: Error) => error,
  )
  return { reason: refusalReason(error), line: error?.message ?? '' }
}

test(
  'V1: three who start at once apply each step once; a fourth finds nothing to do, and a program starts on it',
  async () => {
    const log = new KeptLog()
    const options = optionsFor('at_once', { log })
    const all = await Promise.all([1, 2, 3].map(() => migrateCassandra(options)))
    expect(all.map(({ after }) => after)).toEqual([known, known, known])
    expect(log.lines.map(({ fields }) => fields.version)).toEqual(migrations.map(({ version }) => version))
    expect(await migrateCassandra(options)).toEqual({ keyspace: options.keyspace, before: known, after: known })
    await (await openCassandraStorage(options)).close()
  },
  longMs,
)

test(
  'tables that are older or newer than the program are refused, with what to do',
  async () => {
    const options = optionsFor('versions')
    const older = await refusal(options)
    expect(older.reason).toBe('SCHEMA_TOO_OLD')
    expect(older.line).toContain(`have version 0, this program needs ${known}. Run \`npx heliograph schema\``)
    await migrateCassandra(options)
    const later = `INSERT INTO ${options.keyspace}.schema_versions (version, name, claimed_by, applied_at)
      VALUES (${known + 1}, 'later', 'somebody', toTimestamp(now())) IF NOT EXISTS`
    await admin.execute(later)
    const newer = await refusal(options)
    expect(newer.reason).toBe('SCHEMA_TOO_NEW')
    expect(newer.line).toContain(`have version ${known + 1}, this program knows ${known}. Run a newer program`)
    expect(await refusal({ ...options, schema: 'apply' })).toEqual(newer)
  },
  longMs,
)

test(
  'V2: a step whose owner died in the middle is taken over after a minute of silence',
  async () => {
    const options = optionsFor('taken')
    await migrateCassandra(options)
    const table = `${options.keyspace}.schema_versions`
    const abandoned = `UPDATE ${table} SET applied_at = null, claimed_by = 'the dead' WHERE version = 1 IF EXISTS`
    await admin.execute(abandoned)
    for (const { version } of migrations.slice(1)) {
      await admin.execute(`DELETE FROM ${table} WHERE version = ${version} IF EXISTS`)
    }
    const clock = new EagerClock()
    const sinceMs = clock.monotonic()
    expect(await migrateCassandra({ ...options, clock })).toMatchObject({ before: 0, after: known })
    expect(clock.monotonic() - sinceMs).toBeGreaterThan(60_000)
  },
  longMs,
)

test(
  'a keyspace without copies here is refused; another number of copies than was named is said',
  async () => {
    // One that every node has for itself alone stands for one that is copied in another data centre.
    const { reason, line } = await refusal({ ...optionsFor('none'), keyspace: 'system' })
    expect(reason).toBe('NO_COPIES')
    expect(line).toContain('system has no copies in the data centre dc1')
    const log = new KeptLog()
    const other = optionsFor('copies', { log, replication: 3 })
    const one = `{'class': 'NetworkTopologyStrategy', 'dc1': 1}`
    await admin.execute(`CREATE KEYSPACE ${other.keyspace} WITH replication = ${one}`)
    await migrateCassandra(other)
    expect(log.lines).toContainEqual({
      level: 'warn',
      fields: { keyspace: other.keyspace, copies: 1, wanted: 3 },
      message: 'the keyspace has another number of copies than the settings name',
    })
  },
  longMs,
)

test(
  'copies that the nodes there are can make no quorum of are told at once, and no keyspace is made with them',
  async () => {
    const limits = { requestTimeoutMs: 20_000, startWithinMs: 1 }
    const options = optionsFor('alone', { replication: 3, schema: 'apply', limits })
    const told = `3 copies of the keyspace ${options.keyspace} need 2 nodes to answer, and the data centre dc1 has 1: `
    expect((await refusal(options)).line).toBe(`${told}start more nodes, or give replication=1.`)
    const replication = `{'class': 'NetworkTopologyStrategy', 'dc1': 3}`
    await admin.execute(`CREATE KEYSPACE ${options.keyspace} WITH replication = ${replication}`)
    const fewer = `ALTER KEYSPACE ${options.keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1}`
    for (const schema of ['apply', 'check'] as const) {
      const { line } = await refusal({ ...options, schema })
      expect(line).toBe(`${told}start more nodes, or give it fewer copies: ${fewer}.`)
    }
    await admin.execute(fewer)
    expect((await refusal({ ...options, schema: 'check' })).reason).toBe('SCHEMA_TOO_OLD')
  },
  longMs,
)

test(
  'a data centre that there is not is told with those that there are',
  async () => {
    const error = await openCassandraStorage(
      optionsFor('elsewhere', { localDataCenter: 'dc9', limits: { startWithinMs: 1 } }),
    ).catch((error: unknown) => error)
    expect([errorCode(error), (error as Error).message]).toEqual([expect.anything(), expect.stringContaining('dc1')])
  },
  longMs,
)
