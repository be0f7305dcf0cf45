import { isIP } from 'node:net'
import { availableParallelism, hostname } from 'node:os'
import type { NodeRole } from '../runtime/index.js'
import { isEveryAddress, isLoopback, type Setting, WrongValue } from './setting.js'
import { settingTable } from './setting-table.js'

type Table = typeof settingTable
type ValueOf<S> = S extends Setting<infer T> ? T : never
/** What was given or is the default, before settings are seen together. */
type Values = { readonly [K in keyof Table]: ValueOf<Table[K]> }

/** Certificate and key of the HTTP port. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** How login codes leave the server. */
export type LoginCodeSettings =
  | { readonly driver: 'console' }
  | { readonly driver: 'webhook'; readonly url: string; readonly secret: string | undefined }

/** The Redis that caches are kept in. */
export interface RedisSettings {
  readonly url: string
  readonly passwordFile: string | undefined
  readonly tlsCaFile: string | undefined
  readonly timeoutMs: number
}

type Grouped =
  | 'advertisedHost'
  | 'maxConnectionsPerAddress'
  | 'testNumbers'
  | 'tlsCertFile'
  | 'tlsKeyFile'
  | 'loginCodeDriver'
  | 'loginCodeWebhookUrl'
  | 'loginCodeWebhookSecret'
  | 'migrateAtStart'
  | 'cassandra'
  | 'cassandraPasswordFile'
  | 'cassandraTlsCaFile'
  | 'postgresServers'
  | 'postgresPasswordFile'
  | 'redisUrl'
  | 'redisPasswordFile'
  | 'redisTlsCaFile'
  | 'redisTimeoutMs'
  | 'nats'
  | 'natsCredentialsFile'
  | 'natsTlsCaFile'
  | 'cluster'
  | 'node'
  | 'roles'
  | 'weight'
  | 'nodeHost'
  | 'nodePort'
  | 'nodeAdvertisedHost'
  | 'nodeTlsCaFile'
  | 'nodeTlsCertFile'
  | 'nodeTlsKeyFile'

/** What makes this process a node among others. */
export interface ClusterSettings {
  readonly name: string
  readonly node: string
  readonly roles: readonly NodeRole[]
  readonly weight: number
  readonly nats: {
    readonly url: string
    readonly credentialsFile: string | undefined
    readonly tlsCaFile: string | undefined
  }
  readonly listen: { readonly host: string; readonly port: number; readonly advertised: string }
  readonly tls: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | undefined
}

/** Where a store is; the password is in the address or in a file of its own. */
export interface StorePlace {
  readonly address: string
  readonly passwordFile: string | undefined
}

export interface CassandraPlace extends StorePlace {
  readonly tlsCaFile: string | undefined
}

/** All settings of one server, checked and complete. */
export interface Settings extends Omit<Values, Grouped> {
  readonly advertisedHost: string
  readonly maxConnectionsPerAddress: number
  readonly testNumbers: boolean
  readonly migrateAtStart: boolean
  /** Undefined: the data directory holds journals, agenda and ownership. */
  readonly cassandra: CassandraPlace | undefined
  /** Undefined: the data directory holds names and account rows. Set if `cassandra` is. */
  readonly postgres: StorePlace | undefined
  readonly tls: TlsFiles | undefined
  readonly loginCode: LoginCodeSettings
  /** Undefined: the process keeps its caches itself. */
  readonly redis: RedisSettings | undefined
  /** Undefined: this process is alone. `cassandra` is set with it. */
  readonly cluster: ClusterSettings | undefined
}

/** One reason not to start: the setting, what was given, what to give instead. */
export interface SettingProblem {
  readonly env: string
  /** Undefined when nothing was given. */
  readonly value: string | undefined
  readonly cure: string
}

/** The settings given do not make a server. The message holds a line for each problem, with its cure. */
export class SettingsRefused extends Error {
  readonly problems: readonly SettingProblem[]

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map(asLine).join('\n'))
    this.name = 'SettingsRefused'
    this.problems = problems
  }
}

function asLine({ env, value, cure }: SettingProblem): string {
  return value === undefined ? `${env} is not set: ${cure}` : `${env}=${value}: ${cure}`
}

const prefix = 'HELIOGRAPH_'
const entries = Object.entries(settingTable) as [keyof Table, Setting<unknown>][]

/**
 * Reads the settings from an environment. Every problem is reported, not only the first.
 *
 * @throws SettingsRefused
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = (env: string) => (environment[env] === '' ? undefined : environment[env])
  const problems: SettingProblem[] = unknownNames(environment)
  const values: Partial<Record<keyof Table, unknown>> = {}
  for (const [key, setting] of entries) {
    const text = given(setting.env)
    try {
      values[key] = text === undefined ? setting.default : setting.parse(text)
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error
      problems.push({ env: setting.env, value: setting.secret ? '...' : text, cure: error.message })
      values[key] = setting.default
    }
  }
  const complete = values as Values
  problems.push(...brokenRelations(complete).filter(({ env }) => !problems.some((known) => known.env === env)))
  if (problems.length > 0) throw new SettingsRefused(problems)
  return settled(complete)
}

function settled(values: Values): Settings {
  const { advertisedHost, testNumbers, migrateAtStart, tlsCertFile, tlsKeyFile, ...rest } = values
  const { loginCodeDriver, loginCodeWebhookUrl, loginCodeWebhookSecret, ...others } = rest
  const { redisUrl, redisPasswordFile, redisTlsCaFile, redisTimeoutMs, ...more } = others
  const { cassandra, cassandraPasswordFile, cassandraTlsCaFile, ...rows } = more
  const { postgresServers, postgresPasswordFile, ...most } = rows
  const { nats, natsCredentialsFile, natsTlsCaFile, cluster, node, roles, weight, ...nearly } = most
  const { nodeHost, nodePort, nodeAdvertisedHost, nodeTlsCaFile, nodeTlsCertFile, nodeTlsKeyFile, ...plain } = nearly
  const journals = placeOf(cassandra, cassandraPasswordFile)
  const isWebhook = loginCodeDriver === 'webhook' && loginCodeWebhookUrl !== undefined
  return {
    ...plain,
    advertisedHost: advertisedHost ?? values.host,
    maxConnectionsPerAddress: values.maxConnectionsPerAddress ?? Math.min(10_000, values.maxConnections),
    testNumbers: testNumbers ?? isLoopback(values.host),
    migrateAtStart: migrateAtStart ?? isLoopback(values.host),
    tls: tlsCertFile && tlsKeyFile ? { certFile: tlsCertFile, keyFile: tlsKeyFile } : undefined,
    loginCode: isWebhook
      ? { driver: 'webhook', url: loginCodeWebhookUrl, secret: loginCodeWebhookSecret }
      : { driver: 'console' },
    cassandra: journals && { ...journals, tlsCaFile: cassandraTlsCaFile },
    postgres: placeOf(postgresServers, postgresPasswordFile),
    cluster: clusterOf(values),
    redis:
      redisUrl === undefined
        ? undefined
        : { url: redisUrl, passwordFile: redisPasswordFile, tlsCaFile: redisTlsCaFile, timeoutMs: redisTimeoutMs },
  }
}

function clusterOf(values: Values): ClusterSettings | undefined {
  const { nats, nodeHost: host, nodeTlsCaFile, nodeTlsCertFile, nodeTlsKeyFile } = values
  if (nats === undefined) return undefined
  const [machine = 'node'] = hostname().split('.')
  const isTls = nodeTlsCaFile !== undefined && nodeTlsCertFile !== undefined && nodeTlsKeyFile !== undefined
  return {
    name: values.cluster,
    node: values.node ?? machine.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 63),
    roles: values.roles === 'both' ? ['gateway', 'actors'] : [values.roles],
    weight: values.weight ?? availableParallelism(),
    nats: { url: nats, credentialsFile: values.natsCredentialsFile, tlsCaFile: values.natsTlsCaFile },
    listen: {
      host,
      port: values.nodePort,
      advertised: values.nodeAdvertisedHost ?? (isEveryAddress(host) ? hostname() : host),
    },
    tls: isTls ? { caFile: nodeTlsCaFile, certFile: nodeTlsCertFile, keyFile: nodeTlsKeyFile } : undefined,
  }
}

function placeOf(address: string | undefined, passwordFile: string | undefined): StorePlace | undefined {
  return address === undefined ? undefined : { address, passwordFile }
}

/** What must hold between settings; each entry names the setting to change. */
function brokenRelations(values: Values): SettingProblem[] {
  const problem = (key: keyof Table, cure: string): SettingProblem => {
    const value = values[key]
    const shown = settingTable[key].secret ? '...' : String(value)
    return { env: settingTable[key].env, value: value === undefined ? undefined : shown, cure }
  }
  const problems: SettingProblem[] = []
  const { host, mtprotoPort, httpPort } = values

  if (values.advertisedHost === undefined && isEveryAddress(host))
    problems.push(
      problem(
        'advertisedHost',
        `with HELIOGRAPH_HOST=${host} clients must be told one address to dial: set it to the IP address at which they reach this machine`,
      ),
    )
  else if (values.advertisedHost === undefined && isIP(host) === 0)
    problems.push(
      problem(
        'host',
        'clients cannot look up a name: give an IP address (127.0.0.1), or set HELIOGRAPH_ADVERTISED_HOST to one',
      ),
    )
  if (mtprotoPort !== 0 && mtprotoPort === httpPort)
    problems.push(problem('httpPort', 'HELIOGRAPH_MTPROTO_PORT is the same: give two different ports'))
  if (values.tlsCertFile !== undefined && values.proxies.length > 0)
    problems.push(problem('tlsCertFile', 'give the certificate to the proxy of HELIOGRAPH_PROXY_PROTOCOL_FROM instead'))
  if (values.tlsCertFile === undefined && values.tlsKeyFile !== undefined)
    problems.push(problem('tlsCertFile', 'HELIOGRAPH_TLS_KEY_FILE is set: give both files or neither'))
  if (values.tlsKeyFile === undefined && values.tlsCertFile !== undefined)
    problems.push(problem('tlsKeyFile', 'HELIOGRAPH_TLS_CERT_FILE is set: give both files or neither'))
  if (values.loginCodeDriver === 'webhook' && values.loginCodeWebhookUrl === undefined)
    problems.push(
      problem(
        'loginCodeWebhookUrl',
        'HELIOGRAPH_LOGIN_CODE_DRIVER=webhook needs it: give the address to post codes to',
      ),
    )
  const unused = (['loginCodeWebhookUrl', 'loginCodeWebhookSecret'] as const).find((key) => values[key] !== undefined)
  if (values.loginCodeDriver !== 'webhook' && unused)
    problems.push(
      problem('loginCodeDriver', `${settingTable[unused].env} is set but not used: set the driver to webhook`),
    )
  if (values.cassandra !== undefined && values.postgresServers === undefined)
    problems.push(problem('postgresServers', 'HELIOGRAPH_CASSANDRA needs it: give the servers that hold names'))
  if (values.cassandraPasswordFile !== undefined && values.cassandra === undefined)
    problems.push(problem('cassandraPasswordFile', 'is set but not used: give HELIOGRAPH_CASSANDRA, too'))
  if (values.cassandraTlsCaFile !== undefined && !/[?&]tls=(on|ca)\b/.test(values.cassandra ?? ''))
    problems.push(problem('cassandraTlsCaFile', 'is set but not used: give HELIOGRAPH_CASSANDRA with tls=on or tls=ca'))
  if (values.postgresPasswordFile !== undefined && values.postgresServers === undefined)
    problems.push(problem('postgresPasswordFile', 'is set but not used: give HELIOGRAPH_POSTGRES_SERVERS, too'))
  if (values.redisPasswordFile !== undefined && values.redisUrl === undefined)
    problems.push(problem('redisPasswordFile', 'is set but not used: give HELIOGRAPH_REDIS_URL, too'))
  if (values.redisTlsCaFile !== undefined && !values.redisUrl?.startsWith('rediss'))
    problems.push(problem('redisTlsCaFile', 'is set but not used: give HELIOGRAPH_REDIS_URL as rediss...'))
  problems.push(...brokenClusterRelations(values, problem))
  if ((values.maxConnectionsPerAddress ?? 0) > values.maxConnections)
    problems.push(
      problem('maxConnectionsPerAddress', `give at most HELIOGRAPH_MAX_CONNECTIONS, which is ${values.maxConnections}`),
    )
  return problems
}

const ofTheCluster = [
  'natsCredentialsFile',
  'natsTlsCaFile',
  'node',
  'weight',
  'nodeAdvertisedHost',
  'nodeTlsCaFile',
  'nodeTlsCertFile',
  'nodeTlsKeyFile',
] as const

function brokenClusterRelations(
  values: Values,
  problem: (key: keyof Table, cure: string) => SettingProblem,
): SettingProblem[] {
  if (values.nats === undefined) {
    const unused = ofTheCluster.filter((key) => values[key] !== undefined)
    if (values.roles !== 'both') unused.push('roles' as (typeof ofTheCluster)[number])
    return unused.map((key) => problem(key, 'is set but not used: give HELIOGRAPH_NATS, too'))
  }
  const problems: SettingProblem[] = []
  const tls = (['nodeTlsCaFile', 'nodeTlsCertFile', 'nodeTlsKeyFile'] as const).filter(
    (key) => values[key] === undefined,
  )
  if (values.cassandra === undefined)
    problems.push(problem('cassandra', 'HELIOGRAPH_NATS needs it: the nodes of a cluster share what they store'))
  if (tls.length === 1 || tls.length === 2)
    problems.push(...tls.map((key) => problem(key, 'give all three HELIOGRAPH_NODE_TLS_..._FILE or none')))
  const ports = [values.mtprotoPort, values.httpPort]
  if (values.nodePort !== 0 && ports.includes(values.nodePort))
    problems.push(problem('nodePort', 'is one of the ports for clients: give another one'))
  return problems
}

/** Names that `npm run services` and the tests read: who sets them in a shell may start a server there too. */
const ofTheTools = /^HELIOGRAPH_(SERVICES_|TEST_(CASSANDRA|POSTGRES|REDIS|NATS)(_|$))/

function unknownNames(environment: Readonly<Record<string, string | undefined>>): SettingProblem[] {
  const known = entries.map(([, { env }]) => env)
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !ofTheTools.test(name) && !known.includes(name))
    .map((env) => {
      const { distance, nearest } = nearestOf(env, known)
      const isSecret = entries.some(([, setting]) => setting.env === nearest && setting.secret)
      // A slip of the keys; a name that is further away merely shares the prefix.
      const isMeant = distance <= Math.max(2, Math.floor((env.length - prefix.length) / 4))
      return {
        env,
        value: isSecret ? '...' : environment[env],
        cure: `there is no such setting; ${isMeant ? `did you mean ${nearest}?` : 'the README lists all'}`,
      }
    })
}

function nearestOf(name: string, known: readonly string[]): { readonly distance: number; readonly nearest: string } {
  const byDistance = known.map((nearest) => ({ distance: editDistance(name, nearest), nearest }))
  return byDistance.reduce((one, other) => (other.distance < one.distance ? other : one))
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}
