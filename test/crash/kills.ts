/**
 * The process is killed with SIGKILL at random points while real clients send. Checked from the clients' side:
 * invariants 1 (order), 2 (durability), 3 (once), 4 (contiguity) and 5 (nothing early) of DESIGN.
 */
import { randomInt } from 'node:crypto'
import { afterEach, expect } from 'vitest'
import { gramjsClient, mtcuteClient, type ServerProcess, startServer, testPhone, waitUntil } from '../harness/index.js'
import { difference, history } from '../harness/witness.js'
import { gramjsSender, mtcuteSender, type Sender } from './crash-load.js'

type Env = Readonly<Record<string, string>>

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A server on the given stores; ended after the test. */
async function crashingServer(env: Env = {}): Promise<ServerProcess> {
  // The witness asks for all that ever happened to an account; with the default limit it would be told to load anew.
  const started = await startServer({
    env: { HELIOGRAPH_MAX_DIFFERENCE_ENTRIES: '100000', ...env },
    startWithinMs: 60_000,
  })
  ends.push(() => started.dispose())
  return started
}

async function mtcute(target: ServerProcess, account: number, username: string) {
  const client = await mtcuteClient(target, { phone: testPhone(account), username, client: { logLevel: 0 } })
  ends.push(() => client.destroy())
  return client
}

/** Some more messages are acknowledged, so that the kill hits work under way; then a moment that nobody chose. */
async function killUnderLoad(target: ServerProcess, senders: readonly Sender[]): Promise<void> {
  const goals = senders.map(({ acknowledged }) => acknowledged.length + 1 + randomInt(5))
  await waitUntil(
    'every sender got on',
    () => senders.every((sender, at) => sender.acknowledged.length >= goals[at]!),
    30_000,
  )
  const spins = randomInt(200_000)
  for (let spin = 0; spin < spins; spin++);
  await target.kill9()
  await target.restart()
}

/** Texts of one sender in the order in which they were acknowledged, each once. */
function expectAllOnce(
  seen: readonly { readonly id: number; readonly text: string }[],
  senders: readonly Sender[],
): void {
  const ids = seen.map(({ id }) => id)
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
  expect(new Set(ids).size).toBe(ids.length)
  for (const { acknowledged } of senders) {
    const wanted = new Set(acknowledged)
    const there = seen.map(({ text }) => text).filter((text) => wanted.has(text))
    expect(there).toEqual([...acknowledged])
  }
}

/** Real clients send while the server is killed again and again; then what every side sees is compared. */
export async function survivesKills(kills: number, env: Env = {}): Promise<void> {
  const target = await crashingServer(env)
  const anna = await mtcute(target, 1, 'anna_crash')
  const bert = await mtcute(target, 2, 'bert_crash')
  const carl = await gramjsClient(target, { phone: testPhone(3) })
  ends.push(() => carl.destroy())
  const me = await carl.getMe()
  const { chat: group } = await anna.createGroup({ title: 'crash', users: ['bert_crash'] })
  await bert.call({ _: 'updates.getState' })

  const inPair = [mtcuteSender(anna, 'anna', 'bert_crash'), mtcuteSender(bert, 'bert', 'anna_crash')]
  const inGroup = [mtcuteSender(anna, 'anna in group', group.id), mtcuteSender(bert, 'bert in group', group.id)]
  const fromCarl = gramjsSender(carl, 'carl', 'anna_crash')
  const senders = [...inPair, ...inGroup, fromCarl]
  for (let kill = 0; kill < kills; kill++) await killUnderLoad(target, senders)
  await Promise.all(senders.map((sender) => sender.stop()))

  const annasPair = await history(anna, 'bert_crash')
  const bertsPair = await history(bert, 'anna_crash')
  expectAllOnce(annasPair, inPair)
  expectAllOnce(bertsPair, inPair)
  expect(bertsPair.map(({ text }) => text)).toEqual(annasPair.map(({ text }) => text))

  const annasGroup = await history(anna, group.id)
  const bertsGroup = await history(bert, group.id)
  expectAllOnce(annasGroup, inGroup)
  expect(bertsGroup.map(({ text }) => text)).toEqual(annasGroup.map(({ text }) => text))

  expectAllOnce(await history(anna, Number(me.id)), [fromCarl])
  for (const [client, mine] of [
    [anna, senders],
    [bert, [...inPair, ...inGroup]],
  ] as const) {
    const { messages, pts } = await difference(client)
    expectAllOnce(messages, mine)
    expect((await client.call({ _: 'updates.getState' })).pts).toBe(pts)
  }
}

/** What was acknowledged and not delivered is delivered after the restart, by nobody's doing. */
export async function deliversAfterKills(rounds: number, env: Env = {}): Promise<void> {
  const target = await crashingServer(env)
  const anna = await mtcute(target, 1, 'anna_crash')
  const bert = await mtcute(target, 2, 'bert_crash')
  const received: string[] = []
  bert.onNewMessage.add((message) => received.push(message.text))
  for (let round = 1; round <= rounds; round++) {
    await anna.sendText('bert_crash', `round ${round}`)
    await target.kill9()
    await target.restart()
    await waitUntil(`round ${round} arrives`, () => received.includes(`round ${round}`), 20_000)
  }
  expect(received.filter((text) => text.startsWith('round'))).toEqual(
    Array.from({ length: rounds }, (_, at) => `round ${at + 1}`),
  )
}
