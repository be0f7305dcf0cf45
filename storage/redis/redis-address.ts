/** Where a Redis is, as one URL says it. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** The server, the Sentinels, or some nodes of the cluster. */
  readonly hosts: readonly RedisHost[]
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
  /** The master's name at the Sentinels. */
  readonly name?: string
  /** The number of the database; 0 in a cluster. */
  readonly database: number
}

export interface RedisHost {
  readonly host: string
  readonly port: number
}

const CURE =
  'give redis://host:6379/0, redis+sentinel://host1:26379,host2:26379/name or redis+cluster://host1:6379,host2:6379; rediss... for TLS'

const schemes = new Map<string, Pick<RedisAddress, 'kind' | 'tls'>>([
  ['redis', { kind: 'single', tls: false }],
  ['rediss', { kind: 'single', tls: true }],
  ['redis+sentinel', { kind: 'sentinel', tls: false }],
  ['rediss+sentinel', { kind: 'sentinel', tls: true }],
  ['redis+cluster', { kind: 'cluster', tls: false }],
  ['rediss+cluster', { kind: 'cluster', tls: true }],
])

const defaultPort = { single: 6379, sentinel: 26_379, cluster: 6379 } as const

/**
 * Reads `scheme://[user[:password]@]host[:port][,host[:port]...][/name][/database]`.
 *
 * @throws RangeError whose message is the cure; it never holds the URL, which may hold a password
 */
export function parseRedisUrl(url: string): RedisAddress {
  const match = /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/@?#]+)((?:\/[^/?#]*)*)$/.exec(url)
  const scheme = schemes.get(match?.[1] ?? '')
  if (!match || !scheme) throw new RangeError(CURE)
  const { kind, tls } = scheme
  const hosts = match[3]!.split(',').map((text) => hostOf(text, defaultPort[kind]))
  if (kind === 'single' && hosts.length > 1) throw new RangeError(`for more than one host ${CURE}`)
  const path = match[4]!.split('/').slice(1)
  const name = kind === 'sentinel' ? path.shift() : undefined
  if (kind === 'sentinel' && !name) throw new RangeError(`name the master that the Sentinels watch: ${CURE}`)
  const database = databaseOf(path, kind)
  return { kind, tls, hosts, database, ...credentialsOf(match[2]), ...(name && { name: decoded(name) }) }
}

function hostOf(text: string, otherwise: number): RedisHost {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text)
  const port = match?.[2] === undefined ? otherwise : Number(match[2])
  if (!match || port < 1 || port > 65_535) throw new RangeError(CURE)
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
}

function databaseOf(path: readonly string[], kind: RedisAddress['kind']): number {
  const [text = '', ...rest] = path
  if (rest.length > 0 || !/^\d{0,4}$/.test(text)) throw new RangeError(CURE)
  const database = Number(text)
  if (kind === 'cluster' && database !== 0) throw new RangeError('a cluster has no database but 0: leave it out')
  return database
}

function credentialsOf(text: string | undefined): Pick<RedisAddress, 'username' | 'password'> {
  if (!text) return {}
  const [username = '', ...rest] = text.split(':')
  const password = rest.join(':')
  return { ...(username && { username: decoded(username) }), ...(password && { password: decoded(password) }) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RangeError('write special characters of names and passwords as %XX')
  }
}
