/**
 * Processes of one cluster come, go and die while unmodified clients send through two gateways: nothing is lost, nothing
 * is there twice, all is in order (invariants 1 to 4), and what is planned costs nobody a call.
 */
import { afterEach, expect, onTestFailed, test } from 'vitest'
import { gramjsSender, mtcuteSender, type Sender } from '../crash/crash-load.js'
import { gramjsClient, mtcuteClient, testPhone, waitUntil } from '../harness/index.js'
import { difference, history } from '../harness/witness.js'
import { ClusterProcesses } from './cluster-processes.js'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function mtcute(cluster: ClusterProcesses, account: number, username: string) {
  const client = await mtcuteClient(cluster.target, { phone: testPhone(account), client: { logLevel: 0 } })
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

test('a node is added, one leaves, one is killed, a gateway is killed', { timeout: 240_000 }, async () => {
  let complaints = ''
  const cluster = await ClusterProcesses.start(['node-1', 'node-2'], ['gateway-1', 'gateway-2'])
  onTestFailed(() => console.error(complaints))
  ends.push(() => {
    complaints = cluster.complaints().slice(-12_000)
    return cluster.dispose()
  })
  await cluster.balanced()
  // Their connections go to the two gateways in turn.
  const anna = await mtcute(cluster, 1, 'anna_cluster')
  const bert = await mtcute(cluster, 2, 'bert_cluster')
  const carl = await gramjsClient(cluster.target, { phone: testPhone(3) })
  ends.push(() => carl.destroy())
  const { chat: group } = await anna.client.createGroup({ title: 'cluster', users: ['bert_cluster'] })

  const inPair = [
    mtcuteSender(anna.client, 'anna', 'bert_cluster'),
    mtcuteSender(bert.client, 'bert', 'anna_cluster'),
  ] as const
  const inGroup = mtcuteSender(anna.client, 'anna in group', group.id)
  const fromCarl = gramjsSender(carl, 'carl', 'anna_cluster')
  const senders = [...inPair, inGroup, fromCarl]
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

  const last = (sender: Sender) => sender.acknowledged.at(-1)!
  await waitUntil('what was sent last is told', () => bert.received.includes(last(inPair[0])), 20_000)
  await waitUntil('by both', () => anna.received.includes(last(fromCarl)), 20_000)
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
    [anna, senders],
    [bert, [...inPair, inGroup]],
  ] as const) {
    const { messages, pts } = await difference(client)
    expectAllOnce(
      messages.map(({ text }) => text),
      mine,
    )
    expect((await client.call({ _: 'updates.getState' })).pts).toBe(pts)
  }
})
