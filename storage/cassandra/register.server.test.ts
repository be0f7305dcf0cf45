import { expect, test } from 'vitest'
import { ownershipRegisterSuite } from '../contract/ownership-register.suite.js'
import { testKeyspace } from '../testing/cassandra-server.js'
import { CassandraRegister } from './register.js'

const keyspace = testKeyspace('register')

async function newRegister(): Promise<CassandraRegister> {
  const session = keyspace.session()
  await session.write({ query: 'TRUNCATE register', parameters: [] })
  await session.write({ query: 'TRUNCATE leases', parameters: [] })
  return new CassandraRegister(session)
}

ownershipRegisterSuite('Cassandra', newRegister)

test('G3: what was acknowledged is what a glance sees, so that nobody has to read at SERIAL after it', async () => {
  const register = await newRegister()
  for (let view = 1; view <= 20; view++) {
    const shards = [{ from: 0, to: 4095, epoch: view, owner: undefined, next: undefined, mustWait: false }]
    expect(await register.change({ view, shardCount: 4096, members: [], shards })).toBe(true)
    expect(await register.glance()).toEqual({ view, shardCount: 4096, members: [], shards })
  }
})
