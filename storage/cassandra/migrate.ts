import type cassandra from 'cassandra-driver'
import cassandraDriver from 'cassandra-driver'
import { ActorError, type ActorLog, type Clock } from '../../runtime/index.js'
import { driverClient } from './client-session.js'
import { readFailure } from './failures.js'
import { migrations } from './migrations/index.js'
import type { Migration } from './migrations/migration.js'
import type { CassandraConnection, Replication } from './options.js'

/**
 * The schema's versions.
 *
 * V1. A step is claimed by LWT, so that of several programs that start at once one applies it and the others wait.
 * V2. A step may be run again: a claim whose owner is silent for a minute is taken over.
 * V3. A step counts once all of it has been done: `applied_at` is set last.
 */
export interface MigrationOptions extends CassandraConnection {
  readonly clock: Clock
  readonly log: ActorLog
  /** How the keyspace is made where it is not there. Default: 3. */
  readonly replication?: Replication
}

/** What was done: the versions before and after. */
export interface Migrated {
  readonly keyspace: string
  readonly before: number
  readonly after: number
}

interface SchemaState {
  /** The last version that is applied; 0 when there is none, or no keyspace. */
  readonly found: number
  /** The version that this program knows. */
  readonly known: number
}

const claimEndsAfterMs = 60_000
const askEveryMs = 250
const { consistencies } = cassandraDriver.types
const deciding = { prepare: true, consistency: consistencies.quorum, serialConsistency: consistencies.serial }
/** A change of the schema takes seconds, on a busy ring many. */
const changing = { readTimeout: 60_000 }
const asking = { prepare: true, consistency: consistencies.serial }

/** Brings keyspace and tables to this program's version. Rejects with REFUSED (SCHEMA_TOO_NEW) or STORE_UNAVAILABLE. */
export async function migrateCassandra(options: MigrationOptions): Promise<Migrated> {
  const client = driverClient(options)
  try {
    await client.connect()
    await createKeyspace(client, options)
    const before = await stateOf(client, options.keyspace)
    refuseNewer(before)
    for (const migration of migrations) {
      if (migration.version > before.found) await apply(client, options, migration)
    }
    const { found: after } = await stateOf(client, options.keyspace)
    return { keyspace: options.keyspace, before: before.found, after }
  } catch (error) {
    throw readFailure(error)
  } finally {
    await client.shutdown()
  }
}

/** Rejects with REFUSED (SCHEMA_TOO_OLD, SCHEMA_TOO_NEW) unless the schema is this program's, or STORE_UNAVAILABLE. */
export async function checkSchema(connection: CassandraConnection): Promise<void> {
  const client = driverClient(connection)
  let state: SchemaState
  try {
    await client.connect()
    state = await stateOf(client, connection.keyspace)
  } catch (error) {
    throw readFailure(error)
  } finally {
    await client.shutdown()
  }
  refuseNewer(state)
  if (state.found === state.known) return
  throw new ActorError(
    'REFUSED',
    `The tables in Cassandra have version ${state.found}, this program needs ${state.known}. ` +
      'Run `npm run migrate`, then start again.',
    { reason: 'SCHEMA_TOO_OLD' },
  )
}

function refuseNewer({ found, known }: SchemaState): void {
  if (found <= known) return
  throw new ActorError(
    'REFUSED',
    `The tables in Cassandra have version ${found}, this program knows ${known}. Run a newer program.`,
    { reason: 'SCHEMA_TOO_NEW' },
  )
}

async function stateOf(client: cassandra.Client, keyspace: string): Promise<SchemaState> {
  const known = migrations.at(-1)!.version
  const table = `SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'schema_versions'`
  const { rowLength } = await client.execute(table, [keyspace], { prepare: true })
  if (rowLength === 0) return { found: 0, known }
  const { rows } = await client.execute(`SELECT version, applied_at FROM ${nameOf(keyspace)}.schema_versions`, [], {
    consistency: consistencies.quorum,
  })
  const applied = rows.filter((row) => row.applied_at !== null).map((row) => row.version as number)
  return { found: Math.max(0, ...applied), known }
}

async function createKeyspace(client: cassandra.Client, options: MigrationOptions): Promise<void> {
  const { keyspace, replication = 3, localDataCenter } = options
  const copies = typeof replication === 'number' ? { [localDataCenter]: replication } : replication
  const each = Object.entries(copies).map(([name, count]) => `'${name.replaceAll("'", "''")}': ${Number(count)}`)
  const strategy = `{'class': 'NetworkTopologyStrategy', ${each.join(', ')}}`
  const name = nameOf(keyspace)
  await client.execute(`CREATE KEYSPACE IF NOT EXISTS ${name} WITH replication = ${strategy}`, [], changing)
  const versions = `CREATE TABLE IF NOT EXISTS ${name}.schema_versions (
    version int PRIMARY KEY, name text, claimed_by text, claimed_at timestamp, applied_at timestamp
  ) WITH comment = 'Which steps of the schema are done; by LWT only'`
  await client.execute(versions, [], changing)
}

async function apply(client: cassandra.Client, options: MigrationOptions, migration: Migration): Promise<void> {
  const { keyspace, clock, log } = options
  const table = `${nameOf(keyspace)}.schema_versions`
  const claim = await claimed(client, options, migration)
  if (claim === undefined) return
  log.info({ keyspace, version: migration.version, name: migration.name }, 'a step of the schema is applied')
  for (const statement of migration.statements) {
    const qualified = statement.replace('IF NOT EXISTS ', `IF NOT EXISTS ${nameOf(keyspace)}.`)
    await client.execute(qualified, [], changing)
  }
  const done = `UPDATE ${table} SET applied_at = ? WHERE version = ? IF claimed_by = ?`
  await client.execute(done, [new Date(clock.now()), migration.version, claim], deciding)
}

/** The claim on a step; undefined when somebody else has applied it. */
async function claimed(
  client: cassandra.Client,
  { keyspace, clock }: MigrationOptions,
  { version, name }: Migration,
): Promise<string | undefined> {
  const table = `${nameOf(keyspace)}.schema_versions`
  const by = cassandraDriver.types.Uuid.random().toString()
  const insert = `INSERT INTO ${table} (version, name, claimed_by, claimed_at) VALUES (?, ?, ?, ?) IF NOT EXISTS`
  const first = await client.execute(insert, [version, name, by, new Date(clock.now())], deciding)
  if (first.wasApplied()) return by
  const sinceMs = clock.monotonic()
  for (;;) {
    const { rows } = await client.execute(`SELECT * FROM ${table} WHERE version = ?`, [version], asking)
    const row = rows[0]
    if (row?.applied_at) return undefined
    if (clock.monotonic() - sinceMs > claimEndsAfterMs) {
      const take = `UPDATE ${table} SET claimed_by = ?, claimed_at = ? WHERE version = ? IF claimed_by = ?`
      const taken = await client.execute(take, [by, new Date(clock.now()), version, row?.claimed_by], deciding)
      if (taken.wasApplied()) return by
    }
    await new Promise<void>((resolve) => clock.setTimer(askEveryMs, resolve))
  }
}

function nameOf(keyspace: string): string {
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) {
    throw new TypeError(`The keyspace ${keyspace} is no name: give a letter, then letters, digits and _, at most 48`)
  }
  return keyspace
}
