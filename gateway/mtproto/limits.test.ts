import { expect, test, vi } from 'vitest'
import { limitsWith } from './limits.js'
import { bodyOf } from './test/client-session.js'
import { HandshakeClient, plainPacket, shakeHands } from './test/handshake-client.js'
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

test('one address cannot fill the queue of the workers by starting over, and what it gave up counts until it is done', async () => {
  const lab = new Lab({ unfinishedHandshakesPerAddress: 4 })
  const before = lab.handshakes.jobsQueued
  const doomed = async () => {
    const connection = lab.connect()
    const client = new HandshakeClient((packet) => {
      connection.received(connection.client.encode(packet))
      const [answer] = connection.arrived.splice(0)
      return answer ? Promise.resolve(answer) : new Promise(() => {})
    })
    await client.ask()
    void client.requestParams()
    // Twice: the second is out of order, and ends the exchange.
    void client.requestParams()
    connection.gone()
  }
  for (let i = 0; i < 4; i++) await doomed()
  expect(lab.handshakes.jobsQueued - before).toBe(4)
  expect(lab.handshakes.unfinished).toBe(0)
  const refused = lab.connect()
  refused.received(refused.client.encode(plainPacket(bodyOf({ _: 'mt_req_pq', nonce: Buffer.alloc(16) }))))
  expect(refused.open).toBe(false)
  await vi.waitFor(() => expect(lab.handshakes.jobsQueued).toBe(before), { timeout: 20_000 })
  for (let i = 0; i < 5; i++) {
    const next = lab.connect()
    next.received(next.client.encode(plainPacket(bodyOf({ _: 'mt_req_pq', nonce: Buffer.alloc(16) }))))
    expect(next.open).toBe(i < 4)
  }
})

test('a connection that only ever begins handshakes is closed: each costs two primes', () => {
  const lab = new Lab()
  const connection = lab.connect()
  const question = plainPacket(bodyOf({ _: 'mt_req_pq', nonce: Buffer.alloc(16) }))
  for (let i = 0; i < 8; i++) connection.received(connection.client.encode(question))
  expect([connection.open, lab.handshakes.unfinished]).toEqual([true, 1])
  connection.received(connection.client.encode(question))
  expect([connection.open, lab.handshakes.unfinished]).toEqual([false, 0])
})

test('packets that strangers send in part are given up, and lock nobody out', () => {
  const lab = new Lab({ partialPacketBytes: 1024 * 1024, bufferedBytes: 512 * 1024 })
  lab.call({ _: 'help.getNearestDc' })
  const good = lab.connection
  const whole = good.client.encode(lab.client.packObject({ _: 'help.getNearestDc' }))
  good.received(whole.subarray(0, 40))
  const strangers = Array.from({ length: 20 }, () => lab.connect())
  for (const stranger of strangers) {
    const head = stranger.client.encode(Buffer.alloc(1_000_000))
    for (let at = 0; at < 200_000; at += 50_000) stranger.received(head.subarray(at, at + 50_000))
  }
  expect(lab.world.partials.held).toBeLessThanOrEqual(1024 * 1024)
  expect(strangers.filter(({ open }) => open).length).toBeGreaterThan(0)
  expect(strangers.filter(({ open }) => !open).length).toBeGreaterThan(0)
  good.received(whole.subarray(40))
  expect(lab.ran.length).toBe(2)
  for (const stranger of strangers) stranger.gone()
  expect(lab.world.partials.held).toBe(0)
})

test('packets that wait for a key are bounded', () => {
  const lab = new Lab({ maxWaitingPackets: 5 })
  lab.world.keys.drop(lab.key.id)
  for (let i = 0; i < 10; i++) lab.send(lab.client.packObject({ _: 'help.getNearestDc' }))
  expect(lab.connection.open).toBe(false)
})

test('10 connections and 1,000 calls at once from one address pass', async () => {
  const server = await startTestGateway()
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
  expect(server.complaints).toEqual([])
  await server.close()
})
