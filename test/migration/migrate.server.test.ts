/**
 * `heliograph migrate` on real servers, as an operator runs it: what real clients left in a data directory arrives in
 * Cassandra and PostgreSQL, though the copy is killed in the middle; and what is changed there afterwards is found.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MemoryStorage } from '@mtcute/node'
import cassandra from 'cassandra-driver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mtcuteClient, type ServerProcess, startServer, testPhone, waitUntil } from '../harness/index.js'
import { type RealStores, realStores } from '../harness/real-stores.js'
import { history } from '../harness/witness.js'
import { serviceUrl } from '../services.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'heliograph-migrate-'))
const data = join(scratch, 'data')
const people = [1, 2, 3].map((account) => ({
  phone: testPhone(account),
  name: `person_${account}_moves`,
  storage: new MemoryStorage(),
}))
const [annasName, bertsName, carlsName] = people.map(({ name }) => name) as [string, string, string]

const cql = new cassandra.Client({ contactPoints: [serviceUrl('cassandra')], localDataCenter: 'dc1' })
let stores: RealStores
let keyspace = ''
let server: ServerProcess
let annaSaw: Awaited<ReturnType<typeof history>> = []

beforeAll(async () => {
  await cql.connect()
  stores = await realStores()
  keyspace = /[/]([a-z0-9_]+)[?]/.exec(stores.env.HELIOGRAPH_CASSANDRA!)![1]!
  server = await startServer({ dataDir: data, startWithinMs: 60_000 })
  await makeData()
}, 240_000)

afterAll(async () => {
  await server?.dispose()
  await cql.shutdown()
  await stores?.dispose()
  rmSync(scratch, { recursive: true, force: true })
}, 120_000)

const clientOf = ({ phone, storage }: (typeof people)[0]) =>
  mtcuteClient(server, { phone, storage, client: { logLevel: 0 } })

/** The server is killed at the end: what it had not delivered yet is in the directory too. */
async function makeData(): Promise<void> {
  const clients = await Promise.all(people.map(clientOf))
  try {
    await Promise.all(clients.map((client, at) => client.setMyUsername(people[at]!.name)))
    const [anna, bert, carl] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]]
    const { chat } = await anna.createGroup({ title: 'movers', users: [bertsName, carlsName] })
    for (let i = 0; i < 30; i++) {
      await anna.sendText(bertsName, `to Bert ${i}`)
      await anna.sendText(chat.id, `to all ${i}`)
      await carl.sendText(bertsName, `Carl to Bert ${i}`)
    }
    const wrong = await anna.sendText(bertsName, 'wrongg')
    await anna.editMessage({ chatId: bertsName, message: wrong.id, text: 'right' })
    const secret = await anna.sendText(bertsName, 'to be erased')
    await anna.deleteMessagesById(bertsName, [secret.id], { revoke: true })
    await anna.saveDraft(bertsName, { message: 'half a th' })
    await anna.sendText(bertsName, 'tomorrow', { schedule: new Date(Date.now() + 86_400_000) })
    for (let i = 0; i < 40; i++) await bert.createGroup({ title: `small ${i}`, users: [carlsName] })
    annaSaw = await history(anna, bertsName)
  } finally {
    await Promise.all(clients.map((client) => client.destroy()))
    await server.kill9()
  }
}

interface Ended {
  readonly code: number | null
  readonly said: string
}

function heliograph(...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['scripts/heliograph.mjs', ...args], {
    cwd: root,
    env: { ...process.env, ...stores.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)))
  return { child, ended: once(child, 'close').then(([code]) => ({ code, said })) }
}

const run = (...args: string[]) => heliograph(...args).ended

async function actorsThere(): Promise<number> {
  const { rows } = await cql.execute(`SELECT DISTINCT kind, actor_key FROM ${keyspace}.lineages`)
  return rows.length
}

test('a directory moves to servers, killed on the way, and is the same there', { timeout: 300_000 }, async () => {
  const dry = await run('migrate', '--from', data, '--dry-run')
  expect(dry.said).toContain('Nothing was copied.')
  expect(dry.code).toBe(0)

  const early = await run('migrate', '--from', data)
  expect(early).toMatchObject({ code: 1 })
  expect(early.said).toContain('npm run migrate')

  expect((await run('schema')).said).toMatch(/Cassandra, .*: brought from version 0[\s\S]*PostgreSQL, a: brought/)

  const nothing = await run('migrate', '--from', data, '--verify-only')
  expect(nothing.said).toContain('There is no whole copy of a data directory to compare with: ')
  expect(nothing.code).toBe(1)

  const cutOff = heliograph('migrate', '--from', data)
  await waitUntil('a part is copied', async () => (await actorsThere()) > 8, 120_000)
  cutOff.child.kill('SIGKILL')
  const { said } = await cutOff.ended
  expect(said).not.toContain('Copied:')
  await expect(server.restart(stores.env)).rejects.toThrow('the copy was cut off')

  const whole = await run('migrate', '--from', data)
  expect(whole.said).toContain('No difference.')
  expect(whole.code).toBe(0)
  expect(whole.said).toMatch(/answers of [3-9] accounts/)

  const again = await run('migrate', '--from', data)
  expect(again.said).toContain('Copied already')
  expect(again.code).toBe(0)

  const other = join(scratch, 'other')
  cpSync(data, other, { recursive: true })
  rmSync(join(other, 'server-key.pub.pem'))
  expect((await run('migrate', '--from', other)).said).toContain('a migration from another directory')
})

test('what was changed on the servers is found', { timeout: 120_000 }, async () => {
  const { rows } = await cql.execute(`SELECT * FROM ${keyspace}.user_box`)
  const row = rows.find(({ body }) => body !== null)
  const key = ['user_id', 'bucket', 'pts', 'ordinal', 'writer_epoch', 'writer_attempt']
  const where = key.map((column) => `${column} = ?`).join(' AND ')
  const put = (body: Buffer) => {
    const parameters = [body, ...key.map((column) => row?.[column])]
    return cql.execute(`UPDATE ${keyspace}.user_box SET body = ? WHERE ${where}`, parameters, { prepare: true })
  }
  await put(Buffer.of(0))
  const compared = await run('migrate', '--from', data, '--verify-only')
  expect(compared.said).toMatch(/user\/\d+: entry \d+\.\d+ has another body/)
  expect(compared.code).toBe(1)
  await put(row?.body)
  expect(await run('migrate', '--from', data, '--verify-only')).toMatchObject({ code: 0 })
})

test('a server goes on there, and the same devices with it', { timeout: 120_000 }, async () => {
  await server.restart(stores.env)
  const [anna, bert] = await Promise.all(people.slice(0, 2).map(clientOf))
  try {
    expect(await history(anna!, bertsName)).toEqual(annaSaw)
    const heard: string[] = []
    bert!.onNewMessage.add(({ text }) => heard.push(text))
    await anna!.sendText(bertsName, 'from the servers')
    await waitUntil('Bert hears it', () => heard.includes('from the servers'), 20_000)
    expect((await bert!.resolvePeer(annasName))._).toBe('inputPeerUser')
  } finally {
    await Promise.all([anna, bert].map((client) => client?.destroy()))
  }
})
