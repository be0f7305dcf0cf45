/** What is deleted leaves the disk (runtime/checkpoints.ts, K4), of the chat and of every box, though nobody calls any of them. */
import { expect, test } from 'vitest'
import { chatActor } from '../chat/actor.js'
import { groupChat, privateChat } from '../chat/chat-id.js'
import { Chat } from '../chat/contract.js'
import { encodeBody } from '../message/body.js'
import { World } from '../testing/world.js'
import { userActor } from './actor.js'
import { User } from './contract.js'

const GROUP = groupChat(5)
const ASKED = { by: 1, origin: { authKey: '00', session: '11' } }
const WITHIN_MS = 30_000
const EVERYTHING = { start: Buffer.of(0), end: Buffer.of(0xff) }

async function begun() {
  const world = new World(({ clock, random, storage }) => [chatActor({ clock, random }), userActor(storage)])
  await world.start()
  const chat = () => world.node.ref(Chat, GROUP)
  await world.until(chat().create({ ...ASKED, op: 'create', title: 'three', members: [2, 3] }))
  const said = await world.until(
    chat().post({ ...ASKED, drafts: [{ op: 'said', body: encodeBody({ text: 'the secret' }) }] }),
  )
  const kept = [...Array(3).keys()].map((i) => ({ op: `kept ${i}`, body: encodeBody({ text: 'to be kept' }) }))
  await world.until(chat().post({ ...ASKED, drafts: kept }))
  /** Values on the disk that hold the text: one in the chat and one in each box for each message. */
  const copies = (text: string) =>
    [...world.disk.range(EVERYTHING)].filter(({ value }) => Buffer.from(value).includes(text)).length
  const isGone = () => copies('the secret') === 0 && copies('to be kept') > 0
  await world.waitFor(() => copies('the secret') === 4)
  return { world, chat, target: said[0]?.n ?? 0, copies, isGone }
}

test('a message that was deleted for everyone', async () => {
  const { world, chat, target, isGone } = await begun()
  await world.until(chat().delete({ ...ASKED, op: 'delete', targets: [target] }))
  await world.waitFor(isGone, WITHIN_MS)
  await world.stop()
})

test('what an edit replaced, but in the chat, whose other lanes may still need it', async () => {
  const { world, chat, target, copies } = await begun()
  await world.until(chat().edit({ ...ASKED, op: 'edit', target, body: encodeBody({ text: 'harmless' }) }))
  await world.waitFor(() => copies('the secret') === 1, WITHIN_MS)
  expect(copies('harmless')).toBeGreaterThanOrEqual(4)
  await world.stop()
})

test('a message that was deleted right before a crash', async () => {
  for (const laterMs of [0, 2, 20, 1_000, 4_000, 6_000]) {
    const { world, chat, target, isGone } = await begun()
    await world.until(chat().delete({ ...ASKED, op: 'delete', targets: [target] }))
    await world.clock.advance(laterMs)
    world.crash()
    await world.start()
    await world.waitFor(isGone, WITHIN_MS)
    await world.stop()
  }
})

test('a message whose deletion a crash interrupted, at each write', async () => {
  let isBefore = true
  for (let writes = 0; isBefore; writes++) {
    const { world, chat, target, copies, isGone } = await begun()
    world.crashAfter(writes)
    const deletion = chat().delete({ ...ASKED, op: 'delete', targets: [target] })
    const answer = deletion.then(
      () => true,
      () => false,
    )
    const isAnswered = await Promise.race([answer, world.waitFor(() => !world.isUp, WITHIN_MS)])
    await world.clock.advance(WITHIN_MS / 2)
    isBefore = !world.isUp
    if (isBefore) await world.start()
    // A deletion that nobody was told of may have left nothing.
    await world.clock.advance(WITHIN_MS)
    if (isAnswered || copies('the secret') < 4) expect(isGone()).toBe(true)
    await world.stop()
  }
})

test('what was scheduled, once it was changed, dropped or, after it was sent, deleted', async () => {
  const world = new World(({ clock, random, storage }) => [chatActor({ clock, random }), userActor(storage)])
  await world.start()
  const chat = world.node.ref(Chat, privateChat(1, 2))
  const copies = (text: string) =>
    [...world.disk.range(EVERYTHING)].filter(({ value }) => Buffer.from(value).includes(text)).length
  const due = (ms: number) => world.nowMs + ms
  const scheduling = (op: string, text: string) =>
    chat.schedule({ ...ASKED, op, draft: { body: encodeBody({ text }) }, dueAtMs: due(60_000) })
  await world.until(scheduling('s1', 'the first'))
  await world.until(scheduling('s2', 'the second'))
  expect([copies('the first'), copies('the second')]).toEqual([1, 1])
  const change = { ...ASKED, op: 'change', id: 1, dueAtMs: due(40_000), body: encodeBody({ text: 'changed' }) }
  await world.until(chat.reschedule(change))
  await world.until(chat.settleScheduled({ ...ASKED, op: 'drop', ids: [2], action: 'drop' }))
  await world.waitFor(() => copies('the first') + copies('the second') === 0, WITHIN_MS)
  expect(copies('changed')).toBe(1)
  await world.waitFor(() => copies('changed') === 3, 60_000)
  const [message] = (await world.until(world.node.ref(User, 1).messages([1]))) ?? []
  await world.until(chat.delete({ ...ASKED, op: 'delete', targets: [message?.fact.n ?? 0] }))
  await world.waitFor(() => copies('changed') === 0, WITHIN_MS)
  await world.stop()
})
