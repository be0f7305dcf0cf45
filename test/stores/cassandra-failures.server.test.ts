/**
 * Cassandra fails in every way while real clients send:
 *
 * X1. Whoever is refused is told to wait (FLOOD_WAIT_X, X at most 10), which clients sleep out, and nothing else.
 * X2. What was acknowledged is there, once and in order, on both sides.
 * X3. When it is back everything goes on by itself.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { TelegramClient } from '@mtcute/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { mtcuteSender, type Sender } from '../crash/crash-load.js'
import { history } from '../crash/witness.js'
import {
  mtcuteClient,
  RawClient,
  RawRefusal,
  type ServerProcess,
  startServer,
  testPhone,
  waitUntil,
} from '../harness/index.js'
import { type RealStores, realStores } from '../harness/real-stores.js'
import { type SlowLink, slowLink } from '../harness/slow-link.js'
import { type PrivateService, startPrivateService } from '../services.js'

/** How long Cassandra is away; a minute by hand: `HELIOGRAPH_TEST_AWAY_MS=60000 npm test -- test/stores`. */
const awayMs = Number(process.env.HELIOGRAPH_TEST_AWAY_MS ?? 6_000)
const backWithinMs = 60_000

let cassandra: PrivateService
let link: SlowLink
let stores: RealStores
let server: ServerProcess
let anna: TelegramClient
let bert: TelegramClient
let prober: RawClient
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  // The only replica: with `periodic` it would forget what it acknowledged in the last moment before the kill.
  cassandra = await startPrivateService('cassandra', { settings: { commitlog_sync: 'group' } })
  ends.push(() => cassandra.dispose())
  const [node] = cassandra.members
  link = await slowLink(node!.port, node!.host)
  ends.push(() => link.dispose())
  stores = await realStores({ cassandra: `127.0.0.1:${link.port}` })
  ends.push(() => stores.dispose())
  server = await startServer({ env: stores.env, startWithinMs: 120_000 })
  ends.push(() => server.dispose())
  anna = await client(1, 'anna_stores')
  bert = await client(2, 'bert_stores')
  prober = await RawClient.connect(server, { layer: 228 })
  await prober.logIn(testPhone(3))
}, 300_000)
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end()
}, 60_000)

async function client(account: number, username: string): Promise<TelegramClient> {
  const made = await mtcuteClient(server, { phone: testPhone(account), client: { logLevel: 0 } })
  ends.push(() => made.destroy())
  await made.setMyUsername(username)
  return made
}

let senders: readonly Sender[]
let refusals: unknown[]
let isProbing: boolean
let probing: Promise<void>

/** What a client sees that does not sleep waits out: every draft is a write of its own. */
async function probe(): Promise<void> {
  for (let count = 1; isProbing; count++) {
    const save = { _: 'messages.saveDraft', peer: { _: 'inputPeerSelf' }, message: `draft ${count}` }
    await prober.call(save).catch((error: unknown) => refusals.push(error))
    await pause(50)
  }
}

beforeEach(async () => {
  senders = [mtcuteSender(anna, 'anna', 'bert_stores'), mtcuteSender(bert, 'bert', 'anna_stores')]
  refusals = []
  isProbing = true
  probing = probe()
  await goesOn()
})
afterEach(async () => {
  link.delayMs = 0
  await Promise.all(senders.map((sender) => sender.stop()))
})

async function goesOn(): Promise<void> {
  const goals = senders.map(({ acknowledged }) => acknowledged.length + 5)
  await waitUntil(
    'both get on',
    () => senders.every((sender, at) => sender.acknowledged.length >= goals[at]!),
    backWithinMs,
  )
}

async function expectAllOnce(): Promise<void> {
  await goesOn()
  await Promise.all(senders.map((sender) => sender.stop()))
  isProbing = false
  await probing
  const annas = (await history(anna, 'bert_stores')).map(({ text }) => text)
  const berts = (await history(bert, 'anna_stores')).map(({ text }) => text)
  expect(berts).toEqual(annas)
  for (const { acknowledged } of senders) {
    const wanted = new Set(acknowledged)
    expect(annas.filter((text) => wanted.has(text)).slice(-acknowledged.length)).toEqual(acknowledged)
  }
  for (const refusal of refusals) {
    expect(refusal).toBeInstanceOf(RawRefusal)
    expect((refusal as RawRefusal).message).toMatch(/^FLOOD_WAIT_([1-9]|10)$/)
  }
}

test('killed, and back after a while', { timeout: 240_000 + awayMs }, async () => {
  await cassandra.kill9()
  await waitUntil('the prober is told to wait', () => refusals.length > 0, 30_000)
  await pause(awayMs)
  await cassandra.restart()
  await expectAllOnce()
})

test('frozen for a while', { timeout: 180_000 + awayMs }, async () => {
  cassandra.freeze()
  await pause(awayMs)
  cassandra.thaw()
  await expectAllOnce()
})

test('slow: 200 ms', { timeout: 180_000 }, async () => {
  link.delayMs = 200
  await expectAllOnce()
})

test('refused when the server starts, and there later', { timeout: 300_000 }, async () => {
  isProbing = false
  await probing
  await Promise.all(senders.map((sender) => sender.stop()))
  await cassandra.kill9()
  const restarted = server.restart()
  await pause(2_000)
  await cassandra.restart()
  await restarted
  senders = [mtcuteSender(anna, 'anna later', 'bert_stores'), mtcuteSender(bert, 'bert later', 'anna_stores')]
  await expectAllOnce()
})
