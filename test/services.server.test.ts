/**
 * U1, U2 and U4 of scripts/services/service.mjs, P1 and P2 of places.mjs, and S1-S3 of test/services.ts, on the real
 * servers.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { projectRoot } from './harness/project-root.js'
import {
  killAbandoned,
  type PrivateService,
  type ServiceName,
  serviceAddress,
  serviceUrl,
  sharedService,
  startPrivateService,
} from './services.js'

const startMs = 600_000

const started: PrivateService[] = []
async function start(...args: Parameters<typeof startPrivateService>): Promise<PrivateService> {
  const service = await startPrivateService(...args)
  started.push(service)
  return service
}
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(started.splice(0).map((service) => service.dispose()))
}, startMs)

describe.each<ServiceName>(['cassandra', 'postgres', 'redis'])('%s', (name) => {
  test('the shared one answers where tests look for it', () => {
    const { host, port } = sharedService(name).members[0]!
    expect(serviceAddress(name)).toEqual({ host, port })
    expect(serviceUrl(name)).toContain(`${host}:${port}`)
  })

  test(
    'a private one is frozen, killed, started again at the same address and stopped, apart from the shared one',
    async () => {
      const service = await start(name)
      const [first] = service.members
      expect(await service.states()).toEqual(['up'])
      expect(sharedService(name).members[0]!.pid).not.toBe(first!.pid)

      await service.restart()
      expect(service.members, 'U1: a second `up` changes nothing').toEqual([first])

      service.freeze()
      expect(await service.states()).toEqual(['silent'])
      service.thaw()
      expect(await service.states()).toEqual(['up'])

      await service.kill9()
      expect(await service.states()).toEqual(['down'])
      await service.restart()
      expect(await service.states()).toEqual(['up'])
      expect(service.members[0], 'P1: the same address').toMatchObject({ host: first!.host, ports: first!.ports })
      expect(service.members[0]!.pid).not.toBe(first!.pid)

      await service.stop()
      expect(await service.states(), 'U4: no process is left').toEqual(['down'])
    },
    startMs,
  )
})

test.each<[ServiceName, number]>([
  ['postgres-standby', 2],
  ['redis-sentinel', 5],
  ['redis-cluster', 3],
])(
  '%s: its %i members find each other (U2), again after one was killed',
  async (name, count) => {
    const service = await start(name)
    expect(await service.states()).toEqual(Array(count).fill('up'))
    await service.kill9(service.members[1]!.role)
    expect(await service.states()).toContain('down')
    await service.restart()
    expect(await service.states()).toEqual(Array(count).fill('up'))
  },
  startMs,
)

test(
  'S3: a server whose start has not ended is ended with the process, and so is its start',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'heliograph-abandoned-'))
    const inDir = () => readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid) && commandLine(pid).includes(dir))
    try {
      const outcome = startPrivateService('postgres-standby', { dir }).then(
        () => 'started',
        () => 'ended',
      )
      const path = join(dir, 'postgres-standby', 'service.json')
      await vi.waitUntil(() => existsSync(path), startMs)
      killAbandoned()
      expect(await outcome).toBe('ended')
      await vi.waitUntil(() => inDir().length === 0, 20_000)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  },
  startMs,
)

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended
  }
}

test(
  '`npm test` fails when a server is missing, with one line that names what brings it',
  () => {
    const empty = mkdtempSync(join(tmpdir(), 'heliograph-nothing-'))
    try {
      const env = {
        ...process.env,
        HELIOGRAPH_SERVICES_FROM: 'packages',
        HELIOGRAPH_SERVICES_DIR: join(empty, 'services'),
        HELIOGRAPH_SERVICES_CACHE_DIR: join(empty, 'cache'),
      }
      const { status, stderr } = spawnSync(process.execPath, ['scripts/test.mjs'], {
        cwd: projectRoot(),
        env,
        encoding: 'utf8',
      })
      expect(stderr).toMatch(/^Cassandra .*missing: run .*npm run services -- install cassandra\n$/)
      expect(status).toBe(1)
    } finally {
      rmSync(empty, { recursive: true, force: true })
    }
  },
  startMs,
)

test('P2: servers that start at the same moment get ports of their own', async () => {
  const services = await Promise.all([start('redis'), start('redis'), start('redis')])
  expect(new Set(services.map(({ url }) => url)).size).toBe(3)
  for (const service of services) expect(await service.states()).toEqual(['up'])
})

/** Stands in for an engine: takes the calls that we make, and runs the server of the compose file as a process. */
const standInForDocker = `#!/usr/bin/env node
const { execFileSync, spawnSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const args = process.argv.slice(2)
if (args[0] === 'info' || args[1] === 'version') process.exit(0)
const [server] = Object.values(JSON.parse(readFileSync(args[args.indexOf('--file') + 1], 'utf8')).services)
const port = server.ports[0].split(':')[1]
if (args.includes('down')) spawnSync('redis-cli', ['-p', port, 'shutdown', 'nosave'])
else execFileSync(server.command[0], [...server.command.slice(1), '--port', port, '--bind', '127.0.0.1', '--daemonize', 'yes'])
`

test('where an engine runs, a single server is a container with the same settings, published on loopback', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'heliograph-container-'))
  writeFileSync(join(dir, 'docker'), standInForDocker, { mode: 0o755 })
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, HELIOGRAPH_SERVICES_FROM: '' }
  const services = (...args: string[]) =>
    execFileSync(process.execPath, ['scripts/services.mjs', ...args, '--dir', dir, '--slot', '70'], {
      env,
      encoding: 'utf8',
    })
  const states = () => (JSON.parse(services('status', '--json')) as { members: { state: string }[] }).members
  try {
    expect(services('up', 'redis')).toContain('up in')
    expect(states()).toMatchObject([{ state: 'up', host: '127.0.0.1' }])
    expect(services('up', 'redis')).toContain('ran already')
    expect(services('down', 'redis')).toContain('down')
    expect(states()).toMatchObject([{ state: 'down' }])
  } finally {
    services('down', 'redis', '--wipe')
    rmSync(dir, { recursive: true, force: true })
  }
})

test('S1: a server that does not run is named with the command that starts it', () => {
  vi.stubEnv('HELIOGRAPH_SERVICES_DIR', '/nonexistent')
  expect(() => serviceUrl('cassandra')).toThrow('cassandra does not run: npm run services -- up cassandra')
})

test('a server elsewhere is taken from the environment', () => {
  vi.stubEnv('HELIOGRAPH_TEST_POSTGRES', 'postgres://me:word@192.0.2.1:5432/mine')
  expect(serviceAddress('postgres')).toEqual({ host: '192.0.2.1', port: 5432 })
})
