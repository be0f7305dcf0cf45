/** `npm run cluster` as a person uses it: it starts, says where everything is, refuses a second one, and is stopped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import cassandra from 'cassandra-driver'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../harness/index.js'
import { serviceUrl } from '../services.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const script = join(root, 'scripts/cluster.mjs')
let dir: string
let cluster: ChildProcess
let said = ''

interface Recorded {
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly http: string }[]
}
const recorded = () => JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')) as Recorded
const run = (...args: string[]) =>
  spawnSync(process.execPath, [script, '--dir', dir, ...args], { cwd: root, encoding: 'utf8', timeout: 90_000 })
const isThere = (pid: number) => spawnSync('kill', ['-0', String(pid)]).status === 0

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'heliograph-cluster-'))
  cluster = spawn(process.execPath, [script, '--dir', dir, '--nodes', '1', '--gateways', '1'], { cwd: root })
  for (const stream of [cluster.stdout!, cluster.stderr!]) stream.on('data', (text) => (said += text))
  await waitUntil('the cluster is up', () => said.includes('Ctrl-C') || cluster.exitCode !== null, 240_000)
}, 250_000)

afterAll(async () => {
  if (cluster.exitCode === null) cluster.kill('SIGTERM')
  await waitUntil('it has ended', () => cluster.exitCode !== null, 60_000)
  const { storeNameOf } = (await import(join(root, 'scripts/cluster/stores.mjs'))) as {
    storeNameOf(dir: string): string
  }
  const client = new cassandra.Client({ contactPoints: [serviceUrl('cassandra')], localDataCenter: 'dc1' })
  await client.execute(`DROP KEYSPACE IF EXISTS ${storeNameOf(dir)}`, [], { readTimeout: 60_000 })
  await client.shutdown()
  const postgres = new pg.Client({ connectionString: serviceUrl('postgres') })
  await postgres.connect()
  await postgres.query(`DROP DATABASE IF EXISTS ${storeNameOf(dir)} WITH (FORCE)`)
  await postgres.end()
  rmSync(dir, { recursive: true })
}, 150_000)

test('it says where everything is, and each process is ready', async () => {
  expect(said).toMatch(/gateway-1 +127\.0\.0\.1:\d+ +http:\/\/127\.0\.0\.1:\d+\//)
  expect(said).toContain(join(dir, 'keys', 'server-key.pub.pem'))
  const { processes } = recorded()
  expect(processes.map(({ name }) => name).sort()).toEqual(['gateway-1', 'node-1'])
  for (const { http } of processes) expect((await fetch(`${http}/readyz`)).status, said).toBe(200)
  const { urls, tokenFile } = JSON.parse(readFileSync(join(dir, 'admin.json'), 'utf8'))
  expect(urls).toEqual(processes.map(({ http }) => http))
  expect(existsSync(join(dir, tokenFile))).toBe(true)
})

test('a second one is refused, and it goes on; stopped, nothing of it is left', { timeout: 120_000 }, async () => {
  const { status, stderr } = run()
  expect(status).toBe(1)
  expect(stderr).toContain('--stop')
  const { processes } = recorded()
  const areHealthy = async () => {
    const answers = processes.map(({ http }) => fetch(`${http}/healthz`).then(({ status }) => status === 200))
    return (await Promise.all(answers).catch(() => [false])).every(Boolean)
  }
  await waitUntil('it goes on', areHealthy, 20_000)

  expect(run('--stop').stdout).toContain('is stopped')
  await waitUntil('it has ended', () => cluster.exitCode !== null, 60_000)
  expect(cluster.exitCode, said).toBe(0)
  // One that has ended is there until somebody has looked at how.
  await waitUntil('its processes are gone', () => !processes.some(({ pid }) => isThere(pid)), 20_000)
  expect(existsSync(join(dir, 'cluster.json'))).toBe(false)
  expect(run('--stop').stdout).toContain('No cluster runs here')
})

test('stopped while its servers start, it leaves none behind', { timeout: 150_000 }, async () => {
  const services = mkdtempSync(join(tmpdir(), 'heliograph-services-'))
  const env = { ...process.env, HELIOGRAPH_SERVICES_DIR: services }
  const place = join(services, 'cluster')
  let told = ''
  const starting = spawn(process.execPath, [script, '--dir', place], { cwd: root, env })
  for (const stream of [starting.stdout, starting.stderr]) stream.on('data', (text) => (told += text))
  const record = join(services, 'cassandra', 'service.json')
  await waitUntil('its first server starts', () => existsSync(record) || starting.exitCode !== null, 100_000)
  starting.kill('SIGINT')
  await waitUntil('it has ended', () => starting.exitCode !== null, 40_000)
  expect(starting.exitCode, told).toBe(0)
  const args = [join(root, 'scripts/services.mjs'), 'status', '--json', '--dir', services]
  const { members } = JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout) as {
    members: readonly { service: string; state: string }[]
  }
  expect(members.map(({ service, state }) => [service, state])).toEqual([['cassandra', 'down']])
  expect(told).not.toContain('cassandra: up')
  rmSync(services, { recursive: true })
})
