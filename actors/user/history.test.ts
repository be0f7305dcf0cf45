/** Lists of messages and dialogs against the plain reading of their rules: core.telegram.org/api/offsets, message-window.ts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BoxMessage, HistoryRequest } from './contract.js'
import { AccountHost } from './testing/account.js'
import { ME, ORIGIN, text, World, type WorldChat } from './testing/world.js'

/** Filled once: 60 messages in one dialog between those of another, over 40 minutes, with gaps and edits. */
async function filled() {
  const host = new AccountHost()
  const user = host.account(ME)
  const world = new World()
  const [chat, other] = [world.chat(0), world.chat(3)]
  for (let i = 0; i < 60; i++) {
    const from = i % 4 === 0 ? ME : 7
    chat.write(
      [{ type: 'message', from, body: text(`number ${i} of ${i % 7 === 0 ? 'Seven' : 'none'}`) }],
      host.clock.now(),
      i % 2,
    )
    other.write([{ type: 'message', from: 7, body: text(`noise ${i} seven`) }], host.clock.now())
    await chat.deliver(user, 0)
    if (i % 3 === 0) await other.deliver(user, 0)
    if (i % 5 < 3) await host.clock.advance(60_000)
  }
  const gone = [0, 13, 14, 15, 31, 58].map((index) => chat.messages[index]?.id ?? 0)
  await user.deleteOwn({ ids: gone, origin: ORIGIN })
  chat.messages = chat.messages.filter(({ id }) => !gone.includes(id))
  const targets = [chat.pick(20), chat.pick(33), chat.pick(40)]
  chat.write(
    [{ type: 'edit', target: chat.pick(22), body: text('edited into SEVEN'), mentioned: false }],
    host.clock.now(),
  )
  chat.write([{ type: 'pin', targets, pinned: true }], host.clock.now())
  await chat.deliver(user, 0)
  const whole = await user.history({ ...everything, peer: chat.peer })
  expect(whole.messages.map(({ id }) => id)).toEqual(chat.messages.map(({ id }) => id).reverse())
  return { host, user, chat, whole: whole.messages }
}

const everything = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0 }
const secondsOf = (message: BoxMessage) => Math.floor(message.fact.atMs / 1000)

/** The rules once more, as plainly as they can be said. */
function naive(list: readonly BoxMessage[], request: Omit<HistoryRequest, 'peer'>): number[] {
  const { offsetId, offsetDate, addOffset, limit, maxId, minId } = request
  const isBefore = (message: BoxMessage) =>
    (offsetId > 0 && message.id >= offsetId) || (offsetDate > 0 && secondsOf(message) >= offsetDate)
  const position = list.filter(isBefore).length + addOffset
  const window = list.filter((_, index) => index >= position && index < position + limit)
  return window.map(({ id }) => id).filter((id) => (maxId <= 0 || id < maxId) && (minId <= 0 || id > minId))
}

function requests(chat: WorldChat, whole: readonly BoxMessage[]) {
  const top = whole[0]?.id ?? 0
  const id = fc.oneof(
    fc.constant(0),
    fc.nat({ max: top + 3 }),
    fc.constantFrom(...chat.messages.map((each) => each.id)),
  )
  const first = secondsOf(whole.at(-1) as BoxMessage)
  const date = fc.oneof(fc.constant(0), fc.integer({ min: first - 60, max: first + 2_500 }))
  return fc.record({
    offsetId: id,
    offsetDate: date,
    addOffset: fc.integer({ min: -70, max: 70 }),
    limit: fc.integer({ min: 1, max: 30 }),
    maxId: id,
    minId: id,
  })
}

describe('messages', () => {
  test('of a dialog are paged exactly by offset_id, offset_date, add_offset, limit, max_id and min_id', async () => {
    const { host, user, chat, whole } = await filled()
    const property = fc.asyncProperty(requests(chat, whole), async (request) => {
      const page = await user.history({ ...request, peer: chat.peer })
      expect(page.messages.map(({ id }) => id)).toEqual(naive(whole, request))
      expect(page.total).toBe(whole.length)
    })
    await fc.assert(property, { numRuns: 600 })
    await host.stop()
  })

  test('that are searched for are found by their words as they are now, and paged the same', async () => {
    const { host, user, chat, whole } = await filled()
    const bodies = whole.map((message) => ({ message, words: new TextDecoder().decode(message.body).toLowerCase() }))
    const matching = bodies.filter(({ words }) => words.includes('seven')).map(({ message }) => message)
    expect(matching.length).toBeGreaterThan(5)
    const property = fc.asyncProperty(requests(chat, whole), async (request) => {
      const page = await user.search({ ...request, peer: chat.peer, query: ' sEVen ', minDate: 0, maxDate: 0 })
      expect(page.messages.map(({ id }) => id)).toEqual(naive(matching, request))
      expect(page.total).toBe(matching.length)
    })
    await fc.assert(property, { numRuns: 150 })
    const edited = await user.search({ ...everything, peer: chat.peer, query: 'edited into', minDate: 0, maxDate: 0 })
    expect(edited.messages).toHaveLength(1)
    await host.stop()
  })

  test('are searched for in the whole box, by author, by date, and among those pinned', async () => {
    const { host, user, chat, whole } = await filled()
    const search = (more: object) => user.search({ ...everything, query: '', minDate: 0, maxDate: 0, ...more })
    const noise = await search({ query: 'noise' })
    expect(noise.total).toBe(58)
    expect(noise.messages.every(({ fact }) => fact.peer === 'c9')).toBe(true)
    const ids = noise.messages.map(({ id }) => id)
    expect(ids).toEqual([...ids].sort((one, other) => other - one))
    const mine = await search({ peer: chat.peer, from: ME })
    expect(mine.messages.map(({ id }) => id)).toEqual(whole.filter(({ fact }) => fact.out).map(({ id }) => id))
    const middle = secondsOf(whole[20] as BoxMessage)
    const later = await search({ peer: chat.peer, minDate: middle })
    expect(later.total).toBe(whole.filter((message) => secondsOf(message) > middle).length)
    for (const peer of [{ peer: chat.peer }, {}]) {
      const pinned = await search({ ...peer, pinnedOnly: true })
      expect(pinned.messages.map(({ id }) => id)).toEqual(whole.filter((each) => each.pinned).map(({ id }) => id))
      expect(pinned.total).toBe(3)
    }
    await host.stop()
  })

  test('are located in their chats, also the newest up to an id', async () => {
    const { host, user, chat, whole } = await filled()
    const [top, second] = whole
    const [located] = await user.locate([top?.id ?? 0])
    expect(located).toEqual({
      id: top?.id,
      chat: chat.id,
      peer: chat.key,
      n: top?.fact.n,
      from: 7,
      out: false,
      atMs: top?.fact.atMs,
    })
    expect(await user.locate([chat.messages[0]?.id ?? 0, -1, 0, 1.5, 1e9])).toMatchObject([
      { chat: chat.id },
      ...none(4),
    ])
    expect((await user.locateUpTo(chat.peer, 0))?.id).toBe(top?.id)
    expect((await user.locateUpTo(chat.peer, (top?.id ?? 0) - 1))?.id).toBe(second?.id)
    expect(await user.locateUpTo({ kind: 'user', id: 99 }, 0)).toBeUndefined()
    await host.stop()
  })
})

const none = (count: number) => Array.from({ length: count }, () => undefined)
