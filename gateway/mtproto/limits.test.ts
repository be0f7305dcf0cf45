import { expect, test } from 'vitest'
import { limitsWith } from './limits.js'
import { bodyOf } from './test/client-session.js'
import { plainPacket, shakeHands } from './test/handshake-client.js'
import { Lab } from './test/lab.js'
import { startTestGateway } from './test/test-gateway.js'
import { tcpWire } from './test/wires.js'

test('limits that contradict each other stop the start, by name', () => {
  expect(() => limitsWith({ connections: 10, connectionsPerAddress: 11 })).toThrow(
    'connectionsPerAddress must not exceed connections',
  )
  expect(() => limitsWith({ maxFrameBytes: Number.NaN })).toThrow(/maxFrameBytes must be a positive number/)
  expect(limitsWith({ sessions: 7 }).sessions).toBe(7)
})

test('a connection that never authenticates is closed, one that did stays', () => {
  const lab = new Lab()
  lab.call({ _: 'help.getNearestDc' })
  const authenticated = lab.connection
  const stranger = lab.connect()
  stranger.received(stranger.client.encode(Buffer.alloc(24)))
  expect(stranger.arrived.splice(0)[0]!.readInt32LE()).toBe(-404)
  lab.advance(61_000)
  expect(stranger.open).toBe(false)
  expect(authenticated.open).toBe(true)
  lab.advance(31 * 60_000)
  expect(authenticated.open).toBe(false)
})

test('a handshake that is not finished is forgotten after its time, and its connection with it', () => {
  const lab = new Lab()
  const connection = lab.connect()
  connection.received(connection.client.encode(plainPacket(bodyOf({ _: 'mt_req_pq_multi', nonce: Buffer.alloc(16) }))))
  expect(lab.handshakes.unfinished).toBe(1)
  expect(connection.arrived.splice(0).length).toBe(1)
  lab.advance(61_000)
  expect(lab.handshakes.unfinished).toBe(0)
  expect(connection.open).toBe(false)
})

test('packets that wait for a key are bounded', () => {
  const lab = new Lab({ maxWaitingPackets: 5 })
  lab.world.keys.drop(lab.key.id)
  for (let i = 0; i < 10; i++) lab.send(lab.client.packObject({ _: 'help.getNearestDc' }))
  expect(lab.connection.open).toBe(false)
})

test('10 connections and 1,000 calls in 5 seconds from one address pass', async () => {
  const server = await startTestGateway()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      const wire = tcpWire(server.tcp.port)
      const session = await shakeHands(wire.exchange)
      const ids = Array.from({ length: 100 }, () => session.nextId())
      wire.send(...ids.map((id) => session.packObject({ _: 'help.getNearestDc' }, id)))
      while (session.results.length < 100) session.open(await wire.next())
      for (const id of ids) expect(session.resultOf(id)).toMatchObject({ _: 'nearestDc' })
      wire.close()
    }),
  )
  expect(performance.now() - started).toBeLessThan(5000)
  expect(server.complaints).toEqual([])
  await server.close()
})
