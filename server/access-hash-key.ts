import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../runtime/index.js'

const FILE = 'access-hash.key'
const KEY_BYTES = 32

/**
 * The secret that access hashes are made with, made on the first start: clients store hashes, so it has to last as long
 * as the data beside it. `file` names one that is kept elsewhere, and is never made.
 */
export function loadAccessHashKey(directory: string, random: Random, file?: string): Buffer {
  const path = file ?? join(directory, FILE)
  try {
    const key = readFileSync(path)
    if (file === undefined) chmodSync(path, 0o600)
    if (key.length === KEY_BYTES) return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    if (file !== undefined)
      throw Object.assign(new Error(`${path} is missing`), { cure: 'give the file of 32 secret bytes' })
    const key = random.bytes(KEY_BYTES)
    // Written aside first: a crash must not leave half a key under the name that the next start reads.
    writeFileSync(`${path}.new`, key, { mode: 0o600, flush: true })
    renameSync(`${path}.new`, path)
    return key
  }
  throw Object.assign(new Error(`${path} is not a key of ${KEY_BYTES} bytes`), {
    cure: 'restore it from the backup of the data directory; without it clients must log in anew',
  })
}
