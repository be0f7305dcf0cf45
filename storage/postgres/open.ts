import { ActorError, type ActorLog, type Clock, errorCode } from '../../runtime/index.js'
import type { AccountStore } from '../ports/account-store.js'
import type { NameDirectory } from '../ports/name-directory.js'
import type { NameIndex } from '../ports/name-index.js'
import { PostgresAccounts } from './accounts.js'
import { isBadLogin, unavailable } from './failure.js'
import { limitsOf, type PostgresLimits } from './limits.js'
import { migratePostgres } from './migrate.js'
import { PostgresNameDirectory } from './name-directory.js'
import { PostgresNameIndex } from './name-index.js'
import { countRows, type RowCounts } from './row-counts.js'
import { PostgresServer, type Statement } from './server.js'
import type { ServerAddress } from './server-list.js'
import { ShardMap } from './shard-map.js'

export interface PostgresOptions {
  /** All that hold shards: see `readServerList`. */
  readonly servers: readonly ServerAddress[]
  readonly clock: Clock
  readonly log: ActorLog
  readonly limits?: Partial<PostgresLimits>
  /** Which journals decide whose these names are, by a name that no others have. Without it that is not looked at. */
  readonly journals?: string
  /** What to do with tables of an older version. Default: `check`, which refuses them. */
  readonly schema?: 'check' | 'apply'
}

/** Accounts and names on PostgreSQL servers. */
export interface PostgresStorage {
  readonly directory: NameDirectory
  readonly accounts: AccountStore
  readonly names: NameIndex
  /** Statements that failed for want of a server, since the start. */
  readonly counters: { readonly failed: number }
  /** Resolves when every primary has answered; rejects with STORE_UNAVAILABLE. */
  answers(): Promise<void>
  /** How much all primaries hold; rejects with STORE_UNAVAILABLE. */
  rowCounts(): Promise<RowCounts>
  close(): Promise<void>
}

/** A server that is away does not keep the program from starting: its tables are looked at when it comes. */
async function migrateIfThere(servers: readonly ServerAddress[], log: ActorLog): Promise<void> {
  try {
    for (const { server, from, to } of await migratePostgres(servers)) {
      if (from !== to) log.info({ server, from, to }, 'the tables of PostgreSQL were brought to a newer version')
    }
  } catch (error) {
    if (errorCode(error) !== 'STORE_UNAVAILABLE') throw error
    log.warn({ error }, 'the tables of PostgreSQL cannot be looked at yet')
  }
}

/** Who asks wrongly is told at once, since waiting would mend nothing; a server that is away is waited for. */
async function refuseBadLogin(server: PostgresServer): Promise<void> {
  try {
    await server.read(ANSWER, [])
  } catch (error) {
    const { message, cause } = error as ActorError
    if (!isBadLogin(cause)) return
    const cure = 'check the address, the user, the password and the authority'
    throw new ActorError('REFUSED', `${message}: ${cure}`, { reason: 'BAD_LOGIN' }, cause)
  }
}

const ANSWER: Statement = { name: 'answer', text: 'SELECT 1' }

/**
 * Opens the servers. One that does not answer is tried again when it is needed: what it holds is STORE_UNAVAILABLE until
 * then. Rejects with REFUSED: SCHEMA_TOO_OLD or SCHEMA_TOO_NEW when a server that answers has tables of another version (found
 * later, it is the error of what needs the server), OTHER_JOURNALS, BAD_LOGIN, BAD_LIMIT, BAD_SERVERS.
 */
export async function openPostgresStorage(options: PostgresOptions): Promise<PostgresStorage> {
  const { servers, clock, log, limits, journals, schema = 'check' } = options
  const bounds = limitsOf(limits)
  if (schema === 'apply') await migrateIfThere(servers, log)
  const open = (name: string, url: string) => new PostgresServer({ name, url, clock, log, limits: bounds })
  const primaries = servers.map(({ name, url }) => open(name, url))
  const replicas = new Map(
    servers.map(({ name, replicas: urls = [] }, at) => [
      primaries[at]!,
      urls.map((url, each) => open(`${name}, replica ${each + 1}`, url)),
    ]),
  )
  const all = [...primaries, ...[...replicas.values()].flat()]
  const close = async () => {
    await Promise.all(all.map((server) => server.end()))
  }
  const map = new ShardMap({ servers: primaries, clock, log, limits: bounds, journals })
  try {
    await Promise.all(primaries.map(refuseBadLogin))
    await map.load()
  } catch (error) {
    await close()
    throw error
  }
  return {
    directory: new PostgresNameDirectory(map),
    accounts: new PostgresAccounts(map, replicas),
    names: new PostgresNameIndex(map),
    counters: {
      get failed() {
        return all.reduce((sum, { failed }) => sum + failed, 0)
      },
    },
    async answers() {
      const asked = await Promise.allSettled(primaries.map((server) => server.read(ANSWER, [])))
      const silent = primaries.filter((_, at) => asked[at]?.status === 'rejected').map(({ name }) => name)
      if (silent.length > 0) throw unavailable(`PostgreSQL does not answer: ${silent.join(', ')}`, bounds.pauseMs)
    },
    rowCounts: () => countRows(primaries),
    close,
  }
}
