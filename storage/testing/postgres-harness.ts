import pg from 'pg'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import type { AccountsHarness, NewAccountsHarness } from '../contract/harness.js'
import { migratePostgres } from '../postgres/migrate.js'
import { openPostgresStorage, type PostgresStorage } from '../postgres/open.js'
import type { ServerAddress } from '../postgres/server-list.js'
import type { PrivatePostgres } from './private-postgres.js'

let databases = 0

/** Databases with our tables, one on each of the servers, that hold the shards between them. */
export async function newDatabases(servers: readonly PrivatePostgres[]): Promise<readonly ServerAddress[]> {
  const database = `test_${++databases}`
  const addresses = servers.map((server, at) => ({ name: `server-${at}`, url: server.url(database) }))
  const options = 'OWNER heliograph TEMPLATE template0 STRATEGY wal_log'
  for (const server of servers) await server.sql(`CREATE DATABASE ${database} ${options}`)
  await migratePostgres(addresses)
  return addresses
}

async function emptied(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('DELETE FROM account; DELETE FROM claimed_name; DELETE FROM indexed_name')
  await client.end()
}

/**
 * PostgreSQL on servers that a test file shares, with empty tables each time. A crash cuts the process off; what a killed
 * server keeps is shown by the tests of failures.
 */
export function postgresHarness(servers: () => readonly PrivatePostgres[]): NewAccountsHarness {
  let addresses: readonly ServerAddress[] | undefined
  return (): AccountsHarness => {
    let isEmpty = false
    let storage: PostgresStorage | undefined
    return {
      async start() {
        addresses ??= await newDatabases(servers())
        if (!isEmpty) await Promise.all(addresses.map(({ url }) => emptied(url)))
        isEmpty = true
        storage = await openPostgresStorage({ servers: addresses, clock: systemClock, log: noLog })
        const { names, directory, accounts } = storage
        const stop = async () => {
          await storage?.close()
          storage = undefined
        }
        return { names, directory, accounts, stop }
      },
      async crash() {
        for (const server of servers()) {
          await server.sql(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
          )
        }
        await storage?.close()
        storage = undefined
      },
      async dispose() {
        await storage?.close()
      },
    }
  }
}
