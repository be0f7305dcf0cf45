import { availableParallelism, hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { readSettings, SettingsRefused } from './settings.js'

function problemsOf(environment: Record<string, string>) {
  try {
    readSettings(environment)
  } catch (error) {
    if (error instanceof SettingsRefused) return error.problems
    throw error
  }
  return []
}

describe('what is taken', () => {
  test('an empty environment is a complete server on loopback, with test numbers', () => {
    expect(readSettings({ PATH: '/bin' })).toMatchObject({
      dataDir: './data',
      host: '127.0.0.1',
      mtprotoPort: 4430,
      httpPort: 8080,
      advertisedHost: '127.0.0.1',
      testNumbers: true,
      tls: undefined,
      loginCode: { driver: 'console' },
      signUp: 'automatic',
      redis: undefined,
    })
  })

  test('Redis, with its password in a file', () => {
    const environment = { HELIOGRAPH_REDIS_URL: 'rediss://cache:6380', HELIOGRAPH_REDIS_PASSWORD_FILE: '/run/secret' }
    expect(readSettings(environment).redis).toEqual({
      url: 'rediss://cache:6380',
      passwordFile: '/run/secret',
      tlsCaFile: undefined,
      timeoutMs: 100,
    })
  })

  test('an empty value counts as not given', () => {
    expect(readSettings({ HELIOGRAPH_HOST: '' }).host).toBe('127.0.0.1')
  })

  test('test numbers are off unless asked for once others than this machine can connect', () => {
    expect(readSettings({ HELIOGRAPH_HOST: '192.0.2.7' }).testNumbers).toBe(false)
    expect(readSettings({ HELIOGRAPH_HOST: '192.0.2.7', HELIOGRAPH_TEST_NUMBERS: 'on' }).testNumbers).toBe(true)
    expect(readSettings({ HELIOGRAPH_HOST: '127.0.0.2' }).testNumbers).toBe(true)
  })

  test('a name to listen on is fine when clients are told a literal address', () => {
    const settings = readSettings({ HELIOGRAPH_HOST: 'chat.example', HELIOGRAPH_ADVERTISED_HOST: '192.0.2.7' })
    expect(settings.advertisedHost).toBe('192.0.2.7')
  })
})

describe('a node of a cluster', () => {
  const node = {
    HELIOGRAPH_NATS: 'nats://nats-1',
    HELIOGRAPH_CASSANDRA: 'cassandra://host/heliograph',
    HELIOGRAPH_POSTGRES_SERVERS: 'a=postgres://host/heliograph',
    HELIOGRAPH_NODE: 'actors-1',
  }
  const tls = {
    HELIOGRAPH_NODE_TLS_CA_FILE: '/ca',
    HELIOGRAPH_NODE_TLS_CERT_FILE: '/cert',
    HELIOGRAPH_NODE_TLS_KEY_FILE: '/key',
  }

  test('is one with NATS, alone without', () => {
    expect(readSettings({}).cluster).toBeUndefined()
    expect(readSettings(node).cluster).toEqual({
      name: 'heliograph',
      node: 'actors-1',
      roles: ['gateway', 'actors'],
      weight: availableParallelism(),
      nats: { url: 'nats://nats-1', credentialsFile: undefined, tlsCaFile: undefined },
      listen: { host: '127.0.0.1', port: 4431, advertised: '127.0.0.1' },
      tls: undefined,
    })
    const more = { HELIOGRAPH_ROLES: 'gateway', HELIOGRAPH_WEIGHT: '3', HELIOGRAPH_NODE_HOST: '0.0.0.0' }
    const { cluster } = readSettings({ ...node, ...more, ...tls })
    expect(cluster).toMatchObject({
      roles: ['gateway'],
      weight: 3,
      listen: { host: '0.0.0.0', advertised: hostname() },
      tls: { caFile: '/ca', certFile: '/cert', keyFile: '/key' },
    })
  })

  test('has a name that NATS can carry, also when nobody gave one', () => {
    const { HELIOGRAPH_NODE: _, ...nameless } = node
    expect(readSettings(nameless).cluster?.node).toMatch(/^[A-Za-z0-9_-]{1,63}$/)
    expect(problemsOf({ ...node, HELIOGRAPH_NODE: 'a.b' })).toMatchObject([{ env: 'HELIOGRAPH_NODE', value: 'a.b' }])
  })

  test('shares what it stores, has all files of TLS or none, and a port of its own', () => {
    const { HELIOGRAPH_CASSANDRA: _, ...storeless } = node
    expect(problemsOf(storeless)).toMatchObject([{ env: 'HELIOGRAPH_CASSANDRA' }])
    const { HELIOGRAPH_NODE_TLS_KEY_FILE: __, ...keyless } = tls
    expect(problemsOf({ ...node, ...keyless })).toMatchObject([{ env: 'HELIOGRAPH_NODE_TLS_KEY_FILE' }])
    expect(problemsOf({ ...node, HELIOGRAPH_NODE_PORT: '8080' })).toMatchObject([{ env: 'HELIOGRAPH_NODE_PORT' }])
  })

  test('is what settings of one are for', () => {
    const alone = { HELIOGRAPH_NODE: 'a', HELIOGRAPH_ROLES: 'actors', ...tls }
    expect(
      problemsOf(alone)
        .map(({ env }) => env)
        .sort(),
    ).toEqual(Object.keys(alone).sort())
  })
})

describe('what is refused, with name, value and cure', () => {
  test.each([
    ['HELIOGRAPH_MTPROTO_PORT', '70000', 'whole number from 0 to 65535'],
    ['HELIOGRAPH_MTPROTO_PORT', '44e2', 'whole number'],
    ['HELIOGRAPH_HTTP_PORT', '-1', 'whole number'],
    ['HELIOGRAPH_ADVERTISED_HOST', 'chat.example', 'IP address'],
    ['HELIOGRAPH_ADVERTISED_HOST', '0.0.0.0', 'clients can reach'],
    ['HELIOGRAPH_TEST_NUMBERS', 'yes', 'on or off'],
    ['HELIOGRAPH_LOG_LEVEL', 'verbose', 'trace, debug, info'],
    ['HELIOGRAPH_HOST', 'chat.example', 'HELIOGRAPH_ADVERTISED_HOST'],
    ['HELIOGRAPH_ACTOR_IDLE_AFTER_MS', '5', '(ms)'],
    ['HELIOGRAPH_PROXY_PROTOCOL_FROM', '10.0.0.0/33', 'neither an IP address nor a network'],
  ])('%s=%s', (env, value, cure) => {
    expect(problemsOf({ [env]: value })).toEqual([{ env, value, cure: expect.stringContaining(cure) }])
  })

  test('an address of Redis that is none, without showing what may hold a password', () => {
    expect(problemsOf({ HELIOGRAPH_REDIS_URL: 'http://:word@h' })).toEqual([
      { env: 'HELIOGRAPH_REDIS_URL', value: '...', cure: expect.stringContaining('redis://host:6379') },
    ])
  })

  test('files for a Redis that is not there', () => {
    expect(problemsOf({ HELIOGRAPH_REDIS_PASSWORD_FILE: '/p' })).toMatchObject([
      { env: 'HELIOGRAPH_REDIS_PASSWORD_FILE' },
    ])
    const plain = { HELIOGRAPH_REDIS_URL: 'redis://h', HELIOGRAPH_REDIS_TLS_CA_FILE: '/ca' }
    expect(problemsOf(plain)).toMatchObject([{ env: 'HELIOGRAPH_REDIS_TLS_CA_FILE' }])
  })

  test('an unknown name, with the nearest known one', () => {
    const [problem] = problemsOf({ HELIOGRAPH_MTPROTOPORT: '1' })
    expect(problem).toMatchObject({ env: 'HELIOGRAPH_MTPROTOPORT', value: '1' })
    expect(problem?.cure).toContain('HELIOGRAPH_MTPROTO_PORT?')
    // None is near enough to have been meant.
    expect(problemsOf({ HELIOGRAPH_FOO: '1' })[0]?.cure).not.toContain('did you mean')
  })

  test('an empty value is none', () => {
    expect(readSettings({ HELIOGRAPH_HTTP_PORT: '' })).toEqual(readSettings({}))
  })

  test('several problems are told at once', () => {
    const environment = { HELIOGRAPH_HTTP_PORT: 'x', HELIOGRAPH_SIGN_UP: 'x', HELIOGRAPH_X: 'x' }
    expect(
      problemsOf(environment)
        .map(({ env }) => env)
        .sort(),
    ).toEqual(Object.keys(environment).sort())
  })

  test('a secret is not shown', () => {
    const problems = problemsOf({ HELIOGRAPH_LOGIN_CODE_WEBHOOK_SECRET: 'hush hush' })
    expect(problems).toHaveLength(1)
    expect(new SettingsRefused(problems).message).not.toContain('hush')
    const misspelt = problemsOf({ HELIOGRAPH_LOGIN_CODE_WEBHOOK_SECRT: 'hush hush' })
    expect(misspelt).toHaveLength(1)
    expect(new SettingsRefused(misspelt).message).not.toContain('hush')
  })
})

describe('relations between settings', () => {
  test.each([
    ['every address without an advertised one', { HELIOGRAPH_HOST: '0.0.0.0' }, 'HELIOGRAPH_ADVERTISED_HOST'],
    ['one port for both', { HELIOGRAPH_HTTP_PORT: '4430' }, 'HELIOGRAPH_HTTP_PORT'],
    ['a certificate without its key', { HELIOGRAPH_TLS_CERT_FILE: 'a' }, 'HELIOGRAPH_TLS_KEY_FILE'],
    ['a key without its certificate', { HELIOGRAPH_TLS_KEY_FILE: 'a' }, 'HELIOGRAPH_TLS_CERT_FILE'],
    [
      'the webhook without its address',
      { HELIOGRAPH_LOGIN_CODE_DRIVER: 'webhook' },
      'HELIOGRAPH_LOGIN_CODE_WEBHOOK_URL',
    ],
    ['a secret that is not used', { HELIOGRAPH_LOGIN_CODE_WEBHOOK_SECRET: 's' }, 'HELIOGRAPH_LOGIN_CODE_DRIVER'],
    ['an address that is not used', { HELIOGRAPH_LOGIN_CODE_WEBHOOK_URL: 'https://a' }, 'HELIOGRAPH_LOGIN_CODE_DRIVER'],
    [
      'more an address than in all',
      { HELIOGRAPH_MAX_CONNECTIONS: '5', HELIOGRAPH_MAX_CONNECTIONS_PER_ADDRESS: '6' },
      'HELIOGRAPH_MAX_CONNECTIONS_PER_ADDRESS',
    ],
  ])('%s', (_, environment, env) => {
    expect(problemsOf(environment as Record<string, string>).map((problem) => problem.env)).toEqual([env])
  })

  test('connections an address are at most those in all, without being told', () => {
    expect(readSettings({ HELIOGRAPH_MAX_CONNECTIONS: '5' }).maxConnectionsPerAddress).toBe(5)
    expect(readSettings({}).maxConnectionsPerAddress).toBe(10_000)
  })

  test('two free ports may both be asked for', () => {
    expect(problemsOf({ HELIOGRAPH_MTPROTO_PORT: '0', HELIOGRAPH_HTTP_PORT: '0' })).toEqual([])
  })
})

test('names of `npm run services` and of the tests may stand in the same shell', () => {
  expect(problemsOf({ HELIOGRAPH_SERVICES_DIR: '/tmp', HELIOGRAPH_TEST_POSTGRES: 'postgres://...' })).toEqual([])
  expect(problemsOf({ HELIOGRAPH_TEST_NUMBER: 'on' })).toMatchObject([{ env: 'HELIOGRAPH_TEST_NUMBER' }])
})
