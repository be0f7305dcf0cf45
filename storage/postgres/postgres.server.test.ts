import { afterAll, beforeAll } from 'vitest'
import { accountStoreSuite } from '../contract/account-store.suite.js'
import { nameDirectorySuite } from '../contract/name-directory.suite.js'
import { nameIndexSuite } from '../contract/name-index.suite.js'
import { postgresHarness } from '../testing/postgres-harness.js'
import { PrivatePostgres } from '../testing/private-postgres.js'

const servers: PrivatePostgres[] = []

beforeAll(async () => {
  servers.push(...(await Promise.all([PrivatePostgres.start(), PrivatePostgres.start()])))
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.dispose()))
})

const harness = postgresHarness(() => servers)
nameIndexSuite('two PostgreSQL servers', harness)
nameDirectorySuite('two PostgreSQL servers', harness)
accountStoreSuite('two PostgreSQL servers', harness)
