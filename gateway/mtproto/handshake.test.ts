import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha1 } from './crypto/hash.js'
import { igeEncrypt } from './crypto/ige.js'
import { deriveAesV1, FROM_CLIENT } from './crypto/kdf.js'
import { type Long, readLong, writeLong } from './long.js'
import { bodyOf, type ClientSession } from './test/client-session.js'
import { HandshakeClient, plainPacket, shakeHands } from './test/handshake-client.js'
import { startTestGateway, type TestGateway } from './test/test-gateway.js'
import { httpExchange, tcpWire, type Wire, webSocketWire } from './test/wires.js'

let server: TestGateway
beforeAll(async () => {
  server = await startTestGateway()
})
afterAll(async () => {
  await server.close()
  expect(server.complaints).toEqual([])
})

/** Reads packets until the call has its result. */
async function call(wire: Wire, session: ClientSession, object: { readonly _: string }) {
  const msgId = session.nextId()
  wire.send(session.packObject(object, msgId))
  while (session.resultOf(msgId) === undefined) session.open(await wire.next())
  return session.resultOf(msgId)
}

const nearest = { _: 'help.getNearestDc' }

describe('key exchange', () => {
  test.each([
    ['mt_p_q_inner_data', 'RSA_PAD'],
    ['mt_p_q_inner_data_dc', 'RSA_PAD'],
    ['mt_p_q_inner_data', 'sha1'],
    ['mt_p_q_inner_data_dc', 'sha1'],
    ['mt_p_q_inner_data_temp', 'RSA_PAD'],
    ['mt_p_q_inner_data_temp_dc', 'sha1'],
  ] as const)('%s with %s makes a key that is stored, and works', async (inner, padding) => {
    const wire = tcpWire(server.tcp.port)
    const session = await shakeHands(wire.exchange, { inner, padding, question: 'mt_req_pq' })
    const record = server.store.records.get(session.keyId)!
    expect(record.key.equals(session.key)).toBe(true)
    expect((record.expiresAtSeconds ?? 0) > 0).toBe(inner.includes('temp'))
    expect(await call(wire, session, nearest)).toMatchObject({ _: 'nearestDc' })
    // The salt of the handshake was accepted.
    expect(session.noticesOf('mt_bad_server_salt')).toEqual([])
    wire.close()
  })

  test.each([
    ['full', false],
    ['abridged', true],
    ['padded', true],
  ] as const)('over %s, obfuscated: %s', async (framing, obfuscated) => {
    const wire = tcpWire(server.tcp.port, framing, obfuscated)
    const session = await shakeHands(wire.exchange)
    expect(await call(wire, session, nearest)).toMatchObject({ _: 'nearestDc' })
    wire.close()
  })

  test('keys differ, and so do the server values that they are made of', async () => {
    const wire = tcpWire(server.tcp.port)
    const keys = [await shakeHands(wire.exchange), await shakeHands(wire.exchange)]
    expect(keys[0]!.keyId).not.toBe(keys[1]!.keyId)
    wire.close()
  })

  test('a failed one starts again on the same connection, but not for ever', async () => {
    const wire = tcpWire(server.tcp.port)
    const failed = new HandshakeClient(wire.exchange)
    await failed.ask()
    await expect(failed.requestParams(randomBytes(255))).rejects.toThrow('-404')
    await shakeHands(wire.exchange)
    const spoilt = new HandshakeClient(wire.exchange)
    await spoilt.ask()
    await expect(spoilt.agree(await spoilt.requestParams(), { spoil: true })).rejects.toThrow('-404')
    for (let i = 0; i < 6; i++) wire.send(plainPacket(bodyOf({ _: 'mt_ping', pingId: 'pingping' as Long })))
    await wire.closed
  })

  test.each([
    ['the factors', { p: Buffer.from([1]) }],
    ['the fingerprint', { publicKeyFingerprint: 'fingerpr' }],
    ['the nonce', { nonce: Buffer.alloc(16) }],
    ['the server nonce', { serverNonce: Buffer.alloc(16) }],
  ])('%s must be right', async (_what, changes) => {
    const wire = tcpWire(server.tcp.port)
    const client = new HandshakeClient(wire.exchange)
    await client.ask()
    await expect(client.requestParams(undefined, changes)).rejects.toThrow('-404')
    wire.close()
  })

  test('steps come once and in order', async () => {
    const wire = tcpWire(server.tcp.port)
    const client = new HandshakeClient(wire.exchange)
    await client.ask()
    await client.requestParams()
    await expect(client.requestParams()).rejects.toThrow('-404')
    wire.close()
  })

  test('a value at the edge of the group is answered dh_gen_fail and makes no key', async () => {
    const wire = tcpWire(server.tcp.port)
    const before = server.store.records.size
    for (const gB of [Buffer.from([1]), Buffer.alloc(256, 0xff)]) {
      const client = new HandshakeClient(wire.exchange)
      await client.ask()
      const { answer } = await client.agree(await client.requestParams(), { gB })
      expect(answer._).toBe('mt_dh_gen_fail')
    }
    expect(server.store.records.size).toBe(before)
    wire.close()
  })

  test('dh_gen_ok waits for the store', async () => {
    const broken = await startTestGateway()
    broken.store.broken = true
    const wire = tcpWire(broken.tcp.port)
    await expect(shakeHands(wire.exchange)).rejects.toThrow('the connection closed')
    expect(broken.complaints.length).toBe(1)
    await broken.close()
  })

  test('unfinished ones are bounded per address', async () => {
    const bounded = await startTestGateway({ limits: { unfinishedHandshakesPerAddress: 2 } })
    const wires = Array.from({ length: 3 }, () => tcpWire(bounded.tcp.port))
    for (const wire of wires.slice(0, 2)) await new HandshakeClient(wire.exchange).ask()
    await expect(new HandshakeClient(wires[2]!.exchange).ask()).rejects.toThrow('the connection closed')
    wires[0]!.close()
    await expect.poll(() => bounded.gateway.sizes().unfinishedHandshakes).toBe(1)
    const next = tcpWire(bounded.tcp.port)
    await shakeHands(next.exchange)
    await bounded.close()
  })
})

describe('unknown keys', () => {
  test.each(['intermediate', 'abridged', 'padded'] as const)(
    '%s: -404, framed, and the connection goes on',
    async (framing) => {
      const wire = tcpWire(server.tcp.port, framing)
      const packet = await wire.exchange(randomBytes(104))
      expect(packet.readInt32LE()).toBe(-404)
      await shakeHands(wire.exchange)
      wire.close()
    },
  )

  test('full: four bare bytes, then the end', async () => {
    const wire = tcpWire(server.tcp.port, 'full')
    const packet = await wire.exchange(randomBytes(104))
    expect(packet.length).toBe(4)
    expect(packet.readInt32LE()).toBe(-404)
    await wire.closed
  })

  test('guessing on is cut short', async () => {
    const wire = tcpWire(server.tcp.port)
    for (let i = 0; i < 8; i++) await wire.exchange(randomBytes(104))
    await wire.closed
  })
})

describe('perfect forward secrecy', () => {
  test('a temporary key serves nothing but its binding, and then stands for the permanent one', async () => {
    const wire = tcpWire(server.tcp.port)
    const permanent = await shakeHands(wire.exchange)
    const temporary = await shakeHands(wire.exchange, { inner: 'mt_p_q_inner_data_temp_dc', expiresIn: 600 })
    expect(await call(wire, temporary, { _: 'updates.getState' })).toMatchObject({
      errorMessage: 'AUTH_KEY_PERM_EMPTY',
    })
    expect(await bind(wire, temporary, permanent, { spoil: true })).toMatchObject({
      errorMessage: 'ENCRYPTED_MESSAGE_INVALID',
    })
    expect(await bind(wire, temporary, permanent)).toBe(true)
    expect(await bind(wire, temporary, permanent)).toBe(true)
    expect(server.store.records.get(temporary.keyId)!.permanentKeyId).toBe(permanent.keyId)
    server.gateway.authKeys.update(permanent.keyId, { userId: 99 })
    expect(await call(wire, temporary, { _: 'updates.getState' })).toMatchObject({ _: 'updates.state' })
    expect(server.calls.at(-1)!.session).toMatchObject({
      userId: 99,
      authKeyId: temporary.keyId,
      permanentAuthKeyId: permanent.keyId,
    })
    const other = await shakeHands(wire.exchange)
    expect(await bind(wire, temporary, other)).toMatchObject({ errorMessage: 'TEMP_AUTH_KEY_ALREADY_BOUND' })
    expect(await bind(wire, permanent, other)).toMatchObject({ errorMessage: 'TEMP_AUTH_KEY_EMPTY' })
    wire.close()
  })

  test('the end of the permanent key is the end of the temporary one', async () => {
    const wire = tcpWire(server.tcp.port)
    const permanent = await shakeHands(wire.exchange)
    const temporary = await shakeHands(wire.exchange, { inner: 'mt_p_q_inner_data_temp', expiresIn: 600 })
    expect(await bind(wire, temporary, permanent)).toBe(true)
    server.store.records.delete(permanent.keyId)
    server.gateway.authKeys.drop(permanent.keyId)
    await wire.closed
    const next = tcpWire(server.tcp.port)
    expect((await next.exchange(temporary.packObject(nearest))).readInt32LE()).toBe(-404)
    next.close()
  })

  async function bind(wire: Wire, temporary: ClientSession, permanent: ClientSession, { spoil = false } = {}) {
    const msgId = temporary.nextId()
    const nonce = readLong(randomBytes(8), 0)
    const expiresAt = Math.floor(Date.now() / 1000) + 600
    const inner = bodyOf({
      _: 'mt_bind_auth_key_inner',
      nonce: spoil ? ('spoilt!!' as Long) : nonce,
      tempAuthKeyId: temporary.keyId,
      permAuthKeyId: permanent.keyId,
      tempSessionId: temporary.sessionId,
      expiresAt,
    })
    const message = Buffer.concat([randomBytes(16), Buffer.alloc(16), inner])
    writeLong(message, msgId, 16)
    message.writeUInt32LE(inner.length, 28)
    const messageKey = sha1(message).subarray(4, 20)
    const { key, iv } = deriveAesV1(permanent.key, messageKey, FROM_CLIENT)
    const padded = Buffer.concat([message, randomBytes(-message.length & 15)])
    const head = Buffer.alloc(8)
    writeLong(head, permanent.keyId, 0)
    const encryptedMessage = Buffer.concat([head, messageKey, igeEncrypt(padded, key, iv)])
    const query = { _: 'auth.bindTempAuthKey', permAuthKeyId: permanent.keyId, nonce, expiresAt, encryptedMessage }
    wire.send(temporary.packObject(query, msgId))
    while (temporary.resultOf(msgId) === undefined) temporary.open(await wire.next())
    return temporary.resultOf(msgId)
  }
})

describe('WebSocket and HTTP', () => {
  test.each(['/apiws', '/apiws_test', '/apiws_premium'])('WebSocket at %s', async (path) => {
    const wire = webSocketWire(server.http.port, 'padded', path)
    const session = await shakeHands(wire.exchange)
    expect(await call(wire, session, nearest)).toMatchObject({ _: 'nearestDc' })
    wire.close()
  })

  test('HTTP: handshake, calls and pushes through http_wait, each request on its own', async () => {
    const post = httpExchange(server.http.port)
    const session = await shakeHands(async (packet) => (await post(packet)).packet)
    server.gateway.authKeys.update(session.keyId, { userId: 5 })
    const wait = (maxWait: number) =>
      session.packObject({ _: 'mt_http_wait', maxDelay: 0, waitAfter: 0, maxWait }, undefined, 0)
    const msgId = session.nextId()
    session.open((await post(session.packObject({ _: 'updates.getState' }, msgId))).packet)
    expect(session.notices).toMatchObject([{ _: 'mt_new_session_created' }])
    while (session.resultOf(msgId) === undefined) session.open((await post(wait(5000))).packet)
    const waiting = post(wait(20_000))
    const update = bodyOf({ _: 'updateShort', update: { _: 'updateConfig' }, date: 77 })
    server.gateway.pushToMany(server.gateway.authKeys.sessions(session.keyId), update)
    session.open((await waiting).packet)
    expect(session.noticesOf('updateShort')).toMatchObject([{ date: 77 }])
    const { packet } = await post(wait(100))
    expect(session.open(packet)).toEqual([])
  })

  test('HTTP: an unknown key is 404 with -404 inside, garbage 400, a long body refused', async () => {
    const post = httpExchange(server.http.port)
    const unknown = await post(randomBytes(104))
    expect(unknown.status).toBe(404)
    expect(unknown.packet.readInt32LE()).toBe(-404)
    expect((await post(randomBytes(7))).status).toBe(400)
    expect((await post(Buffer.alloc(2 << 20))).status).toBe(429)
  })
})

describe('limits of connections', () => {
  test('per address', async () => {
    const bounded = await startTestGateway({ limits: { connectionsPerAddress: 2 } })
    const wires = Array.from({ length: 2 }, () => tcpWire(bounded.tcp.port))
    for (const wire of wires) await new HandshakeClient(wire.exchange).ask()
    await tcpWire(bounded.tcp.port).closed
    await webSocketWire(bounded.http.port).closed
    wires[0]!.close()
    await expect.poll(() => bounded.gateway.sizes().connections).toBe(1)
    await shakeHands(tcpWire(bounded.tcp.port).exchange)
    await bounded.close()
  })

  test('a client that does not read is closed, others go on', async () => {
    const bounded = await startTestGateway({
      limits: { pauseReadingAtOutboundBytes: 100_000, maxOutboundBytes: 1_000_000, packetBytes: 100_000 },
    })
    const wire = tcpWire(bounded.tcp.port)
    const session = await shakeHands(wire.exchange)
    await call(wire, session, { _: 'updates.getState' })
    const [live] = bounded.gateway.authKeys.sessions(session.keyId)
    const { connect } = await import('node:net')
    const deaf = connect(bounded.tcp.port, '127.0.0.1')
    deaf.on('error', () => {})
    deaf.pause()
    const framed = session.packObject({ _: 'mt_ping', pingId: 'pingping' as Long })
    const head = Buffer.from('eeeeeeee00000000', 'hex')
    head.writeUInt32LE(framed.length, 4)
    deaf.write(Buffer.concat([head, framed]))
    await expect.poll(() => bounded.gateway.sizes().connections).toBe(2)
    wire.close()
    await expect.poll(() => live!.connected).toBe(true)
    const body = bodyOf({ _: 'updateShort', update: { _: 'updateConfig' }, date: 1 })
    const large = Buffer.concat([body, Buffer.alloc(60_000)])
    await expect
      .poll(
        () => {
          for (let i = 0; i < 20; i++) live!.pushUpdate(large)
          return bounded.counts.get('slow_readers_closed') ?? 0
        },
        { timeout: 10_000 },
      )
      .toBe(1)
    await shakeHands(tcpWire(bounded.tcp.port).exchange)
    deaf.destroy()
    await bounded.close()
  })
})
