import type { Command } from './command.js'

/** Copies an embedded data directory to the servers and compares every account. */
export const migrateCommand: Command = {
  summary: 'copies a data directory into Cassandra and PostgreSQL, and compares every account',
  usage: `usage: npx heliograph migrate --from <data directory> [--dry-run | --verify-only]

Copies what a server has stored in its data directory into the servers that HELIOGRAPH_CASSANDRA and
HELIOGRAPH_POSTGRES_SERVERS name, and then compares both: every entry, and what every account shows to its devices. No
server may run on either side. The directory is only read. A copy that was cut off goes on when it is started again.

  --dry-run      only says what the directory holds
  --verify-only  only compares; before a server has run on the copy

Exit code 1: refused, or something differs. The steps around it: docs/operations.md.`,

  /** Loaded when it runs: the drivers of all stores take longer to load than most commands take in all. */
  run: async (args, context) => (await import('./migration-run.js')).runMigration(args, context),
}
