import { gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { AddressAllowance } from './address-allowance.js'
import { GZIP_PACKED } from './container.js'
import { limitsWith } from './limits.js'
import { longFromInts } from './long.js'
import type { MtprotoSession } from './session.js'
import { bodyOf } from './test/client-session.js'
import { HandshakeClient, plainPacket, shakeHands } from './test/handshake-client.js'
import { Lab } from './test/lab.js'
import { ManualClock } from './test/manual-clock.js'
import { startTestGateway } from './test/test-gateway.js'
import { tcpWire } from './test/wires.js'
import { UnpackBudget } from './unpack-budget.js'

const PONG = 0x347773c5
const isPong = (body: Buffer) => body.readUInt32LE(0) === PONG

/** `gzip_packed` around `zipped`. */
function longGzip(zipped: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(GZIP_PACKED, 0)
  head.writeUInt32LE(254 + zipped.length * 256, 4)
  return Buffer.concat([head, zipped, Buffer.alloc(-zipped.length & 3)])
}

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

test('one address makes only so many keys an hour, another goes on', () => {
  const clock = new ManualClock()
  const keys = new AddressAllowance(clock, 10)
  for (let i = 0; i < 10; i++) {
    expect(keys.isUsedUp('192.0.2.1')).toBe(false)
    keys.take('192.0.2.1')
  }
  expect([keys.isUsedUp('192.0.2.1'), keys.isUsedUp('192.0.2.2')]).toEqual([true, false])
  clock.advance(360_001)
  expect(keys.isUsedUp('192.0.2.1')).toBe(false)
  keys.take('192.0.2.1')
  expect(keys.isUsedUp('192.0.2.1')).toBe(true)
  // Tests and benches come from loopback.
  for (let i = 0; i < 999; i++) keys.take('127.0.0.1')
  expect(keys.isUsedUp('127.0.0.1')).toBe(false)
})

test('a handshake that would make a key too many is refused at its beginning', async () => {
  const lab = new Lab({ newKeysPerAddressPerHour: 1 })
  const shake = async () => {
    const connection = lab.connect()
    const arrived = () => vi.waitFor(() => connection.arrived.shift() ?? Promise.reject(new Error('nothing yet')))
    const session = await shakeHands((packet) => {
      connection.received(connection.client.encode(packet))
      return connection.open ? arrived() : Promise.reject(new Error('closed'))
    })
    return session.keyId
  }
  expect(lab.store.records.has(await shake())).toBe(true)
  await expect(shake()).rejects.toThrow('closed')
  lab.clock.advance(3_600_000)
  await shake()
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
  const lab = new Lab({ partialPacketBytes: 1024 * 1024 })
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

test('what a client sends while it is not read from is bounded', () => {
  const lab = new Lab({ maxFrameBytes: 1000, maxUnreadBytes: 2000 })
  lab.world.keys.drop(lab.key.id)
  for (let i = 0; i < 10; i++) lab.send(lab.client.packObject({ _: 'help.getNearestDc' }))
  expect([lab.connection.open, lab.connection.reading]).toEqual([true, false])
  for (let i = 0; i < 10; i++) lab.send(lab.client.packObject({ _: 'help.getNearestDc' }))
  expect(lab.connection.open).toBe(false)
  expect(lab.world.partials.held).toBe(0)
})

/** A packet of `count` messages. */
function crowd(lab: Lab, count: number, body: (i: number) => Buffer): Buffer {
  const messages = Array.from({ length: count }, (_, i) => ({ body: body(i), msgId: lab.client.nextId() }))
  return lab.client.packContainer(messages)
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}
const ping = (i: number) => bodyOf({ _: 'mt_ping', pingId: longFromInts(i, 1) })

test('messages of the protocol itself are bounded by what they cost: the client is not read from until it has paid', async () => {
  const lab = new Lab({ workUnitsAtOnce: 1000, workUnitsPerSecond: 100 })
  lab.send(crowd(lab, 1000, ping))
  await turns(20)
  lab.settle()
  expect(lab.client.received.filter(({ body }) => isPong(body)).length).toBe(1000)
  expect(lab.connection.reading).toBe(true)
  lab.send(crowd(lab, 500, ping))
  await turns(20)
  lab.settle()
  // What arrived is answered; what follows waits.
  expect(lab.client.received.filter(({ body }) => isPong(body)).length).toBe(1500)
  expect(lab.connection.reading).toBe(false)
  const msgId = lab.call({ _: 'help.getNearestDc' })
  lab.advance(4000)
  expect(lab.ran.length).toBe(0)
  lab.advance(1100)
  expect(lab.ran.map((call) => call.msgId)).toEqual([msgId])
  expect([lab.connection.open, lab.connection.reading]).toEqual([true, true])
})

test('who goes on over more connections of the same key is closed', async () => {
  const lab = new Lab({ workUnitsAtOnce: 1000, workUnitsPerSecond: 100 })
  for (let i = 0; i < 3; i++) {
    lab.connect()
    lab.send(crowd(lab, 1000, ping))
    await turns(20)
    expect(lab.connection.open).toBe(true)
  }
  const refused = lab.connect()
  refused.received(refused.client.encode(crowd(lab, 10, ping)))
  expect(refused.arrived.splice(0)[0]!.readInt32LE()).toBe(-429)
  expect(refused.open).toBe(false)
  lab.advance(21_000)
  lab.connect()
  lab.call({ _: 'help.getNearestDc' })
  expect(lab.ran.length).toBe(1)
})

test('a packet of much work is done in slices, and what it lists and unpacks counts', async () => {
  const lab = new Lab({ workUnitsPerSlice: 100 })
  lab.send(crowd(lab, 1000, ping))
  const answered = () => {
    lab.settle()
    return lab.client.received.filter(({ body }) => isPong(body)).length
  }
  expect(answered()).toBe(100)
  await turns(3)
  expect(answered()).toBeLessThan(1000)
  await turns(20)
  expect(answered()).toBe(1000)
  const owed = (messages: Buffer) => {
    const other = new Lab({ workUnitsAtOnce: 1, workUnitsPerSecond: 1 })
    other.send(other.client.pack(messages))
    return other.world.workRestMs(other.key) / 1000
  }
  const ids = Array.from({ length: 6400 }, (_, i) => longFromInts(i * 4, 1))
  expect(owed(bodyOf({ _: 'mt_msgs_state_req', msgIds: ids }))).toBe(200)
  const bomb = Buffer.concat([longGzip(gzipSync(Buffer.alloc(1024 * 1024)))])
  expect(owed(bomb)).toBe(64)
})

/** A client of the account 7 that calls for 64 KiB and acknowledges nothing. */
function hoard(lab: Lab, sessions: number, answers: number) {
  for (let i = 0; i < sessions; i++) {
    lab.client = lab.newClient()
    lab.connect()
    for (let j = 0; j < answers; j++) {
      lab.call({ _: 'help.getNearestDc' })
      const call = lab.held.pop()!.call
      ;(call.session as MtprotoSession).pushUpdate(Buffer.alloc(64 * 1024))
      lab.settle()
    }
  }
}

test('what one account has not acknowledged is bounded over all its sessions, at once', () => {
  const MIB = 1024 * 1024
  const lab = new Lab({ unackedBytes: 2 * MIB, bufferedBytesPerAccount: 4 * MIB, bufferedBytes: 64 * MIB })
  lab.world.keys.update(lab.key.id, { userId: 7 })
  const modest = lab.newClient(lab.addKey())
  lab.client = modest
  lab.connect()
  lab.call({ _: 'help.getNearestDc' })
  const modestSession = lab.held.pop()!.call.session as MtprotoSession
  modestSession.pushUpdate(Buffer.alloc(64 * 1024))
  const modestBytes = modestSession.heldBytes
  hoard(lab, 10, 20)
  expect(lab.world.budget.held).toBeLessThanOrEqual(4 * MIB + modestBytes)
  expect(lab.world.budget.held).toBeGreaterThan(2 * MIB)
  expect(modestSession.heldBytes).toBe(modestBytes)
  // Another account on the same key starts at what its sessions hold.
  lab.world.keys.update(lab.key.id, { userId: 8 })
  hoard(lab, 2, 20)
  expect(lab.world.budget.held).toBeLessThanOrEqual(4 * MIB + modestBytes)
})

test('memory that is short for all is freed at once, not with the next sweep', () => {
  const MIB = 1024 * 1024
  const lab = new Lab({ unackedBytes: 8 * MIB, bufferedBytesPerAccount: 8 * MIB, bufferedBytes: 8 * MIB })
  for (let i = 0; i < 10; i++) {
    const key = lab.addKey()
    lab.world.keys.update(key.id, { userId: i + 1 })
    const client = lab.newClient(key)
    lab.client = client
    lab.connect()
    for (let j = 0; j < 20; j++) {
      lab.call({ _: 'help.getNearestDc' })
      ;(lab.held.pop()!.call.session as MtprotoSession).pushUpdate(Buffer.alloc(64 * 1024))
      lab.settle()
      lab.clock.advance(100)
      expect(lab.world.budget.held).toBeLessThanOrEqual(9 * MIB)
    }
  }
})

test('what one address does not read is bounded over all its connections', () => {
  const lab = new Lab({ unsentBytesPerAddress: 1024 * 1024 })
  const connections = Array.from({ length: 20 }, () => {
    lab.client = lab.newClient()
    const connection = lab.connect()
    connection.unsentBytes = 100 * 1024
    lab.call({ _: 'help.getNearestDc' })
    return connection
  })
  expect(connections.filter(({ open }) => open).length).toBe(10)
  for (const connection of connections) {
    connection.unsentBytes = 0
    connection.drain()
  }
  lab.client = lab.newClient()
  const next = lab.connect()
  next.unsentBytes = 500 * 1024
  lab.call({ _: 'help.getNearestDc' })
  expect(next.open).toBe(true)
})

test('a client that says something else of itself all the time does not fill the disk', () => {
  const lab = new Lab()
  let stored = 0
  lab.store.remember = async () => void stored++
  const describe = (deviceModel: string) => {
    const texts = { systemVersion: '', appVersion: '', systemLangCode: '', langPack: '', langCode: '' }
    const query = { _: 'initConnection', apiId: 1, deviceModel, ...texts, query: { _: 'help.getNearestDc' } }
    lab.call({ _: 'invokeWithLayer', layer: 200, query })
  }
  for (let i = 0; i < 100; i++) describe(`device ${i}`)
  expect(stored).toBe(16)
  // The session itself goes by what was said last.
  expect(lab.session?.client?.deviceModel).toBe('device 99')
  lab.clock.advance(600_000)
  for (let i = 0; i < 100; i++) describe(`later ${i}`)
  expect(stored).toBe(17)
})

test('bombs that unpack to too much cost as if they had been unpacked', () => {
  const lab = new Lab({ unpackedBytesPerPacket: 4 * 1024 * 1024 })
  const bomb = longGzip(gzipSync(Buffer.alloc(8 * 1024 * 1024)))
  lab.send(crowd(lab, 50, () => bomb))
  expect(lab.world.workRestMs(lab.key)).toBe(0)
  const unpacked = new UnpackBudget(4 * 1024 * 1024)
  for (let i = 0; i < 3; i++) expect(() => unpacked.read(bomb)).toThrow(/inflates to too much/)
  expect(unpacked.spent).toBe(4 * 1024 * 1024)
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
