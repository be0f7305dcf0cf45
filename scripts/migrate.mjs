// `npm run migrate`: brings the tables of the servers that the settings name to this program's version. Run it before the
// new program starts; running it again changes nothing.

import { prepare } from './prepare.mjs'
import { main, StepFailed, saidInALine } from './project.mjs'

async function migratePostgresServers(text) {
  const { migratePostgres, readServerList } = await import('../dist/storage/index.js')
  for (const { server, from, to, spread } of await migratePostgres(readServerList(text))) {
    const what = from === to ? `has version ${to}` : `brought from version ${from} to ${to}`
    console.log(`PostgreSQL, ${server}: ${what}${spread ? ', and given its share of the shards' : ''}`)
  }
}

async function migrateCassandraServers(text) {
  const { migrateCassandra, readCassandra } = await import('../dist/storage/index.js')
  const { systemClock } = await import('../dist/runtime/index.js')
  const log = { debug() {}, info() {}, warn: console.warn, error: console.error }
  const { keyspace, before, after } = await migrateCassandra({ ...readCassandra(text), clock: systemClock, log })
  console.log(
    `Cassandra, ${keyspace}: ${before === after ? `has version ${after}` : `brought from version ${before} to ${after}`}`,
  )
}

/** By the setting that names the servers. */
const stores = new Map([
  ['HELIOGRAPH_CASSANDRA', migrateCassandraServers],
  ['HELIOGRAPH_POSTGRES_SERVERS', migratePostgresServers],
])

await main(async () => {
  const named = [...stores].filter(([setting]) => process.env[setting])
  if (named.length === 0) {
    console.error(`Nothing to migrate: set ${[...stores.keys()].join(' or ')} (docs/operations.md).`)
    throw new StepFailed('migrate', 2)
  }
  await prepare({ dev: false })
  for (const [setting, migrate] of named) await saidInALine('migrate', () => migrate(process.env[setting]))
})
