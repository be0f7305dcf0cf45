import { readSettings } from '../settings.js'
import { cassandraPlace, postgresPlaces } from '../store-places.js'
import { type CommandContext, WrongUsage } from './command.js'

/** The servers that the server's own settings name; undefined where nothing is set. Throws SettingsRefused. */
export function namedServers({ environment }: CommandContext) {
  const { cassandra, postgres } = readSettings(environment)
  return { cassandra: cassandra && cassandraPlace(cassandra), postgres: postgres && postgresPlaces(postgres) }
}

/** Both, or WrongUsage. */
export function allServers(context: CommandContext) {
  const { cassandra, postgres } = namedServers(context)
  if (cassandra && postgres) return { cassandra, postgres: { servers: postgres } }
  throw new WrongUsage(
    'Set HELIOGRAPH_CASSANDRA and HELIOGRAPH_POSTGRES_SERVERS: they name the servers (docs/operations.md).',
  )
}
