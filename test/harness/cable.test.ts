import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cable, cable } from './cable.js'
import { waitUntil } from './wait-until.js'

let echo: Server
let wire: Cable

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const at = { host: '127.0.0.1', port: (echo.address() as AddressInfo).port }
  wire = await cable({ mtproto: at, http: at, publicKeyPem: 'pem' })
})
afterEach(async () => {
  await wire.dispose()
  await new Promise((resolve) => echo.close(resolve))
})

async function dial() {
  const socket = connect(wire.mtproto.port, wire.mtproto.host)
  const received: string[] = []
  let isOpen = true
  socket.on('data', (data) => received.push(data.toString()))
  socket.on('error', () => {})
  socket.on('close', () => {
    isOpen = false
  })
  await once(socket, 'connect')
  socket.write('ping')
  return { received, isOpen: () => isOpen }
}

test('carries bytes both ways, ends all when cut, and lets new connections through', async () => {
  const first = await dial()
  await waitUntil('it comes back', () => first.received.includes('ping'))
  wire.cut()
  await waitUntil('the connection ends', () => !first.isOpen())
  expect(wire.connections()).toBe(0)
  const second = await dial()
  await waitUntil('it comes back', () => second.received.includes('ping'))
})

test('unplugged it lets nobody through until it is mended', async () => {
  wire.unplug()
  const refused = await dial()
  await waitUntil('the connection ends', () => !refused.isOpen())
  expect(refused.received).toEqual([])
  wire.mend()
  const next = await dial()
  await waitUntil('it comes back', () => next.received.includes('ping'))
})
