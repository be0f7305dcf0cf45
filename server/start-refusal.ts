import { type ErrorCode, errorCode } from '../runtime/index.js'
import { settingTable } from './setting-table.js'
import { type Settings, SettingsRefused } from './settings.js'

/**
 * The line to print, cure included, when a start failed for a reason that the person who starts the server can mend;
 * undefined for everything else, which is ours to mend. Parts mark their own by an error with a `cure`.
 */
export function startRefusal(error: unknown, settings: Settings): string | undefined {
  if (error instanceof SettingsRefused) return error.message
  if (!(error instanceof Error)) return undefined
  const { code, cure, port, path } = error as ErrorWithCause
  if (storeCodes.includes(errorCode(error))) return `${given('dataDir', settings)}: ${error.message}`
  if (typeof cure === 'string') return `${error.message}: ${cure}`
  if (code === 'EADDRINUSE') return `${given(portKey(port, settings), settings)}: ${inUse}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${given('host', settings)}: ${notOurs}`
  if (code === 'EACCES' && port !== undefined) return `${given(portKey(port, settings), settings)}: ${notAllowed}`
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOTDIR')
    return `${given('dataDir', settings)}: ${path ?? 'it'} cannot be written (${code}): ${giveWritable}`
  return undefined
}

interface ErrorWithCause extends Error {
  readonly code?: unknown
  readonly cure?: unknown
  readonly port?: number
  readonly path?: string
}

/** The storage refuses a directory with the cure in the message. */
const storeCodes: readonly (ErrorCode | undefined)[] = ['REFUSED', 'CORRUPT', 'STORE_UNAVAILABLE']

const inUse = 'something else listens there: stop it, or give another port (0 takes a free one)'
const notOurs = 'this machine has no such address: give one of its own, 127.0.0.1, or 0.0.0.0 for all'
const giveWritable = 'give a folder that this user may write'
const notAllowed = 'this user may not listen there: give a port from 1024 on'

function portKey(port: number | undefined, { httpPort }: Settings): 'httpPort' | 'mtprotoPort' {
  return port === httpPort ? 'httpPort' : 'mtprotoPort'
}

function given(key: 'httpPort' | 'mtprotoPort' | 'host' | 'dataDir', settings: Settings): string {
  return `${settingTable[key].env}=${settings[key]}`
}
