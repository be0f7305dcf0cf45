import { afterAll, beforeAll } from 'vitest'
import { ownershipRegisterSuite } from '../contract/ownership-register.suite.js'
import { connectTo, dropKeyspace, testKeyspace } from '../testing/cassandra-server.js'
import type { ClientSession } from './client-session.js'
import type { CassandraConnection } from './options.js'
import { CassandraRegister } from './register.js'

let connection: CassandraConnection
let session: ClientSession

beforeAll(async () => {
  connection = await testKeyspace('register')
  session = await connectTo(connection)
})
afterAll(async () => {
  await session.close()
  await dropKeyspace(connection)
})

ownershipRegisterSuite('Cassandra', async () => {
  await session.write({ query: 'TRUNCATE register', parameters: [] })
  await session.write({ query: 'TRUNCATE leases', parameters: [] })
  return new CassandraRegister(session)
})
