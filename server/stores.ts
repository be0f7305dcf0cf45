import { openSoleOwnership } from '../cluster/index.js'
import {
  type AgendaStore,
  type Clock,
  errorCode,
  type JournalStore,
  type Ownership,
  type OwnershipRegister,
  type Random,
} from '../runtime/index.js'
import {
  type AccountStore,
  type CassandraStorage,
  type NameDirectory,
  type NameIndex,
  openCassandraStorage,
  openEmbeddedStorage,
  openPostgresStorage,
} from '../storage/index.js'
import type { ClusterMember } from './cluster/cluster-member.js'
import type { Log } from './logging.js'
import { migrationLogShard, refuseUnfinishedCopy } from './migration/unfinished-copy.js'
import { settingTable } from './setting-table.js'
import { type Settings, SettingsRefused } from './settings.js'
import { cassandraPlace, postgresPlaces } from './store-places.js'

/** A number that only rises, as /metrics shows it. */
interface StoreCounter {
  readonly name: string
  readonly help: string
  value(): number
}

/** What actors are stored in, and who may store. */
interface JournalStores {
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  readonly ownership: Ownership
  /** Set where nodes form a cluster: this one's place in it. */
  readonly member?: ClusterMember
  /** Set with `member`. */
  readonly register?: OwnershipRegister
  readonly counters: readonly StoreCounter[]
  /** Of the journals: what a store of names has to know them by. */
  identity(): Promise<string>
  /** Resolves when this process may own nothing any more: it has to be started again. */
  readonly lost: Promise<void>
  /** Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN while the store does not answer. */
  answers(): Promise<void>
  /** Gives up what is owned. Nothing may be in flight any more. */
  close(): Promise<void>
}

/** Whose names are, and what people see of each other. */
interface RecordStores {
  readonly directory: NameDirectory
  readonly names: NameIndex
  readonly accounts: AccountStore
}

/** All that a server keeps for good, wherever it is kept. */
export type Stores = JournalStores & RecordStores

type MemberOf = (register: OwnershipRegister) => ClusterMember

export interface StoreTools {
  readonly clock: Clock
  readonly random: Random
  log(component: string): Log
}

/**
 * Everything is in the data directory, but for what the settings send to servers: names and account rows to PostgreSQL,
 * everything else to Cassandra. `member` makes this node one of a cluster, which has not joined yet. Rejects with what
 * `startRefusal` explains.
 */
export async function openStores(settings: Settings, tools: StoreTools, member?: MemberOf): Promise<Stores> {
  const journals = settings.cassandra
    ? await onCassandra(settings, tools, member)
    : await inDirectory(settings.dataDir, tools)
  try {
    const postgres = await onPostgres(settings, tools, journals)
    if (postgres === undefined) return { ...journals, ...recordsOf(journals) }
    return {
      ...journals,
      ...postgres,
      counters: [...journals.counters, ...postgres.counters],
      async close() {
        await journals.close()
        await postgres.close()
      },
    }
  } catch (error) {
    await journals.close()
    throw error
  }
}

function recordsOf(journals: JournalStores & Partial<RecordStores>): RecordStores {
  const { directory, names, accounts } = journals
  // The settings are checked: what is on Cassandra has its names on PostgreSQL.
  if (!directory || !names || !accounts) throw new TypeError('no store of names: settings.postgres is missing')
  return { directory, names, accounts }
}

async function inDirectory(directory: string, { clock, random, log }: StoreTools): Promise<Stores> {
  const storage = await openEmbeddedStorage({ directory, clock, log: log('storage') })
  return {
    ...storage,
    identity: () => storage.identity(random),
    counters: [
      { name: 'storage_flushes_total', help: 'Flushes to disk', value: () => storage.counters.flushes },
      { name: 'storage_operations_total', help: 'Puts and removals flushed', value: () => storage.counters.operations },
      { name: 'storage_bytes_total', help: 'Bytes of keys and values flushed', value: () => storage.counters.bytes },
      { name: 'storage_reads_total', help: 'Values and ranges asked', value: () => storage.counters.reads },
    ],
    lost: new Promise(() => undefined),
  }
}

async function onCassandra(
  { cassandra: place, migrateAtStart }: Settings,
  tools: StoreTools,
  memberOf: MemberOf | undefined,
): Promise<JournalStores> {
  const { clock, log } = tools
  const storage = await told('cassandra', () =>
    openCassandraStorage({
      ...cassandraPlace(place!),
      clock,
      log: log('storage'),
      schema: migrateAtStart ? 'apply' : 'check',
    }),
  )
  try {
    const owning = memberOf ? asMember(storage, memberOf(storage.register), tools) : await alone(storage, tools)
    return {
      journals: storage.journals,
      agenda: storage.agenda,
      ...owning,
      identity: async () => storage.identity,
      counters: [
        { name: 'storage_reads_total', help: 'Reads of Cassandra', value: () => storage.counters.reads },
        { name: 'storage_writes_total', help: 'Writes to Cassandra', value: () => storage.counters.writes },
        { name: 'storage_failures_total', help: 'Requests that failed', value: () => storage.counters.failures },
        { name: 'storage_refused_total', help: 'Requests over the limit', value: () => storage.counters.refused },
      ],
      answers: () => storage.answers(),
      async close() {
        await owning.close()
        await storage.close()
      },
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}

type Owning = Pick<JournalStores, 'ownership' | 'member' | 'register' | 'lost' | 'close'>

/** One process has all shards. */
async function alone({ register, journals }: CassandraStorage, { clock, random, log }: StoreTools): Promise<Owning> {
  const ownership = await told('cassandra', () => openSoleOwnership({ register, clock, random, log: log('ownership') }))
  await told('cassandra', () =>
    refuseUnfinishedCopy(journals, ownership.epoch, ownership.shardCount).catch(async (error) => {
      await ownership.close()
      throw error
    }),
  )
  return { ownership, lost: ownership.lost, close: () => ownership.close() }
}

/** Several have each a share. A part of a copy is found by the one whose shard the copy's own log lies in. */
function asMember({ register, journals }: CassandraStorage, member: ClusterMember, { log }: StoreTools): Owning {
  const { ownership } = member.node
  const shard = migrationLogShard(ownership.shardCount)
  let isLooked = false
  const lost = new Promise<void>((resolve) => {
    ownership.onChange(() => {
      const epoch = ownership.epochOf(shard)
      if (isLooked || epoch === undefined) return
      isLooked = true
      refuseUnfinishedCopy(journals, epoch, ownership.shardCount).catch((error: unknown) => {
        if (errorCode(error) !== 'REFUSED') return
        log('storage').fatal({ err: error }, 'this node stops')
        resolve()
      })
    })
  })
  return { ownership, member, register, lost, close: async () => undefined }
}

async function onPostgres(
  { postgres: place, migrateAtStart }: Settings,
  { clock, log }: StoreTools,
  { identity }: JournalStores,
) {
  if (place === undefined) return undefined
  const journals = await identity()
  const { directory, names, accounts, counters, close } = await told('postgresServers', () =>
    openPostgresStorage({
      servers: postgresPlaces(place),
      journals,
      clock,
      log: log('accounts'),
      schema: migrateAtStart ? 'apply' : 'check',
    }),
  )
  const help = 'Statements that PostgreSQL did not answer'
  return {
    directory,
    names,
    accounts,
    counters: [{ name: 'accounts_failed_total', help, value: () => counters.failed }],
    close,
  }
}

/** A store that refuses says so under the setting that names it. */
async function told<T>(key: 'cassandra' | 'postgresServers', open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ActorError') throw error
    throw new SettingsRefused([{ env: settingTable[key].env, value: '...', cure: error.message }])
  }
}
