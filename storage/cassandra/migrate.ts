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
 * V2. A step may be run again: a claim whose owner is silent for a minute is taken over. The owner renews it before each
 *     statement, and stops when it is not its own any more.
 * V3. A step counts once all of it has been done: `applied_at` is set last.
 * V4. Everything that changes the schema is asked of one node, the same for all programs: of two nodes that make one table
 *     at the same moment each gives it another id, and the ring falls out over it. That goes for the table of claims too.
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
type Change = (statement: string) => Promise<unknown>
const asking = { prepare: true, consistency: consistencies.serial }

/** Brings keyspace and tables to this program's version. Rejects with REFUSED (SCHEMA_TOO_NEW) or STORE_UNAVAILABLE. */
export async function migrateCassandra(options: MigrationOptions): Promise<Migrated> {
  const client = driverClient(options)
  try {
    await client.connect()
    const host = schemaNode(client)
    const change: Change = (statement) => client.execute(statement, [], { ...changing, host })
    // Who may change one keyspace may not be allowed to make them.
    if (!(await checkCopies(client, options))) {
      checkNodes(client, options, copiesOf(options), 'or give replication=1')
      await createKeyspace(change, options)
    }
    await createVersions(change, options)
    const before = await stateOf(client, options.keyspace)
    refuseNewer(before)
    for (const migration of migrations) {
      if (migration.version > before.found) await apply(client, change, options, migration)
    }
    const { found: after } = await stateOf(client, options.keyspace)
    return { keyspace: options.keyspace, before: before.found, after }
  } catch (error) {
    throw readFailure(error)
  } finally {
    await client.shutdown()
  }
}

/**
 * Rejects with REFUSED (SCHEMA_TOO_OLD, SCHEMA_TOO_NEW) unless the schema is this program's, REFUSED (NO_COPIES) where the
 * keyspace has none in our data centre, or STORE_UNAVAILABLE.
 */
export async function checkSchema(connection: CheckOptions): Promise<void> {
  const client = driverClient(connection)
  let state: SchemaState
  try {
    await client.connect()
    await checkCopies(client, connection)
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
      'Run `npx heliograph schema` (the same as `npm run migrate`), then this again.',
    { reason: 'SCHEMA_TOO_OLD' },
  )
}

type CheckOptions = CassandraConnection & Pick<MigrationOptions, 'log' | 'replication'>

/**
 * Whether the keyspace is there. It stays as it is: one without copies here would answer nothing and not say why; one with other
 * copies than the settings name is what somebody may have wanted, so it is only said.
 */
async function checkCopies(client: cassandra.Client, options: CheckOptions): Promise<boolean> {
  const { keyspace, localDataCenter, log } = options
  const query = 'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?'
  const { rows } = await client.execute(query, [keyspace], { prepare: true })
  if (rows[0] === undefined) return false
  const found = rows[0].replication as Readonly<Record<string, string>>
  const isSimple = found.class?.endsWith('.SimpleStrategy')
  const copies = Number.parseInt((isSimple ? found.replication_factor : found[localDataCenter]) ?? '0', 10)
  if (copies === 0) {
    throw new ActorError(
      'REFUSED',
      `The keyspace ${keyspace} has no copies in the data centre ${localDataCenter} (${JSON.stringify(found)}). ` +
        'Name another one (dc=...), or give it copies there with ALTER KEYSPACE and a repair.',
      { reason: 'NO_COPIES' },
    )
  }
  const wanted = copiesOf(options)[localDataCenter]
  if (copies !== wanted) {
    log.warn({ keyspace, copies, wanted }, 'the keyspace has another number of copies than the settings name')
  }
  const fewer = `ALTER KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${localDataCenter}': 1}`
  checkNodes(client, options, { [localDataCenter]: copies }, `or give it fewer copies: ${fewer}`)
  return true
}

/**
 * Where there cannot be a quorum of the copies, not even when every known node is up, nothing would ever be answered: that is
 * said instead of waited for, and no keyspace is made that somebody would have to mend. A ring that forms gets its nodes yet.
 */
function checkNodes(
  client: cassandra.Client,
  { keyspace, localDataCenter: here }: CheckOptions,
  copies: Readonly<Record<string, number>>,
  otherwise: string,
): void {
  const wanted = copies[here] ?? 0
  const quorum = Math.floor(wanted / 2) + 1
  const nodes = [...client.hosts.values()].filter(({ datacenter }) => datacenter === here).length
  if (nodes >= quorum) return
  throw new ActorError(
    'STORE_UNAVAILABLE',
    `${wanted} copies of the keyspace ${keyspace} need ${quorum} nodes to answer, and the data centre ${here} has ${nodes}: ` +
      `start more nodes, ${otherwise}.`,
    { retryAfterMs: 1_000 },
  )
}

function copiesOf({ replication = 3, localDataCenter }: CheckOptions): Readonly<Record<string, number>> {
  return typeof replication === 'number' ? { [localDataCenter]: replication } : replication
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

/** V4: the first by address of those that are up. */
function schemaNode(client: cassandra.Client): cassandra.Host {
  const up = [...client.hosts.values()].filter((host) => host.isUp())
  return up.reduce((first, host) => (host.address < first.address ? host : first))
}

async function createKeyspace(change: Change, options: MigrationOptions): Promise<void> {
  const { keyspace } = options
  const each = Object.entries(copiesOf(options)).map(
    ([name, count]) => `'${name.replaceAll("'", "''")}': ${Number(count)}`,
  )
  const strategy = `{'class': 'NetworkTopologyStrategy', ${each.join(', ')}}`
  const name = nameOf(keyspace)
  await change(`CREATE KEYSPACE IF NOT EXISTS ${name} WITH replication = ${strategy}`)
}

async function createVersions(change: Change, { keyspace }: MigrationOptions): Promise<void> {
  const versions = `CREATE TABLE IF NOT EXISTS ${nameOf(keyspace)}.schema_versions (
    version int PRIMARY KEY, name text, claimed_by text, claimed_at timestamp, applied_at timestamp
  ) WITH comment = 'Which steps of the schema are done; by LWT only'`
  await change(versions)
}

async function apply(
  client: cassandra.Client,
  change: Change,
  options: MigrationOptions,
  migration: Migration,
): Promise<void> {
  const { keyspace, clock, log } = options
  const table = `${nameOf(keyspace)}.schema_versions`
  const claim = await claimed(client, options, migration)
  if (claim === undefined) return
  log.info({ keyspace, version: migration.version, name: migration.name }, 'a step of the schema is applied')
  const renew = `UPDATE ${table} SET claimed_at = ? WHERE version = ? IF claimed_by = ?`
  for (const statement of migration.statements) {
    const renewed = await client.execute(renew, [new Date(clock.now()), migration.version, claim], deciding)
    if (!renewed.wasApplied()) return apply(client, change, options, migration)
    await change(statement.replace('IF NOT EXISTS ', `IF NOT EXISTS ${nameOf(keyspace)}.`))
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
  let [sinceMs, seen] = [clock.monotonic(), '']
  for (;;) {
    const { rows } = await client.execute(`SELECT * FROM ${table} WHERE version = ?`, [version], asking)
    const row = rows[0]
    if (row?.applied_at) return undefined
    const said = `${row?.claimed_by} ${row?.claimed_at?.getTime()}`
    if (said !== seen) [sinceMs, seen] = [clock.monotonic(), said]
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
