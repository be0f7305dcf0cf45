/** Lists that are longer than a page: dialogs, histories, searches; and messages that wait for their time. */
import { Long } from '@mtcute/core'
import type { tl } from '@mtcute/node'
import { Api } from 'telegram'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GramjsDevice } from './gramjs-device.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { stage, told } from './stage.js'

const on = stage()
const GROUPS = 130
let alice: MtcuteDevice
let bob: GramjsDevice
let titles: readonly string[]

beforeAll(async () => {
  alice = await on.mtcute()
  bob = await on.gramjs()
  await alice.setUsername('alice_lists')
  await bob.setUsername('bobby_lists')
  titles = Array.from({ length: GROUPS }, (_, at) => `group ${at}`)
  for (const title of titles) await alice.createGroup(title, ['bobby_lists'])
})

describe('more dialogs than a page holds', () => {
  test.each(['mtcute', 'gramjs'] as const)('%s lists each once, the newest first', async (library) => {
    const device = library === 'mtcute' ? alice : bob
    const seen = (await device.dialogs()).map(({ title }) => title)
    expect(seen).toEqual([...titles].reverse())
  })

  test('pinned ones stand before all others, in the order that was given them', async () => {
    const groups = (await alice.dialogs()).filter(({ title }) => title === 'group 3' || title === 'group 7')
    for (const { peer } of groups) await alice.pinDialog(peer, true)
    const order = async (device: MtcuteDevice | GramjsDevice) =>
      (await device.dialogs()).slice(0, 3).map(({ title }) => title)
    const pinned = await order(alice)
    expect(pinned.slice(0, 2).sort()).toEqual(['group 3', 'group 7'])
    expect(pinned[2]).toBe(`group ${GROUPS - 1}`)
    expect((await alice.dialogs()).map(({ title }) => title)).toHaveLength(GROUPS)
    const laptop = await on.gramjs({ phone: alice.phone })
    expect(await order(laptop)).toEqual(pinned)
    for (const { peer } of groups) await laptop.pinDialog(peer, false)
  })

  test('a dialog that is heard from moves to the top', async () => {
    const group = (await bob.dialogs()).find(({ title }) => title === 'group 5')!
    await bob.send(group.peer, 'up')
    await told(alice, 'message', ({ message }) => message.text === 'up')
    expect((await alice.dialogs())[0]).toMatchObject({ title: 'group 5', topText: 'up' })
  })

  test('one that is deleted is gone until it is heard from', async () => {
    const group = (await bob.dialogs()).find(({ title }) => title === 'group 9')!
    await bob.clearHistory(group.peer, { revoke: false })
    expect((await bob.dialogs()).map(({ title }) => title)).not.toContain('group 9')
    const same = (await alice.dialogs()).find(({ title }) => title === 'group 9')!
    await alice.send(same.peer, 'back')
    await told(bob, 'message', ({ message }) => message.text === 'back')
    expect((await bob.dialogs())[0]).toMatchObject({ title: 'group 9', topText: 'back' })
  })
})

describe('a history longer than a page', () => {
  const texts = Array.from({ length: 250 }, (_, at) => `line ${at}`)
  let ids: readonly number[]

  beforeAll(async () => {
    const sent = await Promise.all(texts.map((text) => alice.send('bobby_lists', text)))
    ids = sent.map(({ id }) => id)
  })

  test('both libraries page through it, each message once', async () => {
    for (const [device, peer] of [
      [alice, 'bobby_lists'],
      [bob, 'alice_lists'],
    ] as const) {
      expect((await device.history(peer, 1_000)).map(({ text }) => text).reverse()).toEqual(texts)
    }
  })

  test('every offset: by id, by date, added, bounded from both sides', async () => {
    const middle = ids[100]!
    const page = async (
      given: Partial<Record<'offsetId' | 'offsetDate' | 'addOffset' | 'limit' | 'minId' | 'maxId', number>>,
    ) => {
      const offsets = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 3, minId: 0, maxId: 0, ...given }
      const answer = await alice.client.call({
        _: 'messages.getHistory',
        peer: await alice.client.resolvePeer('bobby_lists'),
        hash: Long.ZERO,
        ...offsets,
      })
      return 'messages' in answer ? answer.messages.map(({ id }) => ids.indexOf(id)) : []
    }
    expect(await page({})).toEqual([249, 248, 247])
    expect(await page({ offsetId: middle })).toEqual([99, 98, 97])
    expect(await page({ offsetId: middle, addOffset: -1 })).toEqual([100, 99, 98])
    expect(await page({ offsetId: middle, addOffset: -3 })).toEqual([102, 101, 100])
    expect(await page({ offsetId: middle, addOffset: 2 })).toEqual([97, 96, 95])
    expect(await page({ addOffset: 248 })).toEqual([1, 0])
    // These two make a page smaller; they do not move it.
    expect(await page({ offsetId: ids[102]!, maxId: middle })).toEqual([99])
    expect(await page({ minId: ids[247]! })).toEqual([249, 248])
    expect(await page({ offsetId: middle, minId: ids[97]! })).toEqual([99, 98])
    expect(await page({ offsetDate: 1 })).toEqual([])
    expect(await page({ offsetDate: 2 ** 31 - 1 })).toEqual([249, 248, 247])
    expect((await page({ limit: 0 })).length).toBeGreaterThan(10)
    expect(await page({ limit: 10_000 })).toHaveLength(100)
  })

  test('invokeWithMessagesRange bounds it on both sides, both ends among them', async () => {
    const range = { _: 'messageRange', minId: ids[100]!, maxId: ids[104]! } as const
    const peer = await alice.client.resolvePeer('bobby_lists')
    const window = { offsetId: 0, addOffset: 0, limit: 3, minId: 0, maxId: 0, hash: Long.ZERO } as const
    const within = async (query: tl.RpcMethod) => {
      const answer = await alice.client.call({ _: 'invokeWithMessagesRange', range, query } as never)
      const { messages } = answer as unknown as tl.messages.RawMessages
      return messages.map((message) => (message._ === 'messageEmpty' ? 'none' : ids.indexOf(message.id)))
    }
    const history = { _: 'messages.getHistory', peer, offsetDate: 0, ...window } as const
    expect(await within(history)).toEqual([104, 103, 102])
    expect(await within({ ...history, offsetId: ids[102]! })).toEqual([101, 100])
    expect(await within({ ...history, offsetId: ids[102]!, addOffset: -4, limit: 8 })).toEqual([
      104, 103, 102, 101, 100,
    ])
    expect(await within({ ...history, offsetId: ids[200]!, minId: ids[103]! })).toEqual([104])
    expect(await within({ ...history, offsetDate: 2 ** 31 - 1, offsetId: ids[100]! })).toEqual([])
    const filter = { _: 'inputMessagesFilterEmpty' } as const
    const search = { _: 'messages.search', peer, q: 'line', filter, minDate: 0, maxDate: 0, ...window } as const
    expect(await within(search)).toEqual([104, 103, 102])
    const named = [ids[99]!, ids[100]!, ids[104]!, ids[105]!].map((id) => ({ _: 'inputMessageID', id }) as const)
    expect(await within({ _: 'messages.getMessages', id: named })).toEqual(['none', 100, 104, 'none'])
  })

  test('a search pages too', async () => {
    const found = await bob.client.getMessages('alice_lists', { search: 'line', limit: 1_000 })
    expect([...found].map(({ message }) => message).reverse()).toEqual(texts)
    expect(found.total).toBe(250)
  })
})

describe('a scheduled message', () => {
  test('is sent when its time has come, told as leaving the list, and once', async () => {
    const laptop = await on.gramjs({ phone: alice.phone })
    // What is due within 10 seconds is sent at once.
    const at = Math.floor(Date.now() / 1000) + 12
    const scheduled = await alice.send('bobby_lists', 'its time', { at })
    expect(await alice.scheduled('bobby_lists')).toHaveLength(1)
    const soon = await alice.send('bobby_lists', 'at once', { at: at - 9 })
    await told(bob, 'message', ({ message }) => message.text === 'at once')
    expect(soon.id).not.toBe(scheduled.id)
    const isDue = ({ message }: { message: { text: string } }) => message.text === 'its time'
    await told(bob, 'message', isDue, 0, 20_000)
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(at)
    await told(alice, 'message', isDue)
    await told(laptop, 'message', isDue)
    await told(laptop, 'other', ({ name }) => name === 'UpdateDeleteScheduledMessages')
    expect(await alice.scheduled('bobby_lists')).toEqual([])
    const sent = (await bob.history('alice_lists', 5)).filter(({ text }) => text === 'its time')
    expect(sent).toHaveLength(1)
  })

  test('is changed by nobody else, and dropped by its author', async () => {
    const at = Math.floor(Date.now() / 1000) + 3600
    const { id } = await bob.send('alice_lists', 'never', { at })
    expect(await alice.scheduled('bobby_lists')).toEqual([])
    const peer = await bob.client.getInputEntity('alice_lists')
    await bob.client.invoke(new Api.messages.DeleteScheduledMessages({ peer, id: [id] }))
    expect(await bob.scheduled('alice_lists')).toEqual([])
  })
})
