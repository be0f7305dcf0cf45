// The servers that a development cluster stores on: those of `npm run services`, with a keyspace and a database of its own.

import { createHash } from 'node:crypto'
import cassandra from 'cassandra-driver'
import pg from 'pg'
import { catalog } from '../services/catalog.mjs'
import { defaultServicesDir } from '../services/places.mjs'
import { down, up } from '../services/service.mjs'
import { defaultClusterDir } from './places.mjs'

/** The cluster's own names there: one in another folder is another cluster. */
export function storeNameOf(clusterDir) {
  if (clusterDir === defaultClusterDir()) return 'heliograph_cluster'
  return `heliograph_cluster_${createHash('sha1').update(clusterDir).digest('hex').slice(0, 8)}`
}

const needed = ['cassandra', 'postgres', 'redis', 'nats']

/**
 * Starts what does not run; gives the settings that send a node there, and ends what it started: when it is told to,
 * or when it rejects.
 *
 * @param {{name: string, isFresh: boolean, say: (line: string) => void, signal?: AbortSignal}} options `name`: of
 *   keyspace and database; `signal`: interrupts the start, and it rejects
 */
export async function openStores({ name, isFresh, say, signal }) {
  const dir = defaultServicesDir()
  const startedHere = []
  const close = async () => {
    for (const service of startedHere) await down(dir, service)
  }
  const start = async () => {
    const urls = {}
    for (const each of needed) {
      const service = catalog.get(each)
      const { record, started } = await up(dir, service, { signal })
      if (started > 0) startedHere.unshift(service)
      urls[each] = record.url
      say(`${each}: ${started > 0 ? 'up' : 'ran already'}`)
    }
    if (isFresh) await dropKeyspace(urls.cassandra, name)
    return { urls, database: await makeDatabase(urls.postgres, name, isFresh) }
  }
  const { urls, database } = await start().catch(async (error) => {
    await close()
    throw error
  })
  return {
    env: {
      HELIOGRAPH_CASSANDRA: `cassandra://${urls.cassandra}/${name}?replication=1`,
      HELIOGRAPH_POSTGRES_SERVERS: `main=${database}`,
      HELIOGRAPH_REDIS_URL: urls.redis,
      HELIOGRAPH_NATS: urls.nats.replaceAll(',nats://', ','),
      HELIOGRAPH_MIGRATE_AT_START: 'on',
    },
    async drop() {
      await dropKeyspace(urls.cassandra, name)
      await dropDatabase(urls.postgres, name)
    },
    close,
  }
}

async function dropKeyspace(contactPoint, name) {
  const client = new cassandra.Client({ contactPoints: [contactPoint], localDataCenter: 'dc1' })
  try {
    await client.execute(`DROP KEYSPACE IF EXISTS ${name}`, [], { readTimeout: 60_000 })
  } finally {
    await client.shutdown()
  }
}

async function dropDatabase(url, name) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  } finally {
    await client.end()
  }
}

async function makeDatabase(url, name, isFresh) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    if (isFresh) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  } finally {
    await client.end()
  }
  const database = new URL(url)
  database.pathname = `/${name}`
  return database.href
}
