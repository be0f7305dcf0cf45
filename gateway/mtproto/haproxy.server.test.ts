/** The gateway behind a real HAProxy, on the configuration of deploy/. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import { bodyOf } from './test/client-session.js'
import { shakeHands } from './test/handshake-client.js'
import { startTestGateway, type TestGateway } from './test/test-gateway.js'
import { tcpWire } from './test/wires.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
let directory: string
let gateway: TestGateway
let haproxy: ChildProcess
let said = ''
let checks = 0
const ports = { mtproto: 0, web: 0 }

beforeAll(async () => {
  const installation = `${root}scripts/services/installation.mjs`
  const { haproxy: program } = (await import(installation)) as { haproxy: { find(): string | undefined; cure: string } }
  const path = program.find()
  if (path === undefined) throw new Error(`HAProxy is missing: run ${program.cure}`)
  gateway = await startTestGateway({
    proxies: ['127.0.0.1'],
    routes: (app) =>
      void app.get('/readyz', (response) => {
        checks++
        response.end('ok')
      }),
  })
  ports.mtproto = await freePort()
  ports.web = await freePort()
  directory = mkdtempSync(join(tmpdir(), 'heliograph-haproxy-'))
  writeFileSync(join(directory, 'haproxy.cfg'), configuration())
  haproxy = spawn(path, ['-db', '-f', join(directory, 'haproxy.cfg')])
  for (const stream of [haproxy.stdout!, haproxy.stderr!]) stream.on('data', (text) => (said += text))
  const serves = () =>
    fetch(`http://127.0.0.1:${ports.web}/api`, { method: 'OPTIONS' }).then(
      ({ status }) => status === 204,
      () => false,
    )
  await vi.waitUntil(serves, { timeout: 20_000, interval: 100 }).catch(() => expect.fail(said))
}, 30_000)

afterAll(async () => {
  haproxy?.kill('SIGKILL')
  await gateway?.close()
  if (directory) rmSync(directory, { recursive: true })
})

/** The configuration as it is, on ports of this test, with this gateway as the one server. */
function configuration(): string {
  return readFileSync(`${root}deploy/haproxy.cfg`, 'utf8')
    .replace('maxconn 120000', 'maxconn 1000')
    .replace('bind :4430', `bind 127.0.0.1:${ports.mtproto}`)
    .replace('bind :8080', `bind 127.0.0.1:${ports.web}`)
    .replace(/^resolvers [\s\S]*?\n\n/m, '')
    .replace(' init-addr none resolvers docker', '')
    .replace(/^ {2}server gateway-2 .*\n/gm, '')
    .replaceAll('gateway-1:4430', `127.0.0.1:${gateway.tcp.port}`)
    .replaceAll('gateway-1:8080', `127.0.0.1:${gateway.http.port}`)
    .replaceAll('check port 8080', `check port ${gateway.http.port}`)
}

const addresses = () => gateway.calls.splice(0).map(({ session }) => session.remoteAddress)

test('its checks of both ports find the program ready', async () => {
  const before = checks
  await vi.waitUntil(() => checks >= before + 4, { timeout: 10_000, interval: 100 })
  expect(said).not.toContain('DOWN')
}, 15_000)

test('MTProto over TCP, and over a WebSocket, counts by the address of the client', async () => {
  const wire = tcpWire(ports.mtproto, 'intermediate', true, { localAddress: '127.0.0.77' })
  const client = await shakeHands(wire.exchange).catch(() => expect.fail(said))
  wire.send(client.pack(bodyOf({ _: 'help.getNearestDc' })))
  await wire.next()
  wire.close()
  expect(addresses(), said).toEqual(['127.0.0.77'])

  const connected = new Set<string>()
  const sockets = ['127.0.0.78', '127.0.0.79'].map((localAddress) => {
    const socket = new WebSocket(`ws://127.0.0.1:${ports.web}/apiws`, 'binary', { localAddress })
    socket.on('open', () => connected.add(localAddress))
    return socket
  })
  await vi.waitUntil(() => connected.size === 2)
  for (const socket of sockets) socket.terminate()
  expect(gateway.counts.get('connections_refused') ?? 0).toBe(0)
  expect(gateway.complaints).toEqual([])
})

test('what is not for clients stays inside', async () => {
  expect((await fetch(`http://127.0.0.1:${ports.web}/readyz`)).status).toBe(404)
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening))
  const { port } = probe.address() as AddressInfo
  await new Promise((closed) => probe.close(closed))
  return port
}
