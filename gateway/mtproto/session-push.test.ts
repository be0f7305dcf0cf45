import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { longLow } from './long.js'
import { bodyOf, ClientSession } from './test/client-session.js'
import { Lab } from './test/lab.js'

const draft = (message: string) => ({ _: 'messages.saveDraft', peer: { _: 'inputPeerSelf' }, message })
const getState = { _: 'updates.getState' }
const state = { _: 'updates.state', pts: 1, qts: 0, date: 1, seq: 0, unreadCount: 0 }
const nearest = { _: 'help.getNearestDc' }
const shortUpdate = (date: number) => bodyOf({ _: 'updateShort', update: { _: 'updateConfig' }, date })

let lab: Lab
beforeEach(() => {
  lab = new Lab()
})
afterEach(() => expect(lab.complaints).toEqual([]))

describe('pushes', () => {
  async function signedIn() {
    lab.world.keys.update(lab.key.id, { userId: 42 })
    lab.call(getState)
    await lab.held.at(-1)!.answer(state)
    lab.send(lab.client.pack(lab.client.ackBody(), undefined, 0))
    return lab.session!
  }

  test('start when an authorized session speaks, and not for what sessions for files say', () => {
    lab.world.keys.update(lab.key.id, { userId: 42 })
    lab.call(nearest)
    lab.call({ _: 'upload.saveFilePart', fileId: 'filefile', filePart: 0, bytes: Buffer.alloc(4) })
    expect(lab.events).toEqual([])
    lab.call({ _: 'users.getUsers', id: [{ _: 'inputUserSelf' }] })
    expect(lab.events).toEqual(['ready 42'])
  })

  test('never start for a session that said invokeWithoutUpdates first', () => {
    lab.world.keys.update(lab.key.id, { userId: 42 })
    lab.call({ _: 'invokeWithoutUpdates', query: nearest })
    lab.call(getState)
    expect(lab.events).toEqual([])
  })

  test('start with the login of the session itself, end with its logout', () => {
    lab.call({ _: 'auth.signIn', phoneNumber: '1', phoneCodeHash: '2', phoneCode: '3' })
    lab.world.keys.update(lab.key.id, { userId: 7 })
    lab.world.keys.update(lab.key.id, { userId: 8 })
    lab.world.keys.update(lab.key.id, { userId: 0 })
    expect(lab.events).toEqual(['ready 7', 'gone', 'ready 8', 'gone'])
  })

  test('are of the kind of notices, content, and their acknowledgement is told with the tag', async () => {
    const session = await signedIn()
    expect(session.pushUpdate(shortUpdate(1), 11)).toBe('sent')
    lab.settle()
    const push = lab.client.received.at(-1)!
    expect(longLow(push.msgId) & 3).toBe(3)
    expect(push.seqNo & 1).toBe(1)
    expect(lab.events.at(-1)).toBe('ready 42')
    lab.send(lab.client.pack(lab.client.ackBody(), undefined, 0))
    expect(lab.events.at(-1)).toBe('acked 11')
    expect(session.idle).toBe(true)
  })

  test('that were not acknowledged come again on the next connection, with those held meanwhile', async () => {
    const session = await signedIn()
    session.pushUpdate(shortUpdate(1))
    lab.world.flush()
    lab.cut()
    expect(session.pushUpdate(shortUpdate(2))).toBe('held')
    lab.connect()
    lab.call({ _: 'mt_ping', pingId: 'pingping' })
    expect(lab.client.noticesOf('updateShort').map(({ date }) => date)).toEqual([1, 2])
    expect(lab.client.noticesOf('mt_new_session_created').length).toBe(1)
    expect(lab.events).not.toContain('resync')
  })

  test('of which some were written when the connection broke all come on the next', async () => {
    lab = new Lab({ packetBytes: 100 })
    const session = await signedIn()
    for (let date = 1; date <= 20; date++) session.pushUpdate(shortUpdate(date))
    // The first write finds that the client does not read, and closes.
    lab.connection.unsentBytes = 1e9
    lab.world.flush()
    expect(lab.connection.open).toBe(false)
    lab.connection.arrived.length = 0
    lab.connect()
    lab.call({ _: 'mt_ping', pingId: 'pingping' })
    const dates = lab.client.noticesOf('updateShort').map(({ date }) => date as number)
    expect(dates.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })

  test('beyond the bounds are dropped, and the client is told to fetch the difference', async () => {
    lab = new Lab({ unackedBytesDisconnected: 2000 })
    const session = await signedIn()
    lab.cut()
    for (let date = 1; date <= 100; date++) session.pushUpdate(shortUpdate(date))
    lab.connect()
    lab.call({ _: 'mt_ping', pingId: 'pingping' })
    expect(lab.client.noticesOf('updatesTooLong').length).toBe(1)
    expect(lab.events.at(-1)).toBe('resync')
    const dates = lab.client.noticesOf('updateShort').map(({ date }) => date as number)
    expect(dates.at(-1)).toBe(100)
    expect(dates.length).toBeLessThan(20)
  })

  test('before a session came here are unknown: a client in mid-session is told to fetch the difference, once', async () => {
    for (let sentElsewhere = 0; sentElsewhere < 5; sentElsewhere++) lab.client.nextSeqNo()
    await signedIn()
    lab.call(getState)
    expect(lab.client.noticesOf('updatesTooLong').length).toBe(1)
    expect(lab.events).toContain('resync')
  })

  test('were not missed by a session that begins here', async () => {
    await signedIn()
    expect(lab.client.noticesOf('updatesTooLong')).toEqual([])
  })

  test('of a session that nobody comes back to end, and so does its memory', async () => {
    const session = await signedIn()
    lab.cut()
    session.pushUpdate(shortUpdate(1))
    lab.advance(121_000)
    expect(lab.events.at(-1)).toBe('gone')
    expect(lab.sessions.size).toBe(0)
    expect(lab.world.budget.held).toBe(0)
    expect(session.pushUpdate(shortUpdate(2))).toBe('lost')
  })

  test('to a client that never acknowledges do not pile up', async () => {
    const session = await signedIn()
    for (let i = 0; i < 5000; i++) {
      session.pushUpdate(shortUpdate(i))
      if (i % 50 === 0) lab.settle()
    }
    lab.settle()
    expect(lab.world.budget.held).toBeLessThan(1_000_000)
    lab.advance(301_000)
    expect(lab.world.budget.held).toBe(0)
  })
})

describe('memory', () => {
  test('an idle session holds no queue and no memory of messages that would be refused for their age', async () => {
    for (let i = 0; i < 50; i++) lab.call(draft(String(i)))
    for (const held of lab.held) await held.answer(true)
    lab.send(lab.client.pack(lab.client.ackBody(), undefined, 0))
    lab.advance(400_000)
    const session = lab.sessions.get(lab.key, lab.client.sessionId)!
    expect(session.idle).toBe(true)
    expect(session.seen.size).toBe(0)
    expect(lab.world.budget.held).toBe(0)
  })

  test('a message that was forgotten is not run again', async () => {
    const msgId = lab.call(draft('x'))
    await lab.held[0]!.answer(true)
    lab.advance(400_000)
    const container = lab.client.packContainer([{ body: bodyOf(draft('x')), msgId }])
    lab.send(container)
    expect(lab.ran.length).toBe(1)
    expect(lab.client.noticesOf('mt_bad_msg_notification')).toMatchObject([{ badMsgId: msgId, errorCode: 20 }])
  })

  test('sessions of one key are bounded, the longest silent goes', () => {
    lab = new Lab({ sessionsPerAuthKey: 3, sessionsPerConnection: 3 })
    const clients = Array.from({ length: 5 }, () => lab.newClient())
    for (const client of clients) {
      lab.client = client
      lab.clock.advance(10)
      lab.call(nearest)
    }
    expect(lab.sessions.size).toBe(3)
    expect(lab.sessions.get(lab.key, clients[4]!.sessionId)).toBeDefined()
  })
})

test('keys come from the store when they are not in memory, packets keep their order meanwhile', async () => {
  const other = new Lab()
  other.store.records.set(lab.key.id, { id: lab.key.id, key: Buffer.from(lab.key.key), layer: 204, userId: 5 })
  const client = new ClientSession(Buffer.from(lab.key.key), lab.key.id, lab.client.salt, () => other.clock.now())
  other.client = client
  for (const message of ['a', 'b', 'c']) other.call(draft(message))
  expect(other.ran).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  expect(other.ran.map((call) => call.method.message)).toEqual(['a', 'b', 'c'])
  expect(other.ran[0]!.session).toMatchObject({ layer: 204, userId: 5 })
  expect(other.store.loads).toBe(1)
})

test('a store that does not answer never costs a client its key', async () => {
  lab.store.broken = true
  lab.world.keys.drop(lab.key.id)
  lab.call(nearest)
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  expect(lab.connection.open).toBe(false)
  // -404 would have come as a packet of four bytes.
  expect(lab.connection.arrived).toEqual([])
  expect(lab.complaints.splice(0).length).toBe(1)
})
