import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ActorError } from '../../runtime/index.js'
import { lockDirectory } from './directory-lock.js'

/**
 * The data directory: who may read it, who has it open, and in which format it is.
 *
 * | file | what it is |
 * |---|---|
 * | `format.json` | `{ "format": 1 }`: the version of everything here, written before the data |
 * | `data.mdb` | the store (keys.ts, records.ts) |
 * | `lock.mdb` | who has the directory open (directory-lock.ts) |
 */
export interface DataDirectory {
  readonly path: string
  readonly dataPath: string
  /** The version that the directory had when it was opened; it has `currentFormat` now. */
  readonly openedFormat: number
  release(): Promise<void>
}

/** The format that this program writes. Each earlier one has a fixture in storage/fixtures/ and a step in `migrations`. */
export const currentFormat = 1

/** The steps that bring a directory from the format of that index to the next; the fixtures of each format try them. */
const migrations: Readonly<Record<number, (path: string) => void>> = {}

/**
 * Creates the directory where there is none (readable by its owner only), takes it for this process and brings its
 * format up to date. Rejects with REFUSED (reasons DIRECTORY_IN_USE, FORMAT_TOO_NEW, NOT_A_DIRECTORY, CANNOT_BE_MADE) or CORRUPT; the
 * message has the cure.
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw refused(`${path} is not a directory. Choose another one.`, 'NOT_A_DIRECTORY')
  }
  makeDirectory(path)
  const lock = await lockDirectory(path)
  try {
    const openedFormat = bringUpToDate(path)
    return { path, dataPath: join(path, 'data.mdb'), openedFormat, release: () => lock.release() }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/**
 * As `openDataDirectory`, for reading what is there: a directory without data is REFUSED (reason NO_DATA), and so is one of
 * an older format (FORMAT_TOO_OLD), which this does not change.
 */
export async function openExistingDirectory(path: string): Promise<DataDirectory> {
  if (!existsSync(join(path, 'data.mdb'))) {
    throw refused(`${path} holds no data of Heliograph. Name the directory that HELIOGRAPH_DATA_DIR named.`, 'NO_DATA')
  }
  const format = readFormat(path) ?? currentFormat
  if (format < currentFormat) {
    const cure = 'Start this version of Heliograph on it once.'
    throw refused(`The data directory ${path} has format ${format}, which is older. ${cure}`, 'FORMAT_TOO_OLD')
  }
  return openDataDirectory(path)
}

/** Folder by folder: Node's own recursion never ends where the system takes no folders (`/proc`). */
function makeDirectory(path: string): void {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const at of missing) {
    try {
      mkdirSync(at, { mode: 0o700 })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') continue
      throw refused(
        `${at} cannot be made (${code}). Choose a folder that this user may make or write.`,
        'CANNOT_BE_MADE',
      )
    }
  }
}

/** LMDB makes its files by the process's umask: close them to others. */
export function protectFile(path: string): void {
  chmodSync(path, 0o600)
}

function bringUpToDate(path: string): number {
  const stored = readFormat(path)
  if (stored === undefined) {
    writeFormat(path, currentFormat)
    return currentFormat
  }
  if (stored > currentFormat) {
    throw refused(
      `The data directory ${path} has format ${stored}; this program knows formats up to ${currentFormat}. ` +
        'Start a newer version of Heliograph, or restore a backup that this one made.',
      'FORMAT_TOO_NEW',
    )
  }
  for (let format = stored; format < currentFormat; format++) {
    migrations[format]?.(path)
    writeFormat(path, format + 1)
  }
  return stored
}

function readFormat(path: string): number | undefined {
  let text: string
  try {
    text = readFileSync(join(path, 'format.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const format = parseFormat(text)
  if (format !== undefined) return format
  throw new ActorError('CORRUPT', `${join(path, 'format.json')} does not say a format. Restore it from a backup.`)
}

function parseFormat(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown }
    return Number.isSafeInteger(format) && (format as number) > 0 ? (format as number) : undefined
  } catch {
    return undefined
  }
}

function writeFormat(path: string, format: number): void {
  const temporary = join(path, 'format.json.new')
  const file = openSync(temporary, 'w', 0o600)
  writeSync(file, `{ "format": ${format} }\n`)
  fsyncSync(file)
  closeSync(file)
  renameSync(temporary, join(path, 'format.json'))
  syncDirectory(path)
}

/** Makes a rename durable, where the system allows it. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

function refused(message: string, reason: string): ActorError {
  return new ActorError('REFUSED', message, { reason })
}
