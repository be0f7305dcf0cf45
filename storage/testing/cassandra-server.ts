import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { serviceUrl } from '../../test/services.js'
import { type ClientSession, connect, schemaClient } from '../cassandra/client-session.js'
import { migrateCassandra } from '../cassandra/migrate.js'
import type { CassandraConnection } from '../cassandra/options.js'

/** The server that `npm run services -- up cassandra` has started. */
export function cassandraServer(): Omit<CassandraConnection, 'keyspace'> {
  return {
    contactPoints: [serviceUrl('cassandra')],
    localDataCenter: 'dc1',
    // A small server that has just started, on a machine that does other things as well.
    limits: { requestTimeoutMs: 20_000, queuedForMs: 20_000 },
  }
}

/** A keyspace of a test file's own, with all tables. */
export async function testKeyspace(name: string, replication = 1): Promise<CassandraConnection> {
  const connection = { ...cassandraServer(), keyspace: `test_${name}_${process.pid}` }
  await migrateCassandra({ ...connection, replication, clock: systemClock, log: noLog })
  return connection
}

export async function dropKeyspace(connection: CassandraConnection): Promise<void> {
  const client = schemaClient(connection)
  try {
    await client.execute(`DROP KEYSPACE IF EXISTS ${connection.keyspace}`)
  } finally {
    await client.shutdown()
  }
}

export function connectTo(connection: CassandraConnection): Promise<ClientSession> {
  return connect(connection, systemClock)
}
