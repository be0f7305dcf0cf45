/** What others do to the server a well-behaved client does not notice. */
import { expect, test } from 'vitest'
import { RawClient, RawRefusal, randomId, type TlObject, waitUntil } from '../harness/index.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { RandomCalls, type Surroundings } from './random-calls.js'
import { servedMethods } from './served-methods.js'
import { eventsOf, stage, told } from './stage.js'

const on = stage()
const LAYER = 228

test('10 connections and 1,000 calls at once from one address are served', async () => {
  const clients = await Promise.all(Array.from({ length: 10 }, () => on.mtcute()))
  const callOf = ({ client }: MtcuteDevice, at: number): Promise<unknown> => {
    if (at % 4 === 0) return client.sendText('me', `call ${at}`)
    if (at % 4 === 1) return client.getHistory('me', { limit: 10 })
    return at % 4 === 2 ? client.call({ _: 'updates.getState' }) : client.getMe()
  }
  await Promise.all(clients.flatMap((device) => Array.from({ length: 100 }, (_, at) => callOf(device, at))))
  const metrics = await on.server.metrics()
  expect(metrics.all('heliograph_rpc_flood_waits_total').filter(({ value }) => value > 0)).toEqual([])
})

/** These end the session that calls them: tried last. */
const farewells = new Set([
  'account.deleteAccount',
  'auth.logOut',
  'auth.importAuthorization',
  'auth.signIn',
  'auth.signUp',
])
const CALLS_A_METHOD = 40

test('random calls of every method: no internal error, no hang, no growth, and nobody else notices', async () => {
  const seed = Number(process.env.HELIOGRAPH_TEST_SEED ?? Date.now() % 2 ** 31)
  const alice = await on.mtcute()
  const bob = await on.gramjs()
  await alice.setUsername(`alice_${alice.phone}`)
  await bob.setUsername(`bobby_${bob.phone}`)
  const wild = on.keep(await RawClient.connect(on.server, { layer: LAYER }))
  const phone = on.newPhone()
  await wild.logIn(phone)
  const calls = new RandomCalls('228', await surroundings(wild, alice.self, phone, alice.phone), seed)
  const before = await memory()

  // Beside it, two others talk.
  let isOver = false
  const talk = (async () => {
    let said = 0
    for (; !isOver; said++) {
      await alice.send(`bobby_${bob.phone}`, `said ${said}`)
      await told(bob, 'message', ({ message }) => message.text === `said ${said}`)
    }
    return said
  })()

  const answered = { results: 0, refusals: 0 }
  const failures: string[] = []
  const attempt = async (method: string) => {
    const call = calls.next(method)
    try {
      await within(15_000, wild.call(call))
      answered.results++
    } catch (error) {
      answered.refusals++
      const isFine = error instanceof RawRefusal && error.code < 500
      if (!isFine) failures.push(`seed ${seed}: ${error}: ${JSON.stringify(call).slice(0, 600)}`)
    }
  }
  const methods = servedMethods().filter((name) => name !== 'auth.bindTempAuthKey' && !farewells.has(name))
  for (let round = 0; round < CALLS_A_METHOD; round++) await Promise.all(methods.map(attempt))
  for (const method of farewells) for (let round = 0; round < 10; round++) await attempt(method)

  isOver = true
  const said = await talk
  expect(failures.slice(0, 10)).toEqual([])
  // Enough of them meant something.
  expect(answered.results).toBeGreaterThan(answered.refusals / 10)
  expect(said).toBeGreaterThan(10)
  const heard = eventsOf(bob, 'message').filter(({ message }) => message.from === alice.self)
  expect(heard.map(({ message }) => message.text)).toEqual(Array.from({ length: said }, (_, at) => `said ${at}`))
  await waitUntil('memory is given back', async () => (await memory()) < before + 200 * 2 ** 20)
  const metrics = await on.server.metrics()
  const internal = metrics.all('heliograph_rpc_answers_total').filter(({ labels }) => Number(labels.code) >= 500)
  expect(internal).toEqual([])
}, 240_000)

async function memory(): Promise<number> {
  return (await on.server.metrics()).sum('process_resident_memory_bytes')
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limitMs} ms`)), limitMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** A few chats with messages, by the wild client itself. */
async function surroundings(wild: RawClient, other: number, phone: string, otherPhone: string): Promise<Surroundings> {
  const resolved = (await wild.call({ _: 'contacts.resolvePhone', phone: otherPhone })) as { users: TlObject[] }
  const accessHash = resolved.users.find(({ id }) => id === other)?.accessHash
  const user = { _: 'inputUser', userId: other, accessHash }
  const created = (await wild.call({ _: 'messages.createChat', users: [user], title: 'wild' })) as {
    updates: { chats: { id: number }[] }
  }
  const group = created.updates.chats[0]!.id
  const peers = [
    { _: 'inputPeerSelf' },
    { _: 'inputPeerUser', userId: other, accessHash },
    { _: 'inputPeerChat', chatId: group },
  ]
  for (let sent = 0; sent < 30; sent++) {
    const peer = peers[sent % peers.length]!
    await wild.call({ _: 'messages.sendMessage', peer, message: `hello ${sent}`, randomId: randomId() })
  }
  return {
    peers,
    users: [{ _: 'inputUserSelf' }, user],
    groups: [group],
    messageIds: 40,
    usernames: [`alice_${otherPhone}`, `alice_${otherPhone}`, 'nobody_here'],
    phones: [phone, otherPhone, '9996629999'],
  }
}
