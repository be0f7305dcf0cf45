import type { ActorLog, AgendaStore, Clock, JournalStore, NodeId, Random } from '../../runtime/index.js'
import { DEFAULT_SHARD_COUNT } from '../../runtime/index.js'
import type { AccountStore } from '../ports/account-store.js'
import type { NameDirectory } from '../ports/name-directory.js'
import type { NameIndex } from '../ports/name-index.js'
import type { KvCounters, OrderedKv } from '../ports/ordered-kv.js'
import { EmbeddedAccounts } from './accounts.js'
import { EmbeddedAgenda } from './agenda.js'
import { openDataDirectory, protectFile } from './data-directory.js'
import type { FlushLimits } from './flush-queue.js'
import { EmbeddedJournals } from './journals.js'
import { registerKey } from './keys.js'
import { openLmdbKv } from './lmdb-kv.js'
import { EmbeddedNameDirectory } from './name-directory.js'
import { EmbeddedNames } from './names.js'
import { type EmbeddedRegister, openRegister } from './register.js'

export interface EmbeddedStorageOptions {
  readonly directory: string
  readonly clock: Clock
  readonly log: ActorLog
  /** This node's name. Default: `local`. */
  readonly self?: NodeId
  /** Fixed once data is stored. Default: DEFAULT_SHARD_COUNT. */
  readonly shardCount?: number
  readonly limits?: Partial<FlushLimits>
}

/** Written only to see whether the disk takes writes again. */
const probeKey = registerKey('probe')
const identityKey = registerKey('identity')

/** All that one node stores, and what it owns. */
export interface EmbeddedStorage {
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  readonly names: NameIndex
  readonly directory: NameDirectory
  readonly accounts: AccountStore
  readonly ownership: EmbeddedRegister
  readonly counters: KvCounters
  /** Of this directory and copies of it; given to it when it is asked for first. */
  identity(random: Random): Promise<string>
  /**
   * Resolves when the store has answered a read and, if a write has failed since the last call, taken a write again.
   * Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN.
   */
  answers(): Promise<void>
  /** Seals the ownership, waits for what was written to be flushed, and gives the directory back. */
  close(): Promise<void>
}

/**
 * Opens the data directory for this process, creating it where there is none.
 * Rejects with REFUSED (reasons DIRECTORY_IN_USE, FORMAT_TOO_NEW, SHARD_COUNT_CHANGED, NOT_A_DIRECTORY), CORRUPT or
 * STORE_UNAVAILABLE; the message has the cure.
 */
export async function openEmbeddedStorage(options: EmbeddedStorageOptions): Promise<EmbeddedStorage> {
  const directory = await openDataDirectory(options.directory)
  try {
    const kv = openLmdbKv({
      path: directory.dataPath,
      clock: options.clock,
      log: options.log,
      ...(options.limits && { limits: options.limits }),
    })
    protectFile(directory.dataPath)
    return await storageOn(kv, options, () => directory.release())
  } catch (error) {
    await directory.release()
    throw error
  }
}

/** The embedded driver on any ordered KV; closing the storage closes it. */
export async function storageOn(
  kv: OrderedKv,
  { self = 'local', shardCount = DEFAULT_SHARD_COUNT }: Pick<EmbeddedStorageOptions, 'self' | 'shardCount'>,
  release: () => Promise<void>,
): Promise<EmbeddedStorage> {
  let ownership: EmbeddedRegister
  try {
    ownership = await openRegister(kv, self, shardCount)
  } catch (error) {
    await kv.close()
    throw error
  }
  let failuresOvercome = 0
  return {
    journals: new EmbeddedJournals(kv),
    agenda: new EmbeddedAgenda(kv),
    names: new EmbeddedNames(kv),
    directory: new EmbeddedNameDirectory(kv),
    accounts: new EmbeddedAccounts(kv),
    ownership,
    counters: kv.counters,
    async identity(random) {
      const found = kv.get(identityKey)
      if (found) return Buffer.from(found).toString('utf8')
      const made = `directory ${random.bytes(16).toString('hex')}`
      await kv.write([{ key: identityKey, value: Buffer.from(made) }])
      return made
    },
    async answers() {
      kv.get(probeKey)
      const { failures } = kv.counters
      if (failures === failuresOvercome && !kv.uncertain) return
      await kv.write([{ key: probeKey, value: Buffer.of(1) }])
      failuresOvercome = failures
    },
    async close() {
      ownership.seal()
      await kv.close()
      // A write of unknown fate may still land: nobody else may have the directory while this process lives.
      if (!kv.uncertain) await release()
    },
  }
}
