import { randomBytes } from 'node:crypto'
import cassandra from 'cassandra-driver'
import pg from 'pg'
import { serviceUrl } from '../services.js'

/** A keyspace and a database of a test's own on the servers that tests share. */
export interface RealStores {
  /** The settings that send a server there. */
  readonly env: Readonly<Record<string, string>>
  /** Drops both. Nothing may use them any more. */
  dispose(): Promise<void>
}

/**
 * `cassandra`: host and port of another one than the tests share, whose end takes the keyspace along.
 *
 * @throws Error with the command that starts a server that is missing
 */
export async function realStores({
  cassandra: given,
  replication = 1,
}: {
  readonly cassandra?: string
  readonly replication?: number
} = {}): Promise<RealStores> {
  const name = `test_program_${randomBytes(5).toString('hex')}`
  const cassandraHost = given ?? serviceUrl('cassandra')
  const postgresUrl = serviceUrl('postgres')
  await query(postgresUrl, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  const database = new URL(postgresUrl)
  database.pathname = `/${name}`
  return {
    env: {
      HELIOGRAPH_CASSANDRA: `cassandra://${cassandraHost}/${name}?replication=${replication}`,
      HELIOGRAPH_POSTGRES_SERVERS: `a=${database.href}`,
    },
    async dispose() {
      await query(postgresUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      if (given !== undefined) return
      const client = new cassandra.Client({ contactPoints: [cassandraHost], localDataCenter: 'dc1' })
      try {
        await client.execute(`DROP KEYSPACE IF EXISTS ${name}`, [], { readTimeout: 60_000 })
      } finally {
        await client.shutdown()
      }
    },
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
