// `npm run migrate`: brings the tables of the servers that the settings name to this program's version. Run it before the
// new program starts; running it again changes nothing.

import { prepare } from './prepare.mjs'
import { main, StepFailed, saidInALine } from './project.mjs'
import { storePlaces } from './store-places.mjs'

async function migratePostgresServers(servers) {
  const { migratePostgres } = await import('../dist/storage/index.js')
  for (const { server, from, to, spread } of await migratePostgres(servers)) {
    const what = from === to ? `has version ${to}` : `brought from version ${from} to ${to}`
    console.log(`PostgreSQL, ${server}: ${what}${spread ? ', and given its share of the shards' : ''}`)
  }
}

async function migrateCassandraServers(place) {
  const { migrateCassandra } = await import('../dist/storage/index.js')
  const { systemClock } = await import('../dist/runtime/index.js')
  const log = { debug() {}, info() {}, warn: console.warn, error: console.error }
  const { keyspace, before, after } = await migrateCassandra({ ...place, clock: systemClock, log })
  console.log(
    `Cassandra, ${keyspace}: ${before === after ? `has version ${after}` : `brought from version ${before} to ${after}`}`,
  )
}

await main(async () => {
  await prepare({ dev: false })
  await saidInALine('migrate', async () => {
    const { cassandra, postgres } = await storePlaces()
    if (!cassandra && !postgres) {
      console.error('Nothing to migrate: set HELIOGRAPH_CASSANDRA or HELIOGRAPH_POSTGRES_SERVERS (docs/operations.md).')
      throw new StepFailed('migrate', 2)
    }
    if (cassandra) await migrateCassandraServers(cassandra)
    if (postgres) await migratePostgresServers(postgres)
  })
})
