/**
 * docker-compose.yml, the Dockerfile and deploy/ against what the program and scripts/services really use, so that what
 * nobody runs every day does not rot unseen.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { commands } from './cli/commands.js'
import { readNats } from './cluster/nats-place.js'
import { readSettings } from './settings.js'

interface ComposeService {
  readonly image: string
  readonly build?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly hostname?: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks: readonly string[]
  readonly secrets?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly stop_grace_period?: string
}
interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<
    Record<string, { readonly internal?: boolean; readonly ipam?: { readonly config: readonly { subnet: string }[] } }>
  >
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}
type Values = Readonly<Record<string, string | number | boolean>>

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8')
/** The scripts are plain JavaScript: what is taken from them is named here. */
const ofScripts = async <T>(path: string) => (await import(`${root}scripts/services/${path}`)) as T

const text = read('docker-compose.yml')
const compose = parse(text, { merge: true }) as Compose
const services = Object.entries(compose.services)
const named = (pattern: RegExp) => services.filter(([name]) => pattern.test(name)).map(([, service]) => service)
const programs = services.filter(([, { build }]) => build !== undefined)
const natsNames = services.map(([name]) => name).filter((name) => name.startsWith('nats-'))

/** Everything that has to be given from outside, as somebody might give it. */
const given: Readonly<Record<string, string>> = {
  SECRETS_DIR: '/run/heliograph-secrets',
  ADVERTISED_HOST: '192.0.2.10',
  LOGIN_CODE_WEBHOOK_URL: 'https://codes.example/send',
  LOGIN_CODE_WEBHOOK_SECRET: 'word',
}
const filledIn = (value: string) =>
  String(value).replace(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => given[name] ?? '')

describe('the topology', () => {
  test('is the one of production in small', () => {
    const names = services.map(([name]) => name)
    const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length
    expect(count(/^cassandra-\d$/)).toBe(3)
    expect(count(/^nats-\d$/)).toBe(3)
    expect(count(/^sentinel-\d$/)).toBe(3)
    expect(names).toEqual(
      expect.arrayContaining(['haproxy', 'postgres-primary', 'postgres-standby', 'redis-primary', 'redis-replica']),
    )
    expect([count(/^gateway-\d$/), count(/^actor-node-\d$/)]).toEqual([2, 3])
  })

  test('has a health check for each process, and a volume of its own for each that keeps something', () => {
    const unchecked = services.filter(([, { healthcheck, build }]) => healthcheck === undefined && build === undefined)
    expect(unchecked.map(([name]) => name)).toEqual([])
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK[\s\S]*\/readyz/m)

    const keepsNothing = /^(haproxy|redis-)/
    const kept = services.filter(([name]) => !keepsNothing.test(name))
    const volumesOf = ({ volumes = [] }: ComposeService) =>
      volumes.map((each) => each.split(':')[0]!).filter((source) => !source.startsWith('.'))
    expect(kept.map(([, service]) => volumesOf(service))).toEqual(kept.map(([name]) => [name]))
    expect(Object.keys(compose.volumes).sort()).toEqual(kept.map(([name]) => name).sort())
  })

  test('lets the outside reach HAProxy alone', () => {
    expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['haproxy'])
    const stores = named(/^(cassandra|nats|postgres|redis|sentinel)-/)
    for (const { networks } of stores) expect(networks).toEqual(['stores'])
    expect(compose.networks.stores?.internal).toBe(true)
  })

  test('names only files and services that are there', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.filter((each) => each.startsWith('./')))
    for (const each of mounted) expect(read(each.split(':')[0]!.slice(2)).length).toBeGreaterThan(0)
    for (const [, { depends_on = {} }] of services)
      for (const name of Object.keys(depends_on)) expect(compose.services).toHaveProperty(name)
    const routes = [...read('deploy/nats.conf').matchAll(/nats:\/\/(nats-\d):/g)].map(([, name]) => name)
    expect(routes).toEqual(['nats-1', 'nats-2', 'nats-3'])
    for (const [name, { command }] of services.filter(([each]) => each.startsWith('nats-')))
      expect(command).toContain(name)
  })
})

describe('secrets', () => {
  test('are files, or asked for by name: none is in the file', () => {
    const isSecret = /PASSWORD|SECRET|TOKEN$|_KEY/
    const entries = services.flatMap(([, { environment = {} }]) => Object.entries(environment))
    const secrets = entries.filter(([name]) => isSecret.test(name))
    expect(secrets.length).toBeGreaterThan(0)
    for (const [name, value] of secrets) expect(`${name}=${value}`).toMatch(/_FILE=\/run\/secrets\/|=\$\{\w+:\?/)
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\$\{SECRETS_DIR:\?/)
    for (const [, { secrets: used = [] }] of services)
      for (const name of used) expect(compose.secrets).toHaveProperty(name)
  })
})

describe('the program finds Redis', () => {
  test('at the Sentinels, by the name that they watch, with the password that Redis asks for', () => {
    const sentinels = services.map(([name]) => name).filter((name) => name.startsWith('sentinel-'))
    const [, watched] = /^sentinel monitor (\S+) /m.exec(read('deploy/redis/sentinel.sh'))!
    for (const [, { environment = {}, secrets = [] }] of programs) {
      const { redis } = readSettings(
        Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, filledIn(value)])),
      )
      expect(redis?.url).toBe(`redis+sentinel://${sentinels.map((name) => `${name}:26379`).join(',')}/${watched}`)
      expect(redis?.passwordFile).toBe('/run/secrets/redis-password')
      expect(secrets).toContain('redis-password')
    }
  })
})

describe('the servers are those of scripts/services', () => {
  test('in their versions', async () => {
    const { versions } = await ofScripts<{ versions: Record<string, { image?: string }> }>('versions.mjs')
    const images = (pattern: RegExp) => new Set(named(pattern).map(({ image }) => image))
    expect(images(/^cassandra-/)).toEqual(new Set([versions.cassandra?.image]))
    expect(images(/^postgres-/)).toEqual(new Set([versions.postgres?.image]))
    expect(images(/^(redis|sentinel)-/)).toEqual(new Set([versions.redis?.image]))
    expect(images(/^nats-/)).toEqual(new Set([versions.nats?.image]))
    expect(images(/^haproxy$/)).toEqual(new Set([versions.haproxy?.image]))
  })

  test('Cassandra: in tokens, snitch, Paxos and commit log', async () => {
    const { sharedSettings } = await ofScripts<{ sharedSettings: Values }>('cassandra-files.mjs')
    for (const { environment = {} } of named(/^cassandra-/)) {
      const byProperty = environment.JVM_EXTRA_OPTS!.matchAll(/-Dcassandra\.settings\.(\w+)=(\S+)/g)
      const settings = {
        num_tokens: environment.CASSANDRA_NUM_TOKENS,
        endpoint_snitch: environment.CASSANDRA_ENDPOINT_SNITCH,
        ...Object.fromEntries([...byProperty].map(([, name, value]) => [name, value])),
      }
      expect(settings).toEqual(asText(sharedSettings))
      expect(environment.JVM_EXTRA_OPTS).toContain('-Dcassandra.config.allow_system_properties=true')
    }
  })

  test('PostgreSQL: commits wait for the standby', async () => {
    const { primarySettings, standbyName, administrator, database } = await ofScripts<{
      primarySettings: Values
      standbyName: string
      administrator: string
      database: string
    }>('postgres.mjs')
    const [primary] = named(/^postgres-primary$/)
    expect(primary!.command).toContain(`synchronous_commit=${primarySettings.synchronous_commit}`)
    const names = `synchronous_standby_names = '${primarySettings.synchronous_standby_names}'`
    expect(read('deploy/postgres/replication.sh')).toContain(names)
    expect(read('deploy/postgres/standby.sh')).toContain(`cluster_name=${standbyName}`)
    expect(primary!.environment).toMatchObject({ POSTGRES_USER: administrator, POSTGRES_DB: database })
  })

  test('PostgreSQL: the program is no superuser, and leaves connections free', async () => {
    const { connectionLimit, user } = await ofScripts<{ connectionLimit: number; user: string }>('postgres.mjs')
    expect(read('deploy/postgres/program-role.sh')).toContain(
      `CREATE ROLE ${user} WITH LOGIN PASSWORD :'password' CONNECTION LIMIT ${connectionLimit} `,
    )
    const [primary] = named(/^postgres-primary$/)
    expect(primary!.volumes!.join()).toContain('program-role.sh:/docker-entrypoint-initdb.d/')
    for (const [, { environment = {} }] of programs)
      for (const [, name] of environment.HELIOGRAPH_POSTGRES_SERVERS!.matchAll(/postgres:\/\/(\w+)@/g))
        expect(name).toBe(user)
    expect(connectionLimit).toBeLessThanOrEqual(100 - 3 - 10)
  })

  test('Redis: in its bounds, and under the same name for sentinels', async () => {
    const { sharedSettings, primaryName, quorum } = await ofScripts<{
      sharedSettings: Values
      primaryName: string
      quorum: number
    }>('redis.mjs')
    for (const [name, value] of Object.entries(asText(sharedSettings)))
      expect(read('deploy/redis/server.sh')).toContain(`\n${name} ${value || '""'}\n`)
    expect(read('deploy/redis/sentinel.sh')).toMatch(
      new RegExp(`sentinel monitor ${primaryName} \\S+ \\S+ ${quorum}\\n`),
    )
  })
})

describe('the program', () => {
  test('starts with the settings that it is given', () => {
    for (const [name, { environment = {}, stop_grace_period, secrets = [], networks }] of programs) {
      const filled = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, filledIn(value)]))
      const settings = readSettings({ ...filled, HELIOGRAPH_DATA_DIR: '/data' })
      expect(settings.testNumbers).toBe(false)
      expect(settings.proxies).toEqual(compose.networks.front!.ipam!.config.map(({ subnet }) => subnet))
      expect(settings.cluster).toMatchObject({ node: name, listen: { host: '0.0.0.0', advertised: name } })
      expect(settings.cluster?.roles).toEqual([name.startsWith('gateway') ? 'gateway' : 'actors'])
      expect(readNats(settings.cluster!.nats.url).servers).toEqual(natsNames.map((each) => `nats://${each}:4222`))
      for (const file of [settings.serverKeyFile, settings.accessHashKeyFile])
        expect(secrets.map((each) => `/run/secrets/${each}`)).toContain(file)
      // Actors call the webhook; HAProxy calls gateways.
      expect(networks).toEqual(name.startsWith('gateway') ? ['front', 'stores'] : ['stores', 'outside'])
      expect(Number.parseInt(stop_grace_period!, 10) * 1000).toBeGreaterThan(settings.stopGraceMs)
    }
  })

  test('listens where HAProxy, the ports and the Dockerfile say', () => {
    const { mtprotoPort, httpPort } = readSettings({})
    const targets = [
      ...read('deploy/haproxy.cfg').matchAll(/^ {2}server (\S+) (\S+):(\d+) check(?: port (\d+))? send-proxy-v2$/gm),
    ]
    const behind = (port: number) => targets.filter(([, , , each]) => Number(each) === port).map(([, , host]) => host)
    const gateways = programs.map(([name]) => name).filter((name) => name.startsWith('gateway'))
    expect(behind(mtprotoPort)).toEqual(gateways)
    // WebSockets, and single requests.
    expect(behind(httpPort)).toEqual([...gateways, ...gateways])
    for (const [, , , , checked] of targets) if (checked !== undefined) expect(Number(checked)).toBe(httpPort)
    expect(compose.services.haproxy!.ports).toEqual([`${mtprotoPort}:${mtprotoPort}`, `${httpPort}:${httpPort}`])
    expect(read('Dockerfile')).toContain(`\nEXPOSE ${mtprotoPort} ${httpPort}\n`)
  })

  test("has the operators' commands in its image, as the guide calls them", () => {
    const calls = [
      ...read('docs/operations.md').matchAll(/^docker compose exec (\S+) node dist\/server\/cli\/main\.js (\S+)/gm),
    ]
    expect(calls.map(([, , command]) => command)).toEqual(['schema', 'shards', 'help'])
    for (const [, service, command] of calls) {
      expect(programs.map(([name]) => name)).toContain(service)
      expect([...commands.keys(), 'help']).toContain(command)
    }
    const dockerfile = read('Dockerfile')
    expect(dockerfile).toContain('COPY --from=build /app/dist dist\n')
    expect(dockerfile).not.toMatch(/rm -rf .*dist\/server/)
  })

  test('is built on a Node that it supports, and does not run as root', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }
    expect(engines.node).toBe('>=20.11 <23')
    const dockerfile = read('Dockerfile')
    expect(new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image))).toEqual(
      new Set(['node:22-bookworm-slim']),
    )
    expect(dockerfile).toMatch(/^USER [1-9]\d*$/m)
  })
})

/** Which program understands compose files here; undefined where none is installed. */
const composeCommand = [['docker', 'compose'], ['docker-compose']].find(
  ([command, ...args]) => spawnSync(command!, [...args, 'version']).status === 0,
)
const configured = (env: Readonly<Record<string, string>>) => {
  const [command, ...args] = composeCommand!
  const options = ['--file', `${root}docker-compose.yml`, 'config', '--quiet']
  return spawnSync(command!, [...args, ...options], { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' })
}

// Where there is no such program the checks above are all; they do not depend on it.
if (composeCommand !== undefined)
  test('docker compose takes the file, and asks for what it is not given', () => {
    const { stderr, status } = configured(given)
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    const { SECRETS_DIR: _, ...rest } = given
    expect(configured(rest).stderr).toContain('SECRETS_DIR')
  })

function asText(values: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}
