import type { AgendaStore, JournalStore } from '../../runtime/index.js'
import type { AccountStore } from '../ports/account-store.js'
import type { NameDirectory } from '../ports/name-directory.js'
import type { NameIndex } from '../ports/name-index.js'

/** What the suites of accounts need of a driver: a disk that outlives processes, and processes that can die. */
export interface AccountsHarness {
  start(): Promise<AccountsProcess>
  /** The process, and where there is one its server, die as by `kill -9`. */
  crash(): Promise<void>
  dispose(): Promise<void>
}

export interface AccountsProcess {
  readonly names: NameIndex
  readonly directory: NameDirectory
  readonly accounts: AccountStore
  stop(): Promise<void>
}

export type NewAccountsHarness = () => AccountsHarness

/** What the suites of journals need of a driver. */
export interface StorageHarness {
  /** A new process on what the disk holds now; the former one has stopped or crashed. */
  start(): Promise<StorageProcess>
  /** Kills the process as `kill -9` does: from here on nothing of it settles, nothing of it is written. */
  crash(): Promise<void>
  /**
   * The process dies by itself once this many more writes are durable, whatever it counts as a write that can be there
   * without the next. Resolves when it has died.
   */
  crashAfter(writes: number): Promise<void>
  dispose(): Promise<void>
}

export interface StorageProcess {
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  /** This process's epoch of every shard: above those of all former processes. */
  readonly epoch: number
  stop(): Promise<void>
}

export type NewHarness = () => StorageHarness

/** Of a driver that stores all that there is. */
export interface WholeHarness extends StorageHarness, AccountsHarness {
  start(): Promise<WholeProcess>
  crash(): Promise<void>
  dispose(): Promise<void>
}

export interface WholeProcess extends StorageProcess, AccountsProcess {
  stop(): Promise<void>
}
