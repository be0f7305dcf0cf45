import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { ActorError } from '../../runtime/index.js'

/**
 * Lets one process at a time have a data directory, by means of the operating system alone.
 *
 * 1. Whoever has the directory holds a reader's slot of `lock.mdb`: LMDB backs it with a file lock of the kernel, which
 *    ends with the process, however that ends. No time-outs, no trust in process ids that were given out again; it holds
 *    across containers too.
 * 2. Claims are decided one after another inside LMDB's write transaction, whose mutex survives the death of its owner.
 * 3. The kernel's locks do not tell two openings in one process apart, so those are refused by a list in memory.
 */
export interface DirectoryLock {
  release(): Promise<void>
}

const held = new Set<string>()
const ownerKey = 'owner'

/** Rejects with REFUSED, reason DIRECTORY_IN_USE, naming the process that has the directory. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = realpathSync(directory)
  if (held.has(path)) throw inUse(directory, process.pid)
  held.add(path)
  try {
    const release = await claimDirectory(directory, path)
    return { release: () => release().finally(() => held.delete(path)) }
  } catch (error) {
    held.delete(path)
    throw error
  }
}

async function claimDirectory(directory: string, path: string): Promise<() => Promise<void>> {
  const database = openLockDatabase(directory, path)
  const slot = database.useReadTransaction()
  // The slot is taken by the first read, not before.
  database.get(ownerKey, { transaction: slot })
  const owner = claim(database)
  const release = async () => {
    slot.done()
    await database.close()
  }
  if (owner === undefined) return release
  await release()
  throw inUse(directory, owner)
}

function openLockDatabase(directory: string, path: string): RootDatabase<string, string> {
  try {
    return open({
      path: join(path, 'lock.mdb'),
      noSubdir: true,
      encoding: 'string',
      overlappingSync: false,
      maxDbs: 1,
      maxReaders: 32,
    })
  } catch (error) {
    throw new ActorError(
      'STORE_UNAVAILABLE',
      `Cannot lock the data directory ${directory}: ${(error as Error).message}. It must be on a local, writable file system.`,
      {},
      error,
    )
  }
}

/** The process that has the directory, or undefined once it is this one. */
function claim(database: RootDatabase<string, string>): number | undefined {
  return database.transactionSync(() => {
    database.readerCheck()
    const owner = Number(database.get(ownerKey))
    const living = livingReaders(database.readerList() as string)
    const self = living.indexOf(process.pid)
    // In another container the owner may have the very same process id: then there are two slots with it.
    if (self !== -1) living.splice(self, 1)
    if (living.includes(owner)) return owner
    database.put(ownerKey, String(process.pid))
    return undefined
  })
}

/** LMDB's table has a heading, then a line a slot: process id, thread, transaction. */
function livingReaders(list: string): number[] {
  return [...list.matchAll(/^\s*(\d+)\s+[0-9a-f]+\s/gm)].map((line) => Number(line[1]))
}

function inUse(directory: string, pid: number): ActorError {
  return new ActorError(
    'REFUSED',
    `The data directory ${directory} is in use by process ${pid}. Stop that process, or start with another directory.`,
    { reason: 'DIRECTORY_IN_USE' },
  )
}
