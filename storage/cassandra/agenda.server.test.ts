import { afterAll, beforeAll } from 'vitest'
import { agendaStoreSuite } from '../contract/agenda-store.suite.js'
import { cassandraHarness } from '../testing/cassandra-harness.js'
import { connectTo, dropKeyspace, testKeyspace } from '../testing/cassandra-server.js'
import type { ClientSession } from './client-session.js'
import type { CassandraConnection } from './options.js'

let connection: CassandraConnection
let session: ClientSession

beforeAll(async () => {
  connection = await testKeyspace('agenda')
  session = await connectTo(connection)
})
afterAll(async () => {
  await session.close()
  await dropKeyspace(connection)
})

agendaStoreSuite('Cassandra', () => cassandraHarness(() => session))
