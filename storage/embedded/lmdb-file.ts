import { closeSync, openSync, readSync } from 'node:fs'
import { ActorError } from '../../runtime/index.js'

/** Where each of the two meta pages, at 0 and one page later, holds LMDB's mark. */
const MAGIC_OFFSET = 24
const MAGIC = 0xbeefc0de
const PAGE_BYTES = [4096, 8192, 16_384, 32_768, 65_536]

/**
 * Throws CORRUPT for a file that LMDB did not write: it maps whatever it is given, and ends the process on it. A
 * missing or empty file is one that LMDB has yet to make.
 */
export function checkLmdbFile(path: string): void {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const mark = Buffer.alloc(4)
    const isMarked = (page: number) =>
      readSync(file, mark, 0, mark.length, page + MAGIC_OFFSET) === mark.length && mark.readUInt32LE(0) === MAGIC
    if (readSync(file, mark, 0, 1, 0) === 0 || isMarked(0) || PAGE_BYTES.some(isMarked)) return
  } finally {
    closeSync(file)
  }
  throw new ActorError('CORRUPT', `${path} is not a database of this program. Restore it from a backup.`)
}
