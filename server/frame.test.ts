import { App, type us_listen_socket, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Core, frame } from './frame.js'
import type { Part } from './lifecycle.js'
import { createLogging } from './logging.js'
import { createMetrics } from './metrics.js'
import { readSettings } from './settings.js'

const publicPem = `-----BEGIN RSA PUBLIC KEY-----
MEgCQQCo9+BpMRYQ/dL3DS2CyJxRF+j6ctbT3/Qp84+KeFhnii7NT7fELilKUSnx
S30WAvQCCo2yU1orfgqr41mM70MBAgMBAAE=
-----END RSA PUBLIC KEY-----
`

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs: number, fire: () => void) {
    const timer = setTimeout(fire, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

let dataDir: string
let lines: string[]
const sockets = new Set<us_listen_socket>()

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'heliograph-'))
  lines = []
})
afterEach(() => {
  for (const socket of sockets) us_listen_socket_close(socket)
  sockets.clear()
  rmSync(dataDir, { recursive: true, force: true })
})

function coreWith(changes: Partial<Core> = {}): Core {
  return {
    clock,
    clients: {
      key: { publicPem, fingerprintHex: 'd09d1d85de64fd85' },
      listenTcp: async ({ host }) => ({ host, port: 4430 }),
    },
    parts: [],
    async listenHttp({ host, port, routes }) {
      const app = App()
      routes(app)
      return new Promise((resolve, reject) =>
        app.listen(host, port, (socket) => {
          if (!socket) return reject(new Error('not listening'))
          sockets.add(socket)
          resolve({ host, port: us_socket_local_port(socket) })
        }),
      )
    },
    oldestWaitMs: () => 0,
    storeAnswers: async () => {},
    lost: new Promise(() => undefined),
    sizes: () => ({ connections: 3, sessions: 2, actors: 9 }),
    ...changes,
  }
}

function serverOf(core: Core, environment: Record<string, string> = {}) {
  const metrics = createMetrics()
  const server = frame(core, {
    settings: readSettings({ HELIOGRAPH_DATA_DIR: dataDir, HELIOGRAPH_HTTP_PORT: '0', ...environment }),
    logging: createLogging('silent'),
    metrics,
    version: '1.2.3',
    print: (text) => lines.push(text),
  })
  const listening = () => JSON.parse(readFileSync(join(dataDir, 'listening.json'), 'utf8'))
  const get = (path: string) => fetch(`http://127.0.0.1:${listening().http.port}${path}`)
  return { server, metrics, get, listening }
}

test('from start to stop: listening.json, the banner, readiness', async () => {
  const { server, get, listening } = serverOf(coreWith())
  await server.start()
  expect(listening().mtproto).toEqual({ host: '127.0.0.1', port: 4430 })
  expect(lines.join('')).toContain('127.0.0.1:4430')
  expect(lines.join('')).toContain('d09d1d85de64fd85')
  expect((await get('/readyz')).status).toBe(200)
  const url = `http://127.0.0.1:${listening().http.port}/readyz`
  expect(await server.stop()).toBe(true)
  expect(existsSync(join(dataDir, 'listening.json'))).toBe(false)
  expect((await fetch(url)).status).toBe(503)
})

test('health is 503 and says why when turns do not end', async () => {
  const { server, get } = serverOf(coreWith({ oldestWaitMs: () => 99_000 }))
  await server.start()
  const response = await get('/healthz')
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ checks: { turns: expect.stringContaining('99000 ms') } })
  await server.stop()
})

test('the page tells how to connect, loads nothing from elsewhere, and its policy allows what it brings', async () => {
  const { server, get } = serverOf(coreWith())
  await server.start()
  const response = await get('/')
  const page = await response.text()
  expect(page).toContain(publicPem.trim())
  expect(page).toContain('d09d1d85de64fd85')
  expect(page).toContain('port: 4430')
  expect(page).not.toMatch(/(src|href)="https?:/)
  const policy = response.headers.get('content-security-policy') ?? ''
  const { createHash } = await import('node:crypto')
  for (const tag of ['script', 'style']) {
    const content = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1] ?? ''
    expect(policy).toContain(createHash('sha256').update(content).digest('base64'))
  }
  await server.stop()
})

test('a path that leads nowhere is 404', async () => {
  const { server, get } = serverOf(coreWith())
  await server.start()
  expect((await get('/nowhere')).status).toBe(404)
  await server.stop()
})

test('figures and metrics', async () => {
  const { server, get, metrics } = serverOf(coreWith())
  await server.start()
  metrics.protocol.rpc('help.getConfig', 1, 0)
  expect(await (await get('/status.json')).json()).toMatchObject({ connections: 3, sessions: 2, actors: 9, calls: 1 })
  const response = await get('/metrics')
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  expect(await response.text()).toContain('heliograph_rpc_answers_total{method="help.getConfig",code="0"} 1')
  await server.stop()
})

test('a node that takes no clients has no port for them, and says so', async () => {
  const { clients: _, ...core } = coreWith({ checks: () => ({ cluster: 'ok', shards: 'nobody has opened them yet' }) })
  const { server, get, listening } = serverOf(core)
  await server.start()
  expect(listening()).not.toHaveProperty('mtproto')
  expect(await (await get('/')).text()).toContain('no clients')
  const ready = await get('/readyz')
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ checks: { listeners: 'ok', shards: 'nobody has opened them yet' } })
  await server.stop()
})

test('parts start in order and stop in the opposite one', async () => {
  const happened: string[] = []
  const part = (name: string): Part => ({
    name,
    start: async () => void happened.push(`+${name}`),
    stop: async () => void happened.push(`-${name}`),
  })
  const { server } = serverOf(coreWith({ parts: [part('storage'), part('actors'), part('gateway')] }))
  await server.start()
  await server.stop()
  expect(happened).toEqual(['+storage', '+actors', '+gateway', '-gateway', '-actors', '-storage'])
})

test('a start that fails half-way stops what was started and leaves no listening.json', async () => {
  const happened: string[] = []
  const storage: Part = { name: 'storage', stop: async () => void happened.push('-storage') }
  const { clients } = coreWith()
  const taken = { ...clients!, listenTcp: () => Promise.reject(new Error('taken')) }
  const broken = coreWith({ parts: [storage], clients: taken })
  const { server } = serverOf(broken)
  await expect(server.start()).rejects.toThrow('taken')
  expect(happened).toEqual(['-storage'])
  expect(existsSync(join(dataDir, 'listening.json'))).toBe(false)
  expect(lines).toEqual([])
})

test('a start that finds the data directory in use leaves the listening.json of whoever uses it', async () => {
  const first = serverOf(coreWith())
  await first.server.start()
  const storage: Part = { name: 'storage', start: () => Promise.reject(new Error('in use')) }
  await expect(serverOf(coreWith({ parts: [storage] })).server.start()).rejects.toThrow('in use')
  expect(first.listening().mtproto.port).toBe(4430)
  await first.server.stop()
})

test('a part that does not stop is left behind when the grace is over, and the others still stop', async () => {
  const happened: string[] = []
  const stuck: Part = { name: 'stuck', stop: () => new Promise(() => {}) }
  const storage: Part = { name: 'storage', stop: async () => void happened.push('-storage') }
  const { server } = serverOf(coreWith({ parts: [storage, stuck] }), { HELIOGRAPH_STOP_GRACE_MS: '20' })
  await server.start()
  expect(await server.stop()).toBe(false)
  expect(happened).toEqual(['-storage'])
})
