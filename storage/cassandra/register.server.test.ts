import { ownershipRegisterSuite } from '../contract/ownership-register.suite.js'
import { testKeyspace } from '../testing/cassandra-server.js'
import { CassandraRegister } from './register.js'

const keyspace = testKeyspace('register')

ownershipRegisterSuite('Cassandra', async () => {
  const session = keyspace.session()
  await session.write({ query: 'TRUNCATE register', parameters: [] })
  await session.write({ query: 'TRUNCATE leases', parameters: [] })
  return new CassandraRegister(session)
})
