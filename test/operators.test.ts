import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TelegramClient } from '@mtcute/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mtcuteClient, type ServerProcess, startServer, testPhone, waitUntil } from './harness/index.js'

/** What an operator does with a server that real clients use: the command line, as it is typed. */
const program = fileURLToPath(new URL('../dist/server/cli/main.js', import.meta.url))
let folder: string
let server: ServerProcess
const clients: TelegramClient[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-operators-'))
  writeFileSync(join(folder, 'token'), 'a secret for tests, long enough\n')
  server = await startServer({ env: { HELIOGRAPH_ADMIN_TOKEN_FILE: join(folder, 'token') } })
  for (const account of [71, 72]) clients.push(await mtcuteClient(server, { phone: testPhone(account) }))
})
afterAll(async () => {
  for (const client of clients) await client.destroy()
  await server?.dispose()
  rmSync(folder, { recursive: true, force: true })
})

interface Trace {
  readonly message: string
  readonly entry: object
  readonly boxes: readonly { readonly user: number; readonly state: string }[]
  readonly hops: readonly { readonly actor: string; readonly method: string }[]
}

function heliograph(...args: string[]): Promise<string> {
  const env = { HELIOGRAPH_DATA_DIR: server.dataDir, HELIOGRAPH_ADMIN_TOKEN_FILE: join(folder, 'token') }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(stdout),
    )
  })
}

test('a message is traced by the id that a device knows it by: its entry, both boxes, the device that has it, its turns', async () => {
  const [alice, bob] = clients as [TelegramClient, TelegramClient]
  const [a, b] = [await alice.getMe(), await bob.getMe()]
  await bob.setMyUsername('bob_the_traced')
  const { id } = await alice.sendText('bob_the_traced', 'where am I?')
  const trace = await waitUntil('it is delivered', async () => {
    const said = await heliograph('trace', `user/${a.id}:${id}`, '--json')
    const found = JSON.parse(said) as Trace
    return found.boxes.every(({ state }) => state === 'delivered') ? found : undefined
  })
  const chat = `p${Math.min(a.id, b.id)}-${Math.max(a.id, b.id)}`
  expect(trace.message).toMatch(new RegExp(`^chat/${chat}:\\d+$`))
  expect(trace.entry).toMatchObject({ type: 'post', by: a.id })
  expect(trace.boxes.map(({ user }) => user).sort()).toEqual([a.id, b.id].sort())
  expect(trace.boxes.find(({ user }) => user === a.id)).toMatchObject({ id, gateways: ['local'] })
  const hops = trace.hops.map(({ actor, method }) => `${actor} ${method}`)
  expect(hops).toEqual(expect.arrayContaining([`chat/${chat} post`, `user/${a.id} deliver`, `user/${b.id} deliver`]))
  const told = await heliograph('trace', trace.message)
  expect(told).toContain(`${trace.message}: post by user ${a.id}`)
  expect(told).toMatch(new RegExp(`user/${b.id} +delivered +\\d+ +local +\\d of 1`))
  expect(told).not.toContain('where am I?')
  await expect(heliograph('trace', `chat/${chat}:99999`)).rejects.toThrow(`There is no message chat/${chat}:99999.`)
})

test('status, nodes, actors and actor tell of what is there; what needs other nodes is refused', async () => {
  const { id } = await clients[0]!.getMe()
  expect(await heliograph('status')).toMatch(/local +alive +gateway, actors +4096 +\d/)
  expect(await heliograph('nodes')).toMatch(/4096 open/)
  await clients[0]!.sendText('me', 'a moment ago')
  expect(await heliograph('actors', 'user')).toContain(`user/${id}`)
  expect(await heliograph('actor', 'user', String(id))).toMatch(/on node local[\s\S]*deliver/)
  await expect(heliograph('drain', 'local')).rejects.toThrow('This node runs alone')
})

test('the dashboard is served beside the status page, and neither without the token', async () => {
  const at = `http://${server.http.host}:${server.http.port}`
  const page = await fetch(`${at}/admin/`)
  expect([page.status, page.headers.get('content-security-policy')]).toEqual([
    200,
    expect.stringContaining("default-src 'none'"),
  ])
  expect((await fetch(`${at}/admin/dashboard.mjs`)).headers.get('content-type')).toMatch(/^text\/javascript/)
  expect((await fetch(`${at}/admin/api/cluster`)).status).toBe(401)
  const plain = await startServer()
  expect((await fetch(`http://${plain.http.host}:${plain.http.port}/admin/`)).status).toBe(404)
  await plain.dispose()
})
