import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GZIP_PACKED } from './container.js'
import { type Long, longFromInts, longHigh, longLow } from './long.js'
import { RpcError } from './rpc.js'
import { SALT_SECONDS } from './salts.js'
import { bodyOf } from './test/client-session.js'
import { Lab } from './test/lab.js'

const draft = (message: string) => ({ _: 'messages.saveDraft', peer: { _: 'inputPeerSelf' }, message })
const getState = { _: 'updates.getState' }
const state = { _: 'updates.state', pts: 1, qts: 0, date: 1, seq: 0, unreadCount: 0 }
const nearest = { _: 'help.getNearestDc' }

let lab: Lab
beforeEach(() => {
  lab = new Lab()
})
afterEach(() => expect(lab.complaints).toEqual([]))

describe('a new session', () => {
  test('is announced in a packet of its own, with the lowest id of the packet that began it', () => {
    const low = lab.client.nextId()
    const ping = bodyOf({ _: 'mt_ping', pingId: low })
    lab.send(
      lab.client.packContainer([
        { body: ping, msgId: low },
        { body: bodyOf(getState), msgId: lab.client.nextId() },
      ]),
    )
    const [created, ...others] = lab.client.received
    expect(lab.client.notices[0]).toMatchObject({ _: 'mt_new_session_created', firstMsgId: low })
    expect(created!.inContainer).toBe(false)
    expect(others.every((message) => message.packet !== created!.packet)).toBe(true)
  })

  test('is not made by a message with a wrong salt, which comes again as it was', () => {
    const { salt } = lab.client
    lab.client.salt = 'notasalt' as Long
    const msgId = lab.client.nextId()
    lab.send(lab.client.packObject(nearest, msgId))
    expect(lab.client.notices).toEqual([
      expect.objectContaining({ _: 'mt_bad_server_salt', badMsgId: msgId, errorCode: 48, newServerSalt: salt }),
    ])
    expect(lab.session).toBeUndefined()
    lab.client.salt = salt
    lab.send(lab.client.packObject(nearest, msgId))
    expect(lab.ran.length).toBe(1)
    expect(lab.client.noticesOf('mt_new_session_created').length).toBe(1)
  })

  test.each([
    ['too old', -301, 0, 16],
    ['too new', 31, 0, 17],
    ['not a multiple of four', 0, 1, 18],
  ])('is not made by a message whose id is %s', (_what, seconds, odd, errorCode) => {
    const now = lab.client.nextId()
    const msgId = longFromInts(longLow(now) + odd, longHigh(now) + seconds)
    lab.send(lab.client.packObject(nearest, msgId))
    expect(lab.client.notices).toEqual([
      expect.objectContaining({ _: 'mt_bad_msg_notification', badMsgId: msgId, errorCode }),
    ])
    expect(lab.session).toBeUndefined()
    expect(lab.ran).toEqual([])
  })
})

describe('calls', () => {
  test('a result comes back under the id of its call', async () => {
    const msgId = lab.call(getState)
    await lab.held[0]!.answer(state)
    expect(lab.client.resultOf(msgId)).toMatchObject({ _: 'updates.state', pts: 1 })
  })

  test('an error, thrown or returned, comes back as it is; anything else as 500 INTERNAL, and is logged', async () => {
    const ids = [lab.call(draft('a')), lab.call(draft('b')), lab.call(draft('c'))]
    await lab.held[0]!.answer(new RpcError(400, 'PEER_ID_INVALID'))
    await lab.held[1]!.fail(new RpcError(403, 'CHAT_WRITE_FORBIDDEN'))
    await lab.held[2]!.fail(new TypeError('a bug'))
    expect(ids.map((id) => lab.client.resultOf(id))).toMatchObject([
      { errorCode: 400, errorMessage: 'PEER_ID_INVALID' },
      { errorCode: 403, errorMessage: 'CHAT_WRITE_FORBIDDEN' },
      { errorCode: 500, errorMessage: 'INTERNAL' },
    ])
    expect(lab.complaints.splice(0).join()).toContain('a bug')
  })

  test('a result that does not fit its type is a bug of ours, not a crash', async () => {
    const msgId = lab.call(getState)
    await lab.held[0]!.answer({ _: 'updates.state' })
    expect(lab.client.resultOf(msgId)).toMatchObject({ errorCode: 500 })
    expect(lab.complaints.splice(0).length).toBe(1)
  })

  test('a repeat while it runs is acknowledged, after it a repeat gets the same message again: it ran once', async () => {
    const msgId = lab.call(draft('x'))
    lab.call(draft('x'), msgId)
    expect(lab.client.noticesOf('mt_msgs_ack')).toMatchObject([{ msgIds: [msgId] }])
    await lab.held[0]!.answer(true)
    lab.call(draft('x'), msgId)
    expect(lab.ran.length).toBe(1)
    const answers = lab.client.received.filter(({ body }) => body.readUInt32LE(0) === 0xf35c6d01)
    expect(answers.length).toBe(2)
    expect(answers[1]!.msgId).toBe(answers[0]!.msgId)
    // An id of the past is believed only inside a container.
    expect(answers[1]!.inContainer).toBe(true)
  })

  test('a repeat after the answer was acknowledged is only acknowledged', async () => {
    const msgId = lab.call(draft('x'))
    await lab.held[0]!.answer(true)
    lab.send(lab.client.pack(lab.client.ackBody(), undefined, 0))
    lab.call(draft('x'), msgId)
    expect(lab.ran.length).toBe(1)
    expect(lab.client.results.length).toBe(1)
    expect(lab.client.noticesOf('mt_msgs_ack').at(-1)).toMatchObject({ msgIds: [msgId] })
  })

  test('a slow one is acknowledged, once', () => {
    const msgId = lab.call(draft('x'))
    lab.advance(600)
    expect(lab.client.noticesOf('mt_msgs_ack')).toEqual([])
    lab.advance(200)
    lab.advance(2000)
    expect(lab.client.noticesOf('mt_msgs_ack')).toMatchObject([{ msgIds: [msgId] }])
  })

  test('one that its handler never answers is answered for it, and a late answer is dropped', async () => {
    const msgId = lab.call(draft('x'))
    lab.advance(25_001)
    expect(lab.client.resultOf(msgId)).toMatchObject({ errorCode: 420, errorMessage: 'FLOOD_WAIT_10' })
    expect(lab.complaints.splice(0).length).toBe(1)
    await lab.held[0]!.answer(true)
    expect(lab.client.results.length).toBe(1)
  })

  test('gzip_packed in either place is understood, and a long answer is packed', async () => {
    const packed = (object: Buffer) => {
      const zipped = gzipSync(object)
      const head = Buffer.from([0, 0, 0, 0, zipped.length])
      head.writeUInt32LE(GZIP_PACKED, 0)
      return Buffer.concat([head, zipped, Buffer.alloc(-(zipped.length + 1) & 3)])
    }
    lab.send(lab.client.pack(packed(bodyOf(draft('whole')))))
    const layer = bodyOf({ _: 'invokeWithLayer', layer: 214, query: nearest })
    lab.send(lab.client.pack(Buffer.concat([layer.subarray(0, 8), packed(bodyOf(draft('inside')))])))
    expect(lab.client.results).toEqual([])
    expect(lab.ran.map((call) => call.method.message)).toEqual(['whole', 'inside'])
    const msgId = lab.call({ _: 'contacts.getStatuses' })
    const status = { _: 'contactStatus', userId: 7, status: { _: 'userStatusEmpty' } }
    await lab.held[2]!.answer(Array.from({ length: 1000 }, () => status))
    const answer = lab.client.received.at(-1)!
    expect(answer.body.readUInt32LE(12)).toBe(GZIP_PACKED)
    expect(answer.body.length).toBeLessThan(1000)
    expect(lab.client.results.at(-1)!.requestId).toBe(msgId)
  })

  test('what no layer knows is INPUT_METHOD_INVALID, what is cut off INPUT_FETCH_ERROR', () => {
    const garbage = lab.client.nextId()
    lab.send(lab.client.pack(Buffer.from('deadbeef00000000', 'hex'), garbage))
    const cut = lab.client.nextId()
    lab.send(lab.client.pack(bodyOf(draft('x')).subarray(0, 8), cut))
    const object = lab.call({ _: 'inputPeerSelf' })
    const errors = [garbage, cut, object].map(
      (id) => (lab.client.resultOf(id) as { errorMessage: string }).errorMessage,
    )
    expect(errors).toEqual(['INPUT_METHOD_INVALID', 'INPUT_FETCH_ERROR', 'INPUT_METHOD_INVALID'])
  })

  test('more than a session may have at once are told to wait a few seconds', () => {
    lab = new Lab({ callsPerSession: 3 })
    const ids = Array.from({ length: 5 }, (_, i) => lab.call(draft(String(i))))
    expect(lab.ran.length).toBe(3)
    expect(lab.client.resultOf(ids[3]!)).toMatchObject({ errorCode: 420, errorMessage: 'FLOOD_WAIT_5' })
  })
})

describe('wrappers', () => {
  test('layer and client are remembered with the key, and stored', async () => {
    lab.call({
      _: 'invokeWithLayer',
      layer: 198,
      query: {
        _: 'initConnection',
        apiId: 6,
        deviceModel: 'd'.repeat(1000),
        systemVersion: 's',
        appVersion: 'a',
        systemLangCode: 'en',
        langPack: '',
        langCode: 'en',
        query: nearest,
      },
    })
    expect(lab.ran[0]!.method._).toBe('help.getNearestDc')
    expect(lab.session!.layer).toBe(198)
    expect(lab.session!.client).toMatchObject({ apiId: 6, deviceModel: 'd'.repeat(128) })
    const other = lab.newClient()
    lab.client = other
    lab.call(nearest)
    expect(lab.session!.layer).toBe(198)
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(lab.store.records.get(lab.key.id)).toMatchObject({ layer: 198, client: { apiId: 6 } })
  })

  test('what they say reaches the handler', () => {
    lab.call({
      _: 'invokeWithoutUpdates',
      query: {
        _: 'invokeWithTakeout',
        takeoutId: 'takeout!',
        query: {
          _: 'invokeWithMessagesRange',
          range: { _: 'messageRange', minId: 3, maxId: 9 },
          query: getState,
        },
      },
    })
    expect(lab.ran[0]).toMatchObject({
      withoutUpdates: true,
      takeoutId: 'takeout!',
      messagesRange: { minId: 3, maxId: 9 },
      method: { _: 'updates.getState' },
    })
  })

  test('nested beyond reason are refused', () => {
    let query: Record<string, unknown> = getState
    for (let i = 0; i < 20; i++) query = { _: 'invokeWithoutUpdates', query }
    const msgId = lab.call(query as { _: string })
    expect(lab.client.resultOf(msgId)).toMatchObject({ errorMessage: 'INPUT_METHOD_INVALID' })
  })
})

describe('invokeAfterMsg', () => {
  const following = (msgId: Long, message: string) => ({ _: 'invokeAfterMsg', msgId, query: draft(message) })

  test('starts when the one before has answered', async () => {
    const first = lab.call(draft('first'))
    const second = lab.call(following(first, 'second'))
    expect(lab.ran.length).toBe(1)
    await lab.held[0]!.answer(true)
    expect(lab.ran.map((call) => call.method.message)).toEqual(['first', 'second'])
    await lab.held[1]!.answer(true)
    expect(lab.client.resultOf(second)).toBe(true)
  })

  test('fails with MSG_WAIT_FAILED when the one before failed, down the whole chain', async () => {
    const first = lab.call(draft('first'))
    const second = lab.call(following(first, 'second'))
    const third = lab.call(following(second, 'third'))
    await lab.held[0]!.answer(new RpcError(400, 'MESSAGE_EMPTY'))
    expect(lab.ran.length).toBe(1)
    for (const id of [second, third]) expect(lab.client.resultOf(id)).toMatchObject({ errorMessage: 'MSG_WAIT_FAILED' })
    const late = lab.call(following(first, 'late'))
    expect(lab.client.resultOf(late)).toMatchObject({ errorMessage: 'MSG_WAIT_FAILED' })
  })

  test('waits for one that has not arrived, for a while', async () => {
    lab.call(nearest)
    const missing = lab.client.nextId()
    const second = lab.call(following(missing, 'second'))
    lab.call(draft('first'), missing)
    expect(lab.ran.map((call) => call.method.message)).toEqual([undefined, 'first'])
    await lab.held[1]!.answer(true)
    expect(lab.ran.at(-1)!.method.message).toBe('second')
    await lab.held[2]!.answer(true)
    expect(lab.client.resultOf(second)).toBe(true)

    const never = lab.client.nextId()
    const third = lab.call(following(never, 'third'))
    lab.advance(4000)
    expect(lab.client.resultOf(third)).toMatchObject({ errorMessage: 'MSG_WAIT_TIMEOUT' })
    // It is new again: nothing is known of it.
    lab.call(draft('never'), never)
    expect(lab.ran.at(-1)!.method.message).toBe('never')
  })

  test('a call that waits does not spend the time that it has to run in', async () => {
    const ids = [lab.call(draft('0'))]
    for (let i = 1; i < 8; i++) ids.push(lab.call(following(ids.at(-1)!, String(i))))
    for (let i = 0; i < 8; i++) {
      lab.advance(15_000)
      expect(lab.ran.length).toBe(i + 1)
      await lab.held[i]!.answer(true)
    }
    expect(ids.map((id) => lab.client.resultOf(id))).toEqual(ids.map(() => true))
  })

  test('a call does not wait for ever for those before it', async () => {
    const { waitForOthersMs } = lab.world.limits
    const ids = [lab.call(draft('0'))]
    for (let i = 1; i < 30; i++) ids.push(lab.call(following(ids.at(-1)!, String(i))))
    for (let i = 0; i * 20_000 < waitForOthersMs; i++) {
      lab.advance(20_000)
      await lab.held[i]!.answer(true)
    }
    const waiting = ids.slice(lab.ran.length)
    expect(waiting.length).toBeGreaterThan(0)
    lab.advance(1000)
    for (const id of waiting) expect(lab.client.resultOf(id)).toMatchObject({ errorCode: 400 })
    await lab.held.at(-1)!.answer(true)
    expect(lab.calls.running).toBe(0)
    expect(lab.session!.idle).toBe(false)
  })

  test('one of several, and one that names itself', async () => {
    const ids = [lab.call(draft('a')), lab.call(draft('b'))]
    lab.call({ _: 'invokeAfterMsgs', msgIds: ids, query: draft('c') })
    await lab.held[1]!.answer(true)
    expect(lab.ran.length).toBe(2)
    await lab.held[0]!.answer(true)
    expect(lab.ran.length).toBe(3)
    const own = lab.client.nextId()
    lab.call(following(own, 'self'), own)
    expect(lab.client.resultOf(own)).toMatchObject({ errorMessage: 'MSG_WAIT_FAILED' })
  })
})

describe('service messages', () => {
  test('ping, future salts and message states are answered outside rpc_result', () => {
    const call = lab.call(draft('x'))
    const ping = lab.call({ _: 'mt_ping', pingId: 'pingping' })
    expect(lab.client.noticesOf('mt_pong')).toMatchObject([{ msgId: ping, pingId: 'pingping' }])
    lab.call({ _: 'mt_get_future_salts', num: 1 })
    const salts = lab.client.noticesOf('mt_future_salts')[0]!.salts as { validSince: number; salt: Long }[]
    expect(salts.length).toBeGreaterThanOrEqual(3)
    expect(salts[0]!.salt).toBe(lab.client.salt)
    expect(salts[0]!.validSince).toBe(Math.min(...salts.map((each) => each.validSince)))
    const unknown = lab.client.nextId()
    const old = longFromInts(0, longHigh(unknown) - 1000)
    const future = longFromInts(0, longHigh(unknown) + 100)
    lab.call({ _: 'mt_msgs_state_req', msgIds: [call, unknown, old, future] })
    expect([...(lab.client.noticesOf('mt_msgs_state_info')[0]!.info as Buffer)]).toEqual([4, 2, 1, 3])
  })

  test('rpc_drop_answer: of a call that runs, that has answered, that nobody knows', async () => {
    const running = lab.call(draft('running'))
    const answered = lab.call(draft('answered'))
    await lab.held[1]!.answer(true)
    const drops = [running, answered, lab.client.nextId()].map((reqMsgId) =>
      lab.call({ _: 'mt_rpc_drop_answer', reqMsgId }),
    )
    expect(drops.map((id) => (lab.client.resultOf(id) as { _: string })._)).toEqual([
      'mt_rpc_answer_dropped_running',
      'mt_rpc_answer_dropped',
      'mt_rpc_answer_unknown',
    ])
    await lab.held[0]!.answer(true)
    expect(lab.client.resultOf(running)).toBeUndefined()
  })

  test('msg_resend_req sends again what is held, and tells the state of the rest', async () => {
    const call = lab.call(draft('x'))
    await lab.held[0]!.answer(true)
    const answer = lab.client.received.at(-1)!
    lab.call({ _: 'mt_msg_resend_req', msgIds: [answer.msgId, call] })
    expect(lab.client.results.length).toBe(2)
    expect([...(lab.client.noticesOf('mt_msgs_state_info')[0]!.info as Buffer)]).toEqual([4])
  })

  test('destroy_session ends another session of the key, never its own', () => {
    const first = lab.client
    lab.call(nearest)
    lab.client = lab.newClient()
    lab.call(nearest)
    lab.call({ _: 'mt_destroy_session', sessionId: first.sessionId })
    lab.call({ _: 'mt_destroy_session', sessionId: lab.client.sessionId })
    expect(lab.client.noticesOf('mt_destroy_session_ok')).toMatchObject([{ sessionId: first.sessionId }])
    expect(lab.client.noticesOf('mt_destroy_session_none').length).toBe(1)
    expect(lab.sessions.size).toBe(1)
  })

  test('destroy_auth_key ends key, sessions and connection', async () => {
    lab.call(nearest)
    lab.call({ _: 'mt_destroy_auth_key' })
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    lab.settle()
    expect(lab.client.noticesOf('mt_destroy_auth_key_ok').length).toBe(1)
    expect(lab.store.records.size).toBe(0)
    expect(lab.sessions.size).toBe(0)
    expect(lab.connection.open).toBe(false)
  })

  test('ping_delay_disconnect closes the connection when no further ping comes', () => {
    lab.call({ _: 'mt_ping_delay_disconnect', pingId: 'pingping', disconnectDelay: 75 })
    lab.advance(60_000)
    lab.call({ _: 'mt_ping_delay_disconnect', pingId: 'pingping', disconnectDelay: 75 })
    lab.advance(60_000)
    expect(lab.connection.open).toBe(true)
    lab.advance(16_000)
    expect(lab.connection.open).toBe(false)
  })

  test('a container inside a container, and one whose lengths lie, are refused as a whole', () => {
    const inner = lab.client.nextId()
    const nested = Buffer.from('dcf8f17300000000', 'hex')
    const msgId = lab.client.nextId()
    lab.send(lab.client.packContainer([{ body: nested, msgId: inner }], msgId))
    expect(lab.client.notices).toMatchObject([{ _: 'mt_bad_msg_notification', badMsgId: msgId, errorCode: 64 }])
  })
})

describe('salts', () => {
  test('the one before stays good for a period, older ones do not', () => {
    lab.call(nearest)
    for (const good of [true, false]) {
      lab.clock.advance(SALT_SECONDS * 1000)
      const before = lab.client.noticesOf('mt_bad_server_salt').length
      lab.call(nearest)
      expect(lab.client.noticesOf('mt_bad_server_salt').length - before).toBe(good ? 0 : 1)
    }
    lab.client.salt = lab.client.noticesOf('mt_bad_server_salt')[0]!.newServerSalt as Long
    const calls = lab.ran.length
    lab.call(nearest)
    expect(lab.ran.length).toBe(calls + 1)
  })

  test('the future ones that were told come true', () => {
    lab.call({ _: 'mt_get_future_salts', num: 4 })
    const salts = lab.client.noticesOf('mt_future_salts')[0]!.salts as { validSince: number; salt: Long }[]
    for (const { validSince, salt } of salts.slice(1)) {
      lab.clock.advance(validSince * 1000 + 1000 - lab.clock.now())
      lab.client.salt = salt
      lab.call(nearest)
      expect(lab.client.noticesOf('mt_bad_server_salt')).toEqual([])
    }
  })
})
