import { openSoleOwnership, type SoleOwnership } from '../../cluster/index.js'
import {
  ActorError,
  type ActorLog,
  type AgendaStore,
  type Clock,
  type JournalStore,
  type OwnershipRegister,
  type Random,
} from '../../runtime/index.js'
import {
  type ActorName,
  type CassandraStorageOptions,
  type EmbeddedStorage,
  openCassandraStorage,
  openPostgresStorage,
  type PostgresOptions,
  type PostgresStorage,
} from '../../storage/index.js'
import { withAttempts } from './attempts.js'

/** Where a data directory is copied to: the ports of storage, and what their owner knows. */
export interface MigrationTarget extends Pick<EmbeddedStorage, 'names' | 'directory' | 'accounts'> {
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  /** Under which all shards are this process's. */
  readonly epoch: number
  /**
   * Resolves while all shards are this process's, or once they are again. Rejects with STOPPED when they are another's, or
   * were not this one's for too long: what is written then may not count.
   */
  owned(): Promise<void>
  /** All actors that were ever opened. */
  actors(): AsyncIterable<ActorName>
  /** Of names, the search index and account rows. */
  rowCounts(): ReturnType<PostgresStorage['rowCounts']>
  close(): Promise<void>
}

export interface ServersOptions {
  readonly cassandra: Omit<CassandraStorageOptions, 'clock' | 'log' | 'schema'>
  readonly postgres: Pick<PostgresOptions, 'servers'>
  /** Of the data that are copied: the shards' number, and an epoch that the servers' must be above. */
  readonly shardCount: number
  readonly formerEpoch: number
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
}

/**
 * Opens the servers and takes all shards there, under an epoch above `formerEpoch`. Rejects with REFUSED (SCHEMA_TOO_OLD,
 * SCHEMA_TOO_NEW, ALREADY_OWNED while a server runs there, SHARD_COUNT_CHANGED) or STORE_UNAVAILABLE.
 */
export async function openServers(options: ServersOptions): Promise<MigrationTarget> {
  const { clock, log } = options
  const cassandra = await openCassandraStorage({ ...options.cassandra, clock, log, schema: 'check' })
  const closing: (() => Promise<void>)[] = [() => cassandra.close()]
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end()
  }
  try {
    const postgres = await openPostgresStorage({ ...options.postgres, journals: cassandra.identity, clock, log })
    closing.push(() => postgres.close())
    await postgres.answers()
    const ownership = await ownAbove(cassandra.register, options)
    closing.push(() => ownership.close())
    const { names, directory, accounts } = postgres
    const { agenda } = cassandra
    const journals = withAttempts(cassandra.journals)
    return {
      ...{ journals, agenda, names, directory, accounts, close },
      epoch: ownership.epoch,
      actors: () => cassandra.actors(),
      rowCounts: () => postgres.rowCounts(),
      owned: () => ownedAgain(ownership, clock),
    }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

async function ownAbove(register: OwnershipRegister, options: ServersOptions): Promise<SoleOwnership> {
  const { clock, random, log, shardCount, formerEpoch } = options
  const take = () => openSoleOwnership({ register, clock, random, log, shardCount, self: 'migration', lease })
  const ownership = await take()
  if (ownership.epoch > formerEpoch) return ownership
  await ownership.close()
  const view = await register.read()
  if (view === undefined) throw notOwned()
  const shards = [
    { from: 0, to: shardCount - 1, epoch: formerEpoch, owner: undefined, next: undefined, mustWait: false },
  ]
  if (!(await register.change({ ...view, view: view.view + 1, members: [], shards }))) throw notOwned()
  return take()
}

/** A machine that has much to copy may be slow to renew. */
const lease = { lengthMs: 4_000, renewEveryMs: 1_000 }
const lookEveryMs = 100
const patienceMs = 60_000

/** A lease that has run out is good again once it is renewed: nobody took the shards without revoking it. */
async function ownedAgain(ownership: SoleOwnership, clock: Clock): Promise<void> {
  let isLost = false
  for (let waitedMs = 0; !ownership.holds(0, ownership.epoch); waitedMs += lookEveryMs) {
    if (waitedMs === 0) void ownership.lost.then(() => (isLost = true))
    if (isLost || waitedMs >= patienceMs) throw notOwned()
    await new Promise<void>((resolve) => {
      clock.setTimer(lookEveryMs, resolve)
    })
  }
}

function notOwned(): ActorError {
  return new ActorError(
    'STOPPED',
    'This process does not own the shards any more: a server was started on the same keyspace, or the machine stood ' +
      'still for too long. Stop whatever else runs there and start the command again: it goes on where it was.',
  )
}
