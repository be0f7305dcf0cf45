import { ActorError } from '../../runtime/index.js'

export interface ServerAddress {
  /** How operators and logs call it: lower-case letters, digits, dashes. */
  readonly name: string
  readonly url: string
  /** Read-only copies, which may lag behind. */
  readonly replicas?: readonly string[]
}

const ENTRY = /^([a-z0-9][a-z0-9-]{0,30})=(.+)$/

/**
 * Reads `name=url` for each server, with a `|` between a primary and its replicas, and white space between servers:
 * `a=postgres://10.0.0.1/heliograph|postgres://10.0.0.2/heliograph b=postgres://10.0.0.3/heliograph`.
 * Throws REFUSED (BAD_SERVERS); the message shows no password.
 */
export function readServerList(text: string): readonly ServerAddress[] {
  const servers = text
    .split(/\s+/)
    .filter((entry) => entry !== '')
    .map(readEntry)
  if (servers.length === 0) refuseList('there is none')
  const twice = servers.find(({ name }, at) => servers.findIndex((other) => other.name === name) !== at)
  if (twice) refuseList(`${twice.name} is there twice`)
  return servers
}

function readEntry(entry: string, at: number): ServerAddress {
  const [, name, urls] = ENTRY.exec(entry) ?? []
  if (!name || !urls) return refuseList(`the entry ${at + 1} is no name=postgres://...`)
  const [url, ...replicas] = urls.split('|')
  for (const each of [url, ...replicas])
    if (!isPostgresUrl(each)) refuseList(`an address of ${name} is no postgres://...`)
  return replicas.length > 0 ? { name, url: url!, replicas } : { name, url: url! }
}

function isPostgresUrl(text: string | undefined): boolean {
  try {
    return /^postgres(ql)?:$/.test(new URL(text ?? '').protocol)
  } catch {
    return false
  }
}

function refuseList(problem: string): never {
  throw new ActorError('REFUSED', `Servers of PostgreSQL: ${problem}`, { reason: 'BAD_SERVERS' })
}
