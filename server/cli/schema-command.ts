import { type Command, WrongUsage } from './command.js'

/** Brings the tables of the servers to this program's version. */
export const schemaCommand: Command = {
  summary: 'brings the tables of Cassandra and PostgreSQL to this version (as npm run migrate)',
  usage: `usage: npx heliograph schema

Makes the tables of the servers that HELIOGRAPH_CASSANDRA and HELIOGRAPH_POSTGRES_SERVERS name, or brings them to this
program's version. Run it before a new version starts; running it again changes nothing.`,

  async run(args, context) {
    if (args.length > 0) throw new WrongUsage(`schema takes no ${args[0]}.`)
    // Loaded when it runs: the drivers of all stores take longer to load than most commands take in all.
    const { namedServers } = await import('./servers.js')
    const { migrateCassandra, migratePostgres } = await import('../../storage/index.js')
    const { cassandra, postgres } = namedServers(context)
    if (!cassandra && !postgres) {
      throw new WrongUsage(
        'Nothing to migrate: set HELIOGRAPH_CASSANDRA or HELIOGRAPH_POSTGRES_SERVERS (docs/operations.md).',
      )
    }
    const { say, clock, log } = context
    const brought = (from: number, to: number) =>
      from === to ? `has version ${to}` : `brought from version ${from} to ${to}`
    if (cassandra) {
      const { keyspace, before, after } = await migrateCassandra({ ...cassandra, clock, log })
      say(`Cassandra, ${keyspace}: ${brought(before, after)}`)
    }
    for (const { server, from, to, spread } of postgres ? await migratePostgres(postgres) : []) {
      say(`PostgreSQL, ${server}: ${brought(from, to)}${spread ? ', and given its share of the shards' : ''}`)
    }
    return 0
  },
}
