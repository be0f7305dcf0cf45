import { randomBytes, randomInt } from 'node:crypto'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GZIP_PACKED } from './container.js'
import type { Long } from './long.js'
import { bodyOf, type ClientSession } from './test/client-session.js'
import { HandshakeClient, plainPacket, shakeHands } from './test/handshake-client.js'
import { Lab } from './test/lab.js'
import { startTestGateway, type TestGateway } from './test/test-gateway.js'
import { httpExchange, tcpWire, type Wire, webSocketWire } from './test/wires.js'

const nearest = { _: 'help.getNearestDc' }

describe('on a live server, beside a client that behaves', () => {
  let server: TestGateway
  let wire: Wire
  let session: ClientSession

  beforeAll(async () => {
    server = await startTestGateway()
    wire = tcpWire(server.tcp.port)
    session = await shakeHands(wire.exchange)
    await wellBehaved()
  })

  afterAll(async () => {
    wire.close()
    await server.close()
  })

  /** The client that notices nothing: its call is answered, on the connection that it has had all along. */
  async function wellBehaved() {
    const msgId = session.nextId()
    wire.send(session.packObject(nearest, msgId))
    while (session.resultOf(msgId) === undefined) session.open(await wire.next())
    expect(session.resultOf(msgId)).toMatchObject({ _: 'nearestDc' })
  }

  /** The attackers are gone, and what they made us hold with them. */
  async function expectNothingLeft() {
    await expect.poll(() => server.gateway.sizes().connections, { timeout: 10_000 }).toBe(1)
    expect(server.gateway.sizes().unfinishedHandshakes).toBe(0)
    expect(server.gateway.sizes().bufferedBytes).toBeLessThan(100_000)
    expect(server.complaints).toEqual([])
    await wellBehaved()
  }

  test('random bytes as a stream', async () => {
    const attacks = Array.from({ length: 60 }, async (_, i) => {
      const socket = connect(server.tcp.port, '127.0.0.1')
      socket.on('error', () => {})
      const starts = ['ef', 'eeeeeeee', 'dddddddd', '']
      socket.write(Buffer.concat([Buffer.from(starts[i % 4]!, 'hex'), randomBytes(randomInt(1, 5000))]))
      socket.resume()
      await new Promise((resolve) => setImmediate(resolve))
      socket.end()
      await new Promise((resolve) => socket.on('close', resolve))
    })
    await wellBehaved()
    await Promise.all(attacks)
    await expectNothingLeft()
  })

  test('random packets in good frames: unencrypted, and under unknown keys', async () => {
    for (const framing of ['abridged', 'intermediate', 'padded', 'full'] as const) {
      for (let i = 0; i < 10; i++) {
        const attacker = tcpWire(server.tcp.port, framing, framing !== 'full' && i % 2 === 0)
        for (let j = 0; j < 5; j++) {
          attacker.send(randomBytes(24 + 4 * randomInt(50)))
          attacker.send(plainPacket(randomBytes(4 * randomInt(1, 50))))
        }
        await attacker.next().catch(() => {})
        attacker.close()
      }
    }
    await expectNothingLeft()
  })

  test('handshakes with one thing changed', async () => {
    for (let i = 0; i < 60; i++) {
      const attacker = tcpWire(server.tcp.port)
      const client = new HandshakeClient(async (packet) => {
        const spoilt = Buffer.from(packet)
        if (randomInt(2) === 0) spoilt[20 + randomInt(spoilt.length - 20)]! ^= 1 << randomInt(8)
        return attacker.exchange(spoilt)
      })
      await client
        .ask()
        .then(() => client.requestParams())
        .then((params) => client.agree(params))
        .catch(() => {})
      attacker.close()
    }
    await expectNothingLeft()
  })

  test('encrypted packets with one byte changed, cut short, or sent again', async () => {
    const attacker = tcpWire(server.tcp.port)
    const own = await shakeHands(attacker.exchange)
    attacker.close()
    for (let i = 0; i < 60; i++) {
      const line = tcpWire(server.tcp.port)
      const packet = own.packObject(nearest)
      const changed = Buffer.from(packet)
      changed[8 + randomInt(changed.length - 8)]! ^= 1 << randomInt(8)
      line.send(packet, packet, i % 2 === 0 ? changed : packet.subarray(0, randomInt(1, packet.length / 4) * 4))
      await line.next().catch(() => {})
      line.close()
    }
    await expectNothingLeft()
  })

  test('WebSocket and HTTP', async () => {
    const post = httpExchange(server.http.port)
    for (let i = 0; i < 30; i++) {
      const attacker = webSocketWire(server.http.port)
      attacker.send(randomBytes(24 + 4 * randomInt(50)))
      await attacker.next().catch(() => {})
      attacker.close()
      expect([200, 400, 404]).toContain((await post(randomBytes(randomInt(300)))).status)
    }
    await expectNothingLeft()
  })
})

describe('inside a session that is encrypted well', () => {
  test('any body and any container end in an answer, a notice or the end of the connection; nothing is held', () => {
    const objects = [
      { _: 'mt_msgs_ack', msgIds: ['aaaaaaaa', 'bbbbbbbb'] },
      { _: 'mt_msgs_state_req', msgIds: ['aaaaaaaa'] },
      { _: 'mt_msg_resend_req', msgIds: ['aaaaaaaa'] },
      { _: 'mt_rpc_drop_answer', reqMsgId: 'aaaaaaaa' },
      { _: 'mt_destroy_session', sessionId: 'aaaaaaaa' },
      { _: 'mt_get_future_salts', num: -1 },
      { _: 'mt_http_wait', maxDelay: -1, waitAfter: -1, maxWait: -1 },
      { _: 'mt_ping_delay_disconnect', pingId: 'aaaaaaaa', disconnectDelay: -1 },
      { _: 'mt_req_pq', nonce: Buffer.alloc(16) },
      { _: 'mt_msgs_state_info', reqMsgId: 'aaaaaaaa', info: Buffer.alloc(3) },
      { _: 'mt_msg_detailed_info', msgId: 'aaaaaaaa', answerMsgId: 'aaaaaaaa', bytes: -1, status: -1 },
      { _: 'invokeAfterMsg', msgId: 'aaaaaaaa', query: nearest },
      { _: 'invokeAfterMsgs', msgIds: Array.from({ length: 300 }, () => 'aaaaaaaa'), query: nearest },
      { _: 'invokeWithLayer', layer: -1, query: nearest },
      { _: 'invokeWithLayer', layer: 2 ** 31 - 1, query: nearest },
    ].map((object) => bodyOf(object))
    const body = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 400 }).map((bytes) => Buffer.from(bytes.subarray(0, bytes.length & ~3))),
      fc.constantFrom(...objects),
      fc.tuple(fc.constantFrom(...objects), fc.nat(10_000), fc.nat(255)).map(([object, at, value]) => {
        const changed = Buffer.from(object)
        changed[at % changed.length] = value
        return changed
      }),
    )
    const lab = new Lab()
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 6 }), fc.boolean(), fc.nat(3), (bodies, contained, odd) => {
        lab.client = lab.newClient()
        lab.connect()
        const messages = bodies.map((each) => ({ body: each, msgId: lab.client.nextId() }))
        if (odd === 3) messages.push(...messages)
        if (contained) lab.send(lab.client.packContainer(messages))
        else lab.send(...messages.map((each) => lab.client.pack(each.body, each.msgId)))
        for (const held of lab.held.splice(0)) held.answer(true)
        lab.cut()
      }),
      { numRuns: 1500 },
    )
    lab.advance(30_000)
    lab.advance(400_000)
    expect(lab.sessions.size).toBe(0)
    expect(lab.calls.running).toBe(0)
    expect(lab.world.budget.held).toBe(0)
    expect(lab.world.partials.held).toBe(0)
    expect(lab.complaints.filter((complaint) => !complaint.includes('not answered in its time'))).toEqual([])
  })

  test('a container of gzip bombs costs no more than its bound', async () => {
    const lab = new Lab({ unpackedBytesPerPacket: 4 << 20 })
    const zipped = gzipSync(Buffer.alloc(1 << 20))
    const head = Buffer.alloc(8)
    head.writeUInt32LE(GZIP_PACKED, 0)
    head.writeUInt32LE(254 + zipped.length * 256, 4)
    const bomb = Buffer.concat([head, zipped, Buffer.alloc(-zipped.length & 3)])
    const messages = Array.from({ length: 900 }, () => ({ body: bomb, msgId: lab.client.nextId() }))
    const started = process.cpuUsage()
    lab.send(lab.client.packContainer(messages))
    while (lab.client.results.length < 900) {
      await new Promise(setImmediate)
      lab.settle()
    }
    // 900 MiB would take seconds.
    expect(process.cpuUsage(started).user).toBeLessThan(1_500_000)
  })

  test('waiting for messages that never come holds a bounded number of them', () => {
    const lab = new Lab()
    for (let i = 0; i < 2000; i++) {
      const msgId = lab.client.nextId()
      lab.call({ _: 'invokeAfterMsg', msgId: lab.client.nextId(), query: nearest }, msgId)
    }
    expect(lab.calls.running).toBeLessThanOrEqual(256)
    lab.advance(10_000)
    expect(lab.calls.running).toBe(0)
  })

  test('a stranger with a key of their own cannot speak in the session of another', () => {
    const lab = new Lab()
    lab.call(nearest)
    const victim = lab.session
    const stranger = lab.newClient(lab.addKey())
    stranger.sessionId = lab.client.sessionId
    const connection = lab.connect()
    lab.client = stranger
    lab.send(stranger.packObject({ _: 'mt_destroy_session', sessionId: stranger.sessionId as Long }))
    expect(lab.sessions.size).toBe(2)
    expect(victim!.connected).toBe(true)
    expect(connection.open).toBe(true)
  })
})
