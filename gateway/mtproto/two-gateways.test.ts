/** What a client could notice whose connections change between gateways that share its auth keys. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Long } from './long.js'
import { RpcError, type RpcHandler } from './rpc.js'
import type { Session } from './session-view.js'
import { bodyOf, type ClientSession } from './test/client-session.js'
import { shakeHands } from './test/handshake-client.js'
import { MemoryKeyStore } from './test/memory-key-store.js'
import { startTestGateway, type TestGateway } from './test/test-gateway.js'
import { tcpWire, type Wire } from './test/wires.js'

const whoAmI = { _: 'account.updateStatus', offline: false }
const whoAmIAnswers: RpcHandler = ({ session }) =>
  session.userId === 0 ? new RpcError(401, 'AUTH_KEY_UNREGISTERED') : true

let store: MemoryKeyStore
const gateways: TestGateway[] = []
const ready = new Map<TestGateway, Session[]>()
let client: ClientSession
const wires: Wire[] = []

beforeEach(async () => {
  store = new MemoryKeyStore()
  for (let i = 0; i < 2; i++) {
    const sessions: Session[] = []
    const hooks = { onSessionReady: (session: Session) => void sessions.push(session) }
    const gateway = await startTestGateway({ store, isShared: true, rpc: whoAmIAnswers, hooks })
    gateways.push(gateway)
    ready.set(gateway, sessions)
  }
})
afterEach(async () => {
  for (const wire of wires.splice(0)) wire.close()
  for (const gateway of gateways.splice(0)) {
    await gateway.close()
    expect(gateway.complaints).toEqual([])
  }
})

function dial(at: number): Wire {
  const wire = tcpWire(gateways[at]!.tcp.port)
  wires.push(wire)
  return wire
}

/** The salt of the handshake is good at its own gateway only: another one tells the current salt, as it does every hour. */
async function ask(wire: Wire, call: { readonly _: string } = whoAmI): Promise<unknown> {
  const id = client.nextId()
  wire.send(client.packObject(call, id))
  while (client.resultOf(id) === undefined) {
    client.open(await wire.next())
    const refusal = client.noticesOf('mt_bad_server_salt').find(({ badMsgId }) => badMsgId === id)
    if (!refusal || client.salt === refusal.newServerSalt) continue
    client.salt = refusal.newServerSalt as Long
    wire.send(client.packObject(call, id))
  }
  return client.resultOf(id)
}

const signIn = (userId: number) => store.records.set(client.keyId, { ...store.records.get(client.keyId)!, userId })
const unregistered = expect.objectContaining({ errorMessage: 'AUTH_KEY_UNREGISTERED' })

test('a login at one gateway is known at the other, which knew the key before', async () => {
  const first = dial(0)
  client = await shakeHands(first.exchange)
  expect(await ask(first)).toEqual(unregistered)
  signIn(7)
  expect(await ask(dial(1))).toBe(true)
  // Once a second the store is asked whether a key is still nobody's.
  await vi.waitUntil(async () => (await ask(first)) === true, { timeout: 5_000, interval: 200 })
})

test('a store that does not answer never has a client log in again', async () => {
  const first = dial(0)
  client = await shakeHands(first.exchange)
  expect(await ask(dial(1))).toEqual(unregistered)
  signIn(7)
  store.broken = true
  const answer = await ask(first)
  expect(answer).toEqual(expect.objectContaining({ errorMessage: 'FLOOD_WAIT_5' }))
  gateways[0]!.complaints.length = 0
})

test('a session that goes on at another gateway is announced there as new, and as one that has lived', async () => {
  const first = dial(0)
  client = await shakeHands(first.exchange)
  signIn(7)
  for (let i = 0; i < 4; i++) await ask(first)
  first.close()
  const second = dial(1)
  expect(await ask(second)).toBe(true)
  await vi.waitUntil(async () => (await ask(second)) === true && client.noticesOf('updatesTooLong').length === 1)
  expect(client.noticesOf('mt_new_session_created').length).toBe(2)
})

test('what is kept of a session that moved away goes, so that nothing is told twice when it comes back', async () => {
  const [one, two] = gateways as [TestGateway, TestGateway]
  const first = dial(0)
  client = await shakeHands(first.exchange)
  signIn(7)
  await vi.waitUntil(async () => (await ask(first)) === true, { timeout: 5_000, interval: 200 })
  first.close()
  await vi.waitUntil(() => one.gateway.sizes().sessionsConnected === 0)
  const [session] = ready.get(one)!
  session!.pushUpdate(bodyOf({ _: 'updateShort', update: { _: 'updateConfig' }, date: 1 }))
  await ask(dial(1))
  expect(two.gateway.sizes().sessions).toBe(1)
  one.gateway.movedAway(session!)
  expect(one.gateway.sizes().sessions).toBe(0)
  const back = dial(0)
  await ask(back)
  await ask(back)
  expect(client.noticesOf('updateShort')).toEqual([])
})

test('a session that a connection still carries is kept as long as it does', async () => {
  const [one] = gateways as [TestGateway]
  const first = dial(0)
  client = await shakeHands(first.exchange)
  await ask(first)
  signIn(7)
  await vi.waitUntil(async () => (await ask(first)) === true, { timeout: 5_000, interval: 200 })
  one.gateway.movedAway(ready.get(one)![0]!)
  expect(await ask(first)).toBe(true)
  expect(one.gateway.sizes().sessions).toBe(1)
})

test('a temporary key that was bound at one gateway is bound at the other, which knew it before', async () => {
  const first = dial(0)
  const permanent = await shakeHands(first.exchange)
  client = await shakeHands(dial(0).exchange, { inner: 'mt_p_q_inner_data_temp', expiresIn: 3600 })
  expect(await ask(first)).toEqual(expect.objectContaining({ errorMessage: 'AUTH_KEY_PERM_EMPTY' }))
  // As another gateway does it for auth.bindTempAuthKey.
  store.records.set(permanent.keyId, { ...store.records.get(permanent.keyId)!, userId: 7 })
  const { expiresAtSeconds = 0 } = store.records.get(client.keyId)!
  await store.bindTemporary({ temporaryKeyId: client.keyId, permanentKeyId: permanent.keyId, expiresAtSeconds })
  await vi.waitUntil(async () => (await ask(first)) === true, { timeout: 5_000, interval: 200 })
})

test('a stop answers the calls that are under way, and takes none that come later', async () => {
  const held: (() => void)[] = []
  const stopping = await startTestGateway({
    store,
    rpc: () => new Promise((resolve) => held.push(() => resolve(true))),
  })
  try {
    const wire = tcpWire(stopping.tcp.port)
    wires.push(wire)
    client = await shakeHands(wire.exchange)
    const [under, late] = [client.nextId(), client.nextId()]
    wire.send(client.packObject(whoAmI, under))
    await vi.waitUntil(() => held.length === 1)
    const closed = stopping.close()
    wire.send(client.packObject(whoAmI, late))
    for (const answer of held) answer()
    while (client.resultOf(under) === undefined) client.open(await wire.next())
    expect(client.resultOf(under)).toBe(true)
    await closed
    await wire.closed
    expect(held.length).toBe(1)
    expect(client.resultOf(late)).toBeUndefined()
  } finally {
    await stopping.close()
  }
})
