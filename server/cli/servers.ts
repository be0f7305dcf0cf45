import { readCassandra, readServerList } from '../../storage/index.js'
import { type CommandContext, WrongUsage } from './command.js'

const cassandraName = 'HELIOGRAPH_CASSANDRA'
const postgresName = 'HELIOGRAPH_POSTGRES_SERVERS'

/** The servers that the settings name; undefined where nothing is set. Throws REFUSED for a text that names none. */
export function namedServers({ environment }: CommandContext) {
  const cassandra = environment[cassandraName]
  const postgres = environment[postgresName]
  return {
    cassandra: cassandra ? readCassandra(cassandra) : undefined,
    postgres: postgres ? readServerList(postgres) : undefined,
  }
}

/** Both, or WrongUsage. */
export function allServers(context: CommandContext) {
  const { cassandra, postgres } = namedServers(context)
  if (cassandra && postgres) return { cassandra, postgres: { servers: postgres } }
  throw new WrongUsage(`Set ${cassandraName} and ${postgresName}: they name the servers (docs/operations.md).`)
}
