/** Two accounts in a private chat, by what the libraries offer, in every pair of libraries and transports. */
import { beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../harness/index.js'
import type { Device } from './device.js'
import { eventsOf, pairs, stage, told } from './stage.js'

const on = stage()

describe.each(pairs)('%s and %s', (kindOfAlice, kindOfBob) => {
  let alice: Device
  let bob: Device
  let toBob: string
  let toAlice: string

  beforeAll(async () => {
    alice = await on.device(kindOfAlice)
    bob = await on.device(kindOfBob)
    toAlice = `alice_${alice.phone}`
    toBob = `bobby_${bob.phone}`
    await alice.setUsername(toAlice)
    await bob.setUsername(toBob)
  })

  test('a message arrives, once, with its sender, in both histories', async () => {
    const sent = await alice.send(toBob, 'Hello, Bob')
    expect(sent).toMatchObject({ text: 'Hello, Bob', out: true, from: alice.self })
    const { message } = await told(bob, 'message', (event) => event.message.text === 'Hello, Bob')
    expect(message).toMatchObject({ out: false, from: alice.self, isForward: false, edited: false, silent: false })
    const answer = await bob.send(toAlice, 'Hello, Alice', { replyTo: message.id })
    expect(answer.replyTo).toBe(message.id)
    const heard = await told(alice, 'message', (event) => event.message.text === 'Hello, Alice')
    expect(heard.message).toMatchObject({ from: bob.self, replyTo: sent.id, out: false })
    expect(await alice.history(toBob)).toEqual([heard.message, sent])
    expect(await bob.history(toAlice)).toEqual([answer, message])
    expect(eventsOf(bob, 'message')).toHaveLength(1)
    expect(eventsOf(alice, 'message')).toHaveLength(1)
  })

  test('silent is told', async () => {
    await alice.send(toBob, 'psst', { silent: true })
    expect((await told(bob, 'message', ({ message }) => message.text === 'psst')).message.silent).toBe(true)
  })

  test('an edit changes the text on both sides and is told to the other', async () => {
    const { id } = await alice.send(toBob, 'teh')
    const { message } = await told(bob, 'message', (event) => event.message.text === 'teh')
    expect(await alice.edit(toBob, id, 'the')).toMatchObject({ id, text: 'the', edited: true, out: true })
    const edited = await told(bob, 'edit', (event) => event.message.text === 'the')
    expect(edited.message).toMatchObject({ id: message.id, edited: true, from: alice.self })
    expect((await bob.history(toAlice, 1))[0]).toMatchObject({ id: message.id, text: 'the', edited: true })
  })

  test('reading moves the double tick, and counts what is left', async () => {
    const first = await alice.send(toBob, 'unread 1')
    const second = await alice.send(toBob, 'unread 2')
    const third = await alice.send(toBob, 'unread 3')
    const { message } = await told(bob, 'message', (event) => event.message.text === 'unread 2')
    await told(bob, 'message', (event) => event.message.text === 'unread 3')
    const unread = (await bob.dialogs()).find(({ peer }) => peer === alice.self)?.unread ?? 0
    expect(unread).toBeGreaterThanOrEqual(3)
    await bob.read(toAlice, message.id)
    const read = await told(alice, 'read', ({ by, maxId }) => by === 'other' && maxId >= first.id)
    expect(read.maxId).toBe(second.id)
    expect((await bob.dialogs()).find(({ peer }) => peer === alice.self)?.unread).toBe(1)
    const dialog = (await alice.dialogs()).find(({ peer }) => peer === bob.self)
    expect(dialog).toMatchObject({ readOutboxMaxId: second.id, topId: third.id, topText: 'unread 3' })
    await bob.read(toAlice, 0)
    await told(alice, 'read', ({ by, maxId }) => by === 'other' && maxId === third.id)
    expect((await bob.dialogs()).find(({ peer }) => peer === alice.self)?.unread).toBe(0)
  })

  test('typing is told to the other, and to nobody else', async () => {
    const before = alice.events.length
    await alice.type(toBob)
    expect(await told(bob, 'typing')).toMatchObject({ user: alice.self, action: 'typing' })
    expect(alice.events.slice(before)).toEqual([])
  })

  test('a reaction is told and shown, another one takes its place, none takes it back', async () => {
    await alice.send(toBob, 'react to this')
    const { message } = await told(bob, 'message', (event) => event.message.text === 'react to this')
    const since = alice.events.length
    await bob.react(toAlice, message.id, '👍')
    await told(alice, 'reactions', ({ emojis }) => emojis.join() === '👍', since)
    await bob.react(toAlice, message.id, '🔥')
    await told(alice, 'reactions', ({ emojis }) => emojis.join() === '🔥', since)
    await bob.react(toAlice, message.id, undefined)
    await told(alice, 'reactions', ({ emojis }) => emojis.length === 0, since)
  })

  test('a pin is told with a service message, its end too', async () => {
    const { id } = await alice.send(toBob, 'pin this')
    const { message } = await told(bob, 'message', (event) => event.message.text === 'pin this')
    await alice.pin(toBob, id, true)
    expect((await told(bob, 'pinned', ({ pinned }) => pinned)).ids).toEqual([message.id])
    const service = await told(bob, 'message', (event) => event.message.action === 'messageActionPinMessage')
    expect(service.message).toMatchObject({ from: alice.self, replyTo: message.id })
    await alice.pin(toBob, id, false)
    expect((await told(bob, 'pinned', ({ pinned }) => !pinned)).ids).toEqual([message.id])
  })

  test('search finds by words, on either side, newest first', async () => {
    await alice.send(toBob, 'a heliograph flashes')
    await bob.send(toAlice, 'Heliograph: mirrors and sun')
    const found = ['Heliograph: mirrors and sun', 'a heliograph flashes']
    expect((await alice.search(toBob, 'heliograph')).map(({ text }) => text)).toEqual(found)
    await waitUntil('Bob finds both', async () => (await bob.search(toAlice, 'HELIOGRAPH')).length === 2)
    expect((await bob.search(toAlice, 'heliograph')).map(({ text }) => text)).toEqual(found)
    expect(await alice.search(toBob, 'semaphore')).toEqual([])
  })

  test('forwards name whom they are from', async () => {
    const one = await alice.send(toBob, 'forward 1')
    const two = await alice.send(toBob, 'forward 2')
    const forwarded = await alice.forward(toBob, [one.id, two.id], 'me')
    expect(forwarded.map(({ text, isForward }) => [text, isForward])).toEqual([
      ['forward 1', true],
      ['forward 2', true],
    ])
    expect((await alice.history('me', 2)).map(({ text, isForward }) => [text, isForward])).toEqual([
      ['forward 2', true],
      ['forward 1', true],
    ])
    await alice.forward('me', [forwarded[1]!.id], toBob)
    const heard = await told(bob, 'message', ({ message }) => message.text === 'forward 2' && message.isForward)
    expect(heard.message.from).toBe(alice.self)
  })

  test('a deletion for oneself leaves the other side alone, one for both does not', async () => {
    const mine = await alice.send(toBob, 'only mine')
    const ours = await alice.send(toBob, 'gone for both')
    const { message } = await told(bob, 'message', (event) => event.message.text === 'gone for both')
    await alice.delete(toBob, [mine.id], { revoke: false })
    await alice.delete(toBob, [ours.id], { revoke: true })
    expect((await told(bob, 'delete')).ids).toEqual([message.id])
    expect((await bob.history(toAlice, 1))[0]?.text).toBe('only mine')
    const left = (await alice.history(toBob)).map(({ text }) => text)
    expect(left).not.toContain('only mine')
    expect(left).not.toContain('gone for both')
  })

  test('a scheduled message waits for its time', async () => {
    const at = Math.floor(Date.now() / 1000)
    const late = await alice.send(toBob, 'in an hour', { at: at + 3600 })
    expect((await alice.scheduled(toBob)).map(({ id, text }) => [id, text])).toEqual([[late.id, 'in an hour']])
    expect((await bob.history(toAlice)).map(({ text }) => text)).not.toContain('in an hour')
    expect((await alice.history(toBob)).map(({ text }) => text)).not.toContain('in an hour')
  })

  test('a history cleared for both is empty on both sides', async () => {
    await alice.clearHistory(toBob, { revoke: true })
    expect(await alice.history(toBob)).toEqual([])
    await waitUntil('it is empty on the other side', async () => (await bob.history(toAlice)).length === 0)
    expect((await alice.dialogs()).find(({ peer }) => peer === bob.self)?.topText ?? '').toBe('')
  })

  test('no device was told of what it sent itself', () => {
    for (const device of [alice, bob]) {
      // Of a pin, the service message is part of the answer; a message by the device itself is never pushed to it.
      expect(eventsOf(device, 'message').filter(({ message }) => message.from === device.self)).toEqual([])
    }
  })
})
