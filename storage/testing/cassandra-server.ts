import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { serviceUrl } from '../../test/services.js'
import { type ClientSession, connect, driverClient } from '../cassandra/client-session.js'
import { migrateCassandra } from '../cassandra/migrate.js'
import type { CassandraConnection } from '../cassandra/options.js'

/** The server that `npm run services -- up cassandra` has started. */
function cassandraServer(): Omit<CassandraConnection, 'keyspace'> {
  return {
    contactPoints: [serviceUrl('cassandra')],
    localDataCenter: 'dc1',
    // A small server that has just started, on a machine that does other things as well.
    limits: { requestTimeoutMs: 20_000, queuedForMs: 20_000 },
  }
}

/** A test file's own keyspace on the server that tests share, made before its tests and dropped after them. */
export interface TestKeyspace {
  connection(): CassandraConnection
  session(): ClientSession
}

/** A file's own: several files run at once, and a file that was killed leaves its keyspace behind. */
export function testKeyspace(name: string): TestKeyspace {
  let connection: CassandraConnection | undefined
  let session: ClientSession | undefined
  beforeAll(async () => {
    connection = { ...cassandraServer(), keyspace: `test_${name}_${process.pid}` }
    await migrateCassandra({ ...connection, replication: 1, clock: systemClock, log: noLog })
    session = await connect(connection, systemClock)
  }, schemaMs)
  afterAll(async () => {
    await session?.close()
    if (connection) await dropKeyspace(connection)
  }, schemaMs)
  return { connection: () => connection!, session: () => session! }
}

/** Tables are made one after another; on a busy machine that takes a while. */
const schemaMs = 120_000

async function dropKeyspace(connection: CassandraConnection): Promise<void> {
  const client = driverClient(connection)
  try {
    await client.execute(`DROP KEYSPACE IF EXISTS ${connection.keyspace}`, [], { readTimeout: 60_000 })
  } finally {
    await client.shutdown()
  }
}
