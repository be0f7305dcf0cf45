/** Several devices of one account: each is told of what the others do, and none of what it does itself. */
import { Api } from 'telegram'
import { beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../harness/index.js'
import type { Device, Event } from './device.js'
import type { GramjsDevice } from './gramjs-device.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { eventsOf, stage, told } from './stage.js'

// Devices sign each other out here right after they signed in; errors.test.ts has what that is answered otherwise.
const on = stage({ env: { HELIOGRAPH_FRESH_SESSION_MS: '0' } })
let phone: MtcuteDevice
let laptop: GramjsDevice
let tablet: MtcuteDevice
let bob: Device
let others: readonly Device[]

beforeAll(async () => {
  phone = await on.mtcute()
  laptop = await on.gramjs({ phone: phone.phone, transport: 'ws' })
  tablet = await on.mtcute({ phone: phone.phone, transport: 'ws' })
  bob = await on.gramjs()
  others = [laptop, tablet]
  await phone.setUsername('alice_devices')
  await bob.setUsername('bobby_devices')
})

test('a login is announced to the devices that were there', async () => {
  expect(laptop.self).toBe(phone.self)
  await told(phone, 'other', ({ name }) => name === 'updateNewAuthorization')
  await told(laptop, 'other', ({ name }) => name === 'UpdateNewAuthorization')
})

test('an own message reaches the other devices as outgoing, and the sending one not', async () => {
  const { id } = await phone.send('bobby_devices', 'from the phone')
  for (const device of others) {
    const { message } = await told(device, 'message', ({ message }) => message.text === 'from the phone')
    expect(message).toMatchObject({ id, out: true, from: phone.self })
  }
  const answer = await laptop.send('bobby_devices', 'from the laptop')
  for (const device of [phone, tablet]) {
    const { message } = await told(device, 'message', ({ message }) => message.text === 'from the laptop')
    expect(message.id).toBe(answer.id)
  }
  expect(eventsOf(laptop, 'message').filter(({ message }) => message.text === 'from the laptop')).toEqual([])
  expect(eventsOf(phone, 'message').filter(({ message }) => message.text === 'from the phone')).toEqual([])
})

test('an incoming message reaches each device once, under one id', async () => {
  await bob.send('alice_devices', 'to all of you')
  const ids = await Promise.all(
    [phone, ...others].map(async (device) => {
      return (await told(device, 'message', ({ message }) => message.text === 'to all of you')).message.id
    }),
  )
  expect(new Set(ids).size).toBe(1)
  await bob.send('alice_devices', 'after it')
  for (const device of [phone, ...others]) {
    await told(device, 'message', ({ message }) => message.text === 'after it')
    expect(eventsOf(device, 'message').filter(({ message }) => message.text === 'to all of you')).toHaveLength(1)
  }
})

test('what one reads is read on the others', async () => {
  const [last] = await phone.history('bobby_devices', 1)
  await phone.read('bobby_devices', last!.id)
  for (const device of others) {
    const read = await told(device, 'read', ({ by }) => by === 'me')
    expect(read).toMatchObject({ maxId: last!.id, stillUnread: 0 })
  }
})

test('edits, deletions for oneself, drafts, pins, names: told to the others', async () => {
  const { id } = await laptop.send('bobby_devices', 'a slip')
  await laptop.edit('bobby_devices', id, 'no slip')
  for (const device of [phone, tablet]) await told(device, 'edit', ({ message }) => message.text === 'no slip')
  await phone.delete('bobby_devices', [id], { revoke: false })
  for (const device of others) expect((await told(device, 'delete')).ids).toEqual([id])
  expect((await bob.history('alice_devices', 1))[0]?.text).toBe('no slip')

  await phone.saveDraft('bobby_devices', 'half a th')
  for (const device of others) await told(device, 'draft', ({ text }) => text === 'half a th')
  expect((await tablet.dialogs()).find(({ peer }) => peer === bob.self)?.draft).toBe('half a th')
  await laptop.saveDraft('bobby_devices', '')
  await told(phone, 'draft', ({ text }) => text === '')

  await laptop.pinDialog('bobby_devices', true)
  for (const device of [phone, tablet]) await told(device, 'dialogPinned', ({ pinned }) => pinned)
  expect((await phone.dialogs())[0]).toMatchObject({ peer: bob.self, pinned: true })

  await phone.setName('Alice', 'of many devices')
  for (const device of others) await told(device, 'name', ({ firstName }) => firstName === 'Alice')
})

test('a scheduled message is shown on the others', async () => {
  const at = Math.floor(Date.now() / 1000) + 3600
  await phone.send('bobby_devices', 'tomorrow', { at })
  for (const device of others) {
    await told(device, 'scheduled', ({ text }) => text === 'tomorrow')
    expect((await device.scheduled('bobby_devices')).map(({ text }) => text)).toEqual(['tomorrow'])
  }
})

test('a scheduled message that a device changes is the same one, changed, on the others', async () => {
  const at = Math.floor(Date.now() / 1000) + 7200
  const { id } = await phone.send('bobby_devices', 'the day after', { at })
  for (const device of others) await told(device, 'scheduled', ({ text }) => text === 'the day after')
  const fromPhone = await phone.reschedule('bobby_devices', id, at + 60, 'in a week')
  expect(fromPhone).toMatchObject({ id, text: 'in a week' })
  for (const device of others) await told(device, 'scheduled', (one) => one.id === id && one.text === 'in a week')
  // The date alone: the text stays.
  expect(await laptop.reschedule('bobby_devices', id, at + 120)).toMatchObject({ id, text: 'in a week' })
  await waitUntil('the phone is told again', () => phone.events.filter(isOf(id)).length === 2)
  for (const device of [phone, ...others]) {
    expect((await device.scheduled('bobby_devices')).filter((one) => one.id === id)).toHaveLength(1)
  }
  await laptop.settleScheduled('bobby_devices', [id], 'send')
  await told(bob, 'message', ({ message }) => message.text === 'in a week')
  await told(phone, 'other', ({ name }) => name === 'updateDeleteScheduledMessages')
  expect((await tablet.scheduled('bobby_devices')).map((one) => one.text)).toEqual(['tomorrow'])
})

const isOf = (id: number) => (event: Event) => event.type === 'scheduled' && event.id === id

test('devices are listed, and one that is ended is out', async () => {
  const { authorizations } = await laptop.client.invoke(new Api.account.GetAuthorizations())
  expect(authorizations).toHaveLength(3)
  expect(authorizations.filter(({ current }) => current)).toHaveLength(1)
  expect(await phone.client.call({ _: 'auth.resetAuthorizations' })).toBe(true)
  await expect(laptop.client.invoke(new Api.updates.GetState())).rejects.toThrow('AUTH_KEY_UNREGISTERED')
  await waitUntil('only the phone is left', async () => {
    return (await phone.client.call({ _: 'account.getAuthorizations' })).authorizations.length === 1
  })
  const before = laptop.events.length
  await bob.send('alice_devices', 'phone only')
  await told(phone, 'message', ({ message }) => message.text === 'phone only')
  expect(laptop.events.slice(before)).toEqual([])
})
