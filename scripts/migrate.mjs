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

/** By the setting that names the servers. */
const stores = new Map([['HELIOGRAPH_POSTGRES_SERVERS', migratePostgresServers]])

await main(async () => {
  const named = [...stores].filter(([setting]) => process.env[setting])
  if (named.length === 0) {
    console.error(`Nothing to migrate: set ${[...stores.keys()].join(' or ')} (docs/operations.md).`)
    throw new StepFailed('migrate', 2)
  }
  await prepare({ dev: false })
  for (const [setting, migrate] of named) await saidInALine('migrate', () => migrate(process.env[setting]))
})
