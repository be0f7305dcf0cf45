import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { bodyOf } from './test/client-session.js'
import { shakeHands } from './test/handshake-client.js'
import { headerV1, headerV2 } from './test/proxy-headers.js'
import { startTestGateway, type TestGateway } from './test/test-gateway.js'
import { tcpWire, type Wire } from './test/wires.js'

let running: TestGateway | undefined
const open: { close(): void }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) each.close()
  await running?.close()
})

async function behindProxy(options: Parameters<typeof startTestGateway>[0] = {}) {
  running = await startTestGateway({ proxies: ['127.0.0.1'], ...options })
  return running
}

async function speak(wire: Wire): Promise<void> {
  open.push(wire)
  const client = await shakeHands(wire.exchange)
  wire.send(client.pack(bodyOf({ _: 'help.getNearestDc' })))
  await wire.next()
}

const addressesOf = ({ calls }: TestGateway) => calls.map(({ session }) => session.remoteAddress)

test.each([
  ['version 2', headerV2('203.0.113.7'), '203.0.113.7'],
  ['version 1', headerV1('2001:db8::7'), '2001:db8::7'],
  ["the proxy's own", headerV2(undefined), '127.0.0.1'],
])('a connection through a proxy counts as the one of the client: %s', async (_, head, address) => {
  const gateway = await behindProxy()
  await speak(tcpWire(gateway.tcp.port, 'intermediate', false, { head }))
  expect(addressesOf(gateway)).toEqual([address])
})

test('limits by address hold for clients, not for the proxy', async () => {
  const gateway = await behindProxy({ limits: { connectionsPerAddress: 1 } })
  const through = (address: string) => tcpWire(gateway.tcp.port, 'intermediate', false, { head: headerV2(address) })
  await speak(through('203.0.113.7'))
  await speak(through('203.0.113.8'))
  const second = through('203.0.113.7')
  await second.closed
  expect(gateway.counts.get('connections_refused')).toBe(1)
})

test('a header that is cut anywhere is read when it is whole', async () => {
  const gateway = await behindProxy()
  const head = headerV2('203.0.113.7')
  const socket = connect({ host: '127.0.0.1', port: gateway.tcp.port, noDelay: true })
  open.push({ close: () => socket.destroy() })
  for (const byte of head) await new Promise((written) => socket.write(Buffer.of(byte), written))
  socket.write(Buffer.from('efefefefefefefef', 'hex'))
  await vi.waitUntil(() => gateway.gateway.sizes().connections === 1)
})

test('a proxy that sends no header, or a wrong one, is refused', async () => {
  const gateway = await behindProxy()
  const broken = Buffer.from([...headerV2('203.0.113.7')])
  broken[12] = 0x11
  for (const head of [Buffer.from('eeeeeeee00000000', 'hex'), broken]) {
    await tcpWire(gateway.tcp.port, 'intermediate', false, { head }).closed
  }
  expect(gateway.counts.get('connections_refused')).toBe(2)
  expect(gateway.gateway.sizes().connections).toBe(0)
})

test('whoever is no proxy counts by its own address, and a header of it is nothing', async () => {
  const gateway = await behindProxy()
  await speak(tcpWire(gateway.tcp.port, 'intermediate', false, { localAddress: '127.0.0.2' }))
  expect(addressesOf(gateway)).toEqual(['127.0.0.2'])
  const head = Buffer.concat([headerV2('203.0.113.7'), Buffer.alloc(64)])
  await tcpWire(gateway.tcp.port, 'intermediate', false, { localAddress: '127.0.0.2', head }).closed
  const answer = await upgrade(gateway.http.port, headerV2('203.0.113.7'), '127.0.0.2')
  expect(answer).toContain('101 Switching Protocols')
})

test('the HTTP port asks a proxy for a header where clients go, not where operators do', async () => {
  const gateway = await behindProxy({
    routes: (app) => void app.get('/healthz', (response) => void response.end('well')),
  })
  const { port } = gateway.http
  expect(await upgrade(port, headerV2('203.0.113.7'))).toContain('101 Switching Protocols')
  expect(await upgrade(port)).toContain('400 Bad Request')
  expect((await fetch(`http://127.0.0.1:${port}/api`, { method: 'POST', body: 'x' })).status).toBe(400)
  expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('well')
  expect(gateway.counts.get('connections_refused')).toBe(2)
})

test('TLS ends at the proxy', async () => {
  const gateway = await behindProxy()
  const tls = { certFile: 'cert.pem', keyFile: 'key.pem' }
  const listening = gateway.gateway.listenHttp({ host: '127.0.0.1', port: 0, tls, proxies: ['127.0.0.1'] })
  await expect(listening).rejects.toThrow('end TLS itself')
})

/** What a WebSocket is answered first. */
function upgrade(port: number, head?: Buffer, localAddress = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    open.push({ close: () => socket.destroy() })
    if (head) socket.write(head)
    socket.write('GET /apiws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
    socket.write('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n')
    socket.once('data', (bytes) => resolve(String(bytes)))
    socket.once('error', reject)
    socket.once('end', () => reject(new Error('the connection ended without an answer')))
  })
}
