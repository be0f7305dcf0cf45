import type { TemplatedApp } from 'uWebSockets.js'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import { createMtprotoGateway } from './create-gateway.js'
import { HttpExchanges } from './http-exchanges.js'
import { type HttpListener, listenHttp } from './listener-http.js'
import { Packets } from './packets.js'
import { Lab } from './test/lab.js'
import { ManualClock } from './test/manual-clock.js'
import { MemoryKeyStore } from './test/memory-key-store.js'
import { systemRandom } from './test/system-random.js'
import { serverKey } from './test/test-gateway.js'

const certificates = new URL('./test/tls/', import.meta.url)
let directory: string
let listener: HttpListener | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-tls-'))
})
afterEach(() => {
  listener?.close()
  listener = undefined
  rmSync(directory, { recursive: true })
})

const tls = () => ({ certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') })

function install(name: 'one' | 'two') {
  copyFileSync(new URL(`${name}.cert.pem`, certificates), tls().certFile)
  copyFileSync(new URL(`${name}.key.pem`, certificates), tls().keyFile)
}

const answerWell = (app: TemplatedApp) => {
  app.get('/healthz', (response) => void response.end('well'))
}

async function open(port = 0) {
  const lab = new Lab()
  const packets = new Packets(lab.world, lab.handshakes, lab.sessions, lab.calls)
  const options = {
    host: '127.0.0.1',
    port,
    tls: tls(),
    routes: answerWell,
  }
  const clients = { connections: lab.connections, exchanges: new HttpExchanges(lab.world, packets) }
  listener = await listenHttp(clients, options, lab.world.log)
  return { lab, port: listener.listening.port, listener }
}

/** The name on the certificate that the port shows, and what it answers to GET. */
function ask(port: number): Promise<{ name: string; answer: string }> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes
    })
    socket.on('error', reject)
    socket.on('end', () => resolve({ name, answer }))
    let name = ''
    socket.on('secureConnect', () => {
      name = String(socket.getPeerCertificate().subject.CN)
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    })
  })
}

test('a certificate that changes is taken up by new connections, and open ones go on', async () => {
  install('one')
  const { port, lab } = await open()
  expect(await ask(port)).toMatchObject({ name: 'heliograph test one', answer: expect.stringContaining('well') })
  const socket = new WebSocket(`wss://127.0.0.1:${port}/apiws`, 'binary', { rejectUnauthorized: false })
  await new Promise((resolve) => socket.on('open', resolve))
  install('two')
  await listener!.refresh()
  expect(await ask(port)).toMatchObject({ name: 'heliograph test two', answer: expect.stringContaining('well') })
  expect(lab.connections.size).toBe(2)
  socket.ping()
  await new Promise((resolve) => socket.on('pong', resolve))
  socket.terminate()
})

test('one that cannot be read leaves the old one in use', async () => {
  install('one')
  const { port, listener } = await open()
  writeFileSync(tls().certFile, 'not a certificate')
  await expect(listener.refresh()).rejects.toThrow(/certificate/)
  // Told once, not with every look.
  await listener.refresh()
  expect((await ask(port)).name).toBe('heliograph test one')
  rmSync(tls().keyFile)
  await expect(listener.refresh()).rejects.toThrow(/ENOENT/)
  expect((await ask(port)).name).toBe('heliograph test one')
  install('two')
  await listener.refresh()
  expect((await ask(port)).name).toBe('heliograph test two')
})

test('the gateway looks by itself whether the certificate has changed', async () => {
  install('one')
  const clock = new ManualClock()
  const gateway = createMtprotoGateway({
    clock,
    random: systemRandom,
    serverKey,
    authKeyStore: new MemoryKeyStore(),
    rpc: () => true,
  })
  const { port } = await gateway.listenHttp({ host: '127.0.0.1', port: 0, tls: tls(), routes: answerWell })
  expect((await ask(port)).name).toBe('heliograph test one')
  install('two')
  clock.advance(1000)
  await vi.waitFor(async () => expect((await ask(port)).name).toBe('heliograph test two'), { timeout: 10_000 })
  await gateway.close()
})

test('a missing certificate and a port that is taken stop the start with a reason', async () => {
  await expect(open()).rejects.toThrow(/ENOENT/)
  install('one')
  const { port } = await open()
  const first = listener
  await expect(open(port)).rejects.toThrow(/EADDRINUSE/)
  listener = first
})

test('the subprotocol is echoed only when it is offered', async () => {
  install('one')
  const { port } = await open()
  for (const [offered, chosen] of [
    [['binary'], 'binary'],
    [['other', 'binary'], 'binary'],
    [[], ''],
  ] as const) {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/apiws`, [...offered], { rejectUnauthorized: false })
    await new Promise((resolve) => socket.on('open', resolve))
    expect(socket.protocol).toBe(chosen)
    socket.terminate()
  }
})
