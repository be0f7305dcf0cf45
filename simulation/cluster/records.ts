import type { actorDefinitions } from '../../actors/index.js'
import type { EmbeddedStorage } from '../../storage/index.js'

type PublicRecords = Parameters<typeof actorDefinitions>[0]['records']
type Names = PublicRecords['names']
type Directory = PublicRecords['directory']
type Accounts = PublicRecords['accounts']

/**
 * The records that all nodes share, as far away as a server is: `reach` takes a request there, and its answer back. One
 * that a process did not live to hear of was done all the same.
 */
export function recordsOf(
  { names, directory, accounts }: EmbeddedStorage,
  reach: <T>(ask: () => Promise<T>) => Promise<T>,
): PublicRecords {
  return {
    names: {
      put: (...asked: Parameters<Names['put']>) => reach(() => names.put(...asked)),
      remove: (...asked: Parameters<Names['remove']>) => reach(() => names.remove(...asked)),
    },
    directory: {
      confirm: (asked: Parameters<Directory['confirm']>[0]) => reach(() => directory.confirm(asked)),
      release: (asked: Parameters<Directory['release']>[0]) => reach(() => directory.release(asked)),
    },
    accounts: { put: (row: Parameters<Accounts['put']>[0]) => reach(() => accounts.put(row)) },
  }
}
