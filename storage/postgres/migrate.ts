/**
 * Brings servers to this program's version.
 *
 * V1. Each migration is one transaction with the row that says so: it is there as a whole or not at all.
 * V2. An advisory lock makes two who start at once run one after the other; the second finds nothing to do.
 * V3. Shards are spread over the servers once, when all answer and none has ever held any: a server that is added later
 *     gets shards by moving them, and one that is missing is never taken for new.
 */
import pg from 'pg'
import { ActorError } from '../../runtime/index.js'
import { textOf } from './failure.js'
import { checkVersion, isUndefinedTable, migrations, schemaVersion } from './schema.js'
import type { ServerAddress } from './server-list.js'
import { families, SHARDS } from './shard.js'

const MIGRATION_LOCK = 774_000

export interface Migrated {
  readonly server: string
  readonly from: number
  readonly to: number
  /** Whether it was given its first shards. */
  readonly spread: boolean
}

/**
 * Runs what is missing, on every primary. Rejects with REFUSED: SCHEMA_TOO_NEW, WRONG_ENCODING, SHARDS_MISSING (some shards
 * lie on no server that was named); or STORE_UNAVAILABLE.
 */
export async function migratePostgres(servers: readonly ServerAddress[]): Promise<readonly Migrated[]> {
  const clients: pg.Client[] = []
  try {
    for (const server of servers) clients.push(await connected(server))
    // In the order of their names, so that two who start at once wait for each other and not in a circle.
    const inOrder = servers.map((server, at) => ({ server, client: clients[at]! }))
    inOrder.sort((one, other) => (one.server.name < other.server.name ? -1 : 1))
    for (const { client } of inOrder) {
      await client.query(`SET lock_timeout = '60s'`)
      await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    }
    const from = new Map<string, number>()
    for (const { server, client } of inOrder) from.set(server.name, await migrate(server.name, client))
    const spread = await spreadShards(clients)
    return servers.map(({ name }) => ({ server: name, from: from.get(name)!, to: schemaVersion, spread }))
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
  }
}

export async function connected({ name, url }: ServerAddress, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'heliograph',
    connectionTimeoutMillis: 10_000,
    ...more,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    const message = `${name} cannot be reached: ${textOf(error)}`
    throw new ActorError('STORE_UNAVAILABLE', message, { retryAfterMs: 1000 }, error)
  }
  return client
}

async function migrate(name: string, client: pg.Client): Promise<number> {
  const from = await versionOf(client)
  if (from > schemaVersion) checkVersion(name, from)
  if (from === 0) await prepare(name, client)
  for (const { version, name: title, sql } of migrations().slice(from)) {
    await inTransaction(client, async () => {
      await client.query(sql)
      await client.query('INSERT INTO schema_version (version, name) VALUES ($1, $2)', [version, title])
    })
  }
  return from
}

async function prepare(name: string, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>(
    `SELECT pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()`,
  )
  if (rows[0]?.encoding !== 'UTF8') {
    const said = `The database of ${name} has the encoding ${rows[0]?.encoding}: create it with ENCODING 'UTF8'`
    throw new ActorError('REFUSED', said, { reason: 'WRONG_ENCODING' })
  }
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_version (
       version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  )
}

/** Rejects with REFUSED (SCHEMA_TOO_OLD, SCHEMA_TOO_NEW). */
export async function checkTables(name: string, client: pg.Client): Promise<void> {
  checkVersion(name, await versionOf(client))
}

async function versionOf(client: pg.Client): Promise<number> {
  try {
    const { rows } = await client.query<{ version: number }>(
      'SELECT coalesce(max(version), 0)::integer AS version FROM schema_version',
    )
    return rows[0]?.version ?? 0
  } catch (error) {
    if (isUndefinedTable(error)) return 0
    throw error
  }
}

/** V3. */
async function spreadShards(clients: readonly pg.Client[]): Promise<boolean> {
  const rows = await Promise.all(
    clients.map((client) =>
      client.query<{ total: number; here: number }>(
        `SELECT count(*)::integer AS total, (count(*) FILTER (WHERE state <> 'moved'))::integer AS here FROM held_shard`,
      ),
    ),
  )
  const counts = rows.map(({ rows: [row] }) => row ?? { total: 0, here: 0 })
  if (counts.some(({ total }) => total > 0)) {
    const here = counts.reduce((sum, each) => sum + each.here, 0)
    if (here >= families.length * SHARDS) return false
    const said = `${families.length * SHARDS - here} shards lie on no server that was named: name them all`
    throw new ActorError('REFUSED', said, { reason: 'SHARDS_MISSING' })
  }
  const size = Math.ceil(SHARDS / clients.length)
  // Committed together at the end: a crash between two commits would leave shards on no server, for a person to look at.
  for (const [at, client] of clients.entries()) {
    const [from, to] = [at * size, Math.min((at + 1) * size, SHARDS) - 1]
    await client.query('BEGIN')
    await client.query(
      `INSERT INTO held_shard (family, shard, state, epoch)
       SELECT family, shard, 'held', 1
       FROM unnest($1::text[]) AS family, generate_series($2::integer, $3::integer) AS shard`,
      [families, from, to],
    )
  }
  await Promise.all(clients.map((client) => client.query('COMMIT')))
  return true
}

export async function inTransaction<T>(client: pg.Client, run: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    const result = await run()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}
