/**
 * Processes of one cluster come, go and die while unmodified clients send through two gateways: nothing is lost, nothing
 * is there twice, all is in order (invariants 1 to 4), and what is planned costs nobody a call.
 */
import { Api } from 'telegram'
import { NewMessage } from 'telegram/events/index.js'
import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from 'vitest'
import { gramjsSender, mtcuteSender, type Sender } from '../crash/crash-load.js'
import { type ClientTarget, gramjsClient, mtcuteClient, testPhone, waitUntil } from '../harness/index.js'
import { difference, history } from '../harness/witness.js'
import { ClusterProcesses } from './cluster-processes.js'

let cluster: ClusterProcesses
let complaints = ''
const ends: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  cluster = await ClusterProcesses.start(['node-1', 'node-2'], ['gateway-1', 'gateway-2'])
  await cluster.balanced()
}, 240_000)
afterEach(async () => {
  complaints = cluster.complaints().slice(-12_000)
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(() => cluster?.dispose())

async function mtcute(target: ClientTarget, account: number, username: string) {
  const client = await mtcuteClient(target, { phone: testPhone(account), client: { logLevel: 0 } })
  ends.push(() => client.destroy())
  await client.setMyUsername(username)
  const received: string[] = []
  client.onNewMessage.add((message) => received.push(message.text))
  return { client, received }
}

/** Every sender has some more messages acknowledged. */
async function getsOn(senders: readonly Sender[]): Promise<void> {
  const goals = senders.map(({ acknowledged }) => acknowledged.length + 3)
  const done = () => senders.every(({ acknowledged }, at) => acknowledged.length >= goals[at]!)
  await waitUntil('every sender got on', done, 40_000)
}

function expectAllOnce(seen: readonly string[], senders: readonly Sender[]): void {
  for (const { acknowledged } of senders) {
    const wanted = new Set(acknowledged)
    expect(seen.filter((text) => wanted.has(text))).toEqual(acknowledged)
  }
}

test('a device that is signed out at one gateway is out at the other', { timeout: 60_000 }, async () => {
  const phone = testPhone(7)
  const [here, there] = await Promise.all([cluster.preferring('gateway-1'), cluster.preferring('gateway-2')])
  const one = await mtcuteClient(here, { phone, client: { logLevel: 0 } })
  const other = await mtcuteClient(there, { phone, client: { logLevel: 0 } })
  ends.push(
    () => one.destroy(),
    () => other.destroy(),
  )
  const { authorizations } = await one.call({ _: 'account.getAuthorizations' })
  const remote = authorizations.find(({ current }) => !current)!
  await one.call({ _: 'account.resetAuthorization', hash: remote.hash })
  const isOut = () =>
    other.call({ _: 'updates.getState' }).then(
      () => false,
      (error) => /AUTH_KEY_UNREGISTERED/.test(String(error)),
    )
  await waitUntil('the other device is out', isOut, 20_000)
  await one.call({ _: 'updates.getState' })
})

test('a node is added, one leaves, one is killed, a gateway is killed', { timeout: 240_000 }, async () => {
  onTestFailed(() => console.error(complaints))
  // Their connections go to the two gateways in turn; Carl's to the one that is to be killed.
  const anna = await mtcute(cluster.target, 1, 'anna_cluster')
  const bert = await mtcute(cluster.target, 2, 'bert_cluster')
  const carl = await gramjsClient(await cluster.preferring('gateway-1'), { phone: testPhone(3) })
  ends.push(() => carl.destroy())
  await carl.invoke(new Api.account.UpdateUsername({ username: 'carl_cluster' }))
  const carlReceived: string[] = []
  carl.addEventHandler(({ message }) => void carlReceived.push(message.text), new NewMessage({ incoming: true }))
  const { chat: group } = await anna.client.createGroup({ title: 'cluster', users: ['bert_cluster'] })

  const inPair = [
    mtcuteSender(anna.client, 'anna', 'bert_cluster'),
    mtcuteSender(bert.client, 'bert', 'anna_cluster'),
  ] as const
  const inGroup = mtcuteSender(anna.client, 'anna in group', group.id)
  const fromCarl = gramjsSender(carl, 'carl', 'anna_cluster')
  const toCarl = mtcuteSender(bert.client, 'bert to carl', 'carl_cluster')
  const senders = [...inPair, inGroup, fromCarl, toCarl]
  await getsOn(senders)

  await cluster.addNode('node-3')
  await cluster.balanced()
  await getsOn(senders)
  expect(await cluster.stop('node-1')).toBe(0)
  await cluster.balanced()
  await getsOn(senders)
  expect(senders.flatMap(({ failures }) => failures)).toEqual([])

  await cluster.kill('node-2')
  await getsOn(senders)
  await cluster.balanced()
  await cluster.kill('gateway-1')
  await getsOn(senders)
  await Promise.all(senders.map((sender) => sender.stop()))

  // An acknowledgement is not yet a delivery, and each sender's comes by a way of its own.
  const hasTheLastOf = (received: string[], ...from: Sender[]) =>
    from.every(({ acknowledged }) => received.includes(acknowledged.at(-1)!))
  await waitUntil('Bert has all', () => hasTheLastOf(bert.received, inPair[0], inGroup))
  await waitUntil('Anna has all', () => hasTheLastOf(anna.received, inPair[1], fromCarl))
  // GramJS fetches no difference: what it had not acknowledged when its gateway died is told again, some of it twice.
  await waitUntil('Carl has all', () => hasTheLastOf(carlReceived, toCarl))
  expectAllOnce([...new Set(carlReceived)], [toCarl])
  expectAllOnce(bert.received, [inPair[0], inGroup])
  expectAllOnce(anna.received, [inPair[1], fromCarl])

  const texts = async (...where: Parameters<typeof history>) => (await history(...where)).map(({ text }) => text)
  const annasPair = await texts(anna.client, 'bert_cluster')
  expectAllOnce(annasPair, inPair)
  expect(await texts(bert.client, 'anna_cluster')).toEqual(annasPair)
  const annasGroup = await texts(anna.client, group.id)
  expectAllOnce(annasGroup, [inGroup])
  expect(await texts(bert.client, group.id)).toEqual(annasGroup)
  for (const [{ client }, mine] of [
    [anna, [...inPair, inGroup, fromCarl]],
    [bert, [...inPair, inGroup, toCarl]],
  ] as const) {
    const { messages, pts } = await difference(client)
    expectAllOnce(
      messages.map(({ text }) => text),
      mine,
    )
    expect((await client.call({ _: 'updates.getState' })).pts).toBe(pts)
  }
  for (const gateway of cluster.gateways.values())
    expect((await gateway.metrics()).sum('heliograph_actor_activations_total')).toBe(0)
})
