/** People to each other: names, contacts, blocks, presence, what is found and what is muted. */
import { Long } from '@mtcute/core'
import type { tl } from '@mtcute/node'
import { Api } from 'telegram'
import { beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../harness/index.js'
import type { GramjsDevice } from './gramjs-device.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { eventsOf, stage, told } from './stage.js'

const on = stage()
let alice: MtcuteDevice
let bob: GramjsDevice

beforeAll(async () => {
  alice = await on.mtcute()
  bob = await on.gramjs({ transport: 'ws' })
  await alice.setUsername('alice_people')
  await bob.setUsername('bobby_people')
  await alice.send('bobby_people', 'hello')
  await bob.send('alice_people', 'hello')
})

test('a username is unique whatever its case, is free once given up, and has rules', async () => {
  await expect(bob.setUsername('ALICE_people')).rejects.toThrow('USERNAME_OCCUPIED')
  await expect(bob.setUsername('no')).rejects.toThrow('USERNAME_INVALID')
  await expect(bob.setUsername('bobby_people')).rejects.toThrow('USERNAME_NOT_MODIFIED')
  const carol = await on.mtcute()
  const dave = await on.gramjs()
  const claims = await Promise.allSettled([carol.setUsername('the_one_name'), dave.setUsername('The_One_Name')])
  expect(claims.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await carol.setUsername('carol_before')
  await carol.setUsername('carol_after')
  await expect(alice.client.getUser('carol_before')).rejects.toThrow()
  expect((await alice.client.getUser('carol_after')).id).toBe(carol.self)
  await dave.setUsername('carol_before')
})

test('a changed name is shown to others', async () => {
  await bob.setName('Robert', 'Tables')
  await waitUntil(
    'Alice sees it',
    async () => (await alice.client.getUser('bobby_people')).displayName === 'Robert Tables',
  )
  await alice.client.updateProfile({ firstName: 'Alice', bio: 'mirrors' })
  const full = await bob.client.invoke(new Api.users.GetFullUser({ id: 'alice_people' }))
  expect(full.fullUser.about).toBe('mirrors')
  expect((full.users[0] as Api.User).firstName).toBe('Alice')
  await expect(alice.client.updateProfile({ firstName: '' })).rejects.toThrow('FIRSTNAME_INVALID')
  await expect(alice.client.updateProfile({ bio: 'x'.repeat(71) })).rejects.toThrow('ABOUT_TOO_LONG')
})

test('a contact has the name that one gave it, and sees whether it is mutual', async () => {
  await alice.client.addContact({ userId: 'bobby_people', firstName: 'Bobby', lastName: 'from work' })
  const [contact] = await alice.client.getContacts()
  expect(contact).toMatchObject({ displayName: 'Bobby from work', isContact: true, isMutualContact: false })
  const [imported] = await alice.client
    .importContacts([{ phone: bob.phone, firstName: 'Bob', lastName: '' }])
    .then((result) => result.imported)
  expect(Number(imported?.userId)).toBe(bob.self)
  await bob.client.invoke(
    new Api.contacts.AddContact({ id: 'alice_people', firstName: 'Alice', lastName: '', phone: '' }),
  )
  await waitUntil('it is mutual', async () => (await alice.client.getContacts())[0]?.isMutualContact === true)
  const unchanged = await alice.client.call({ _: 'contacts.getContacts', hash: contactsHash(bob.self) })
  expect(unchanged._).toBe('contacts.contactsNotModified')
  await alice.client.deleteContacts(['bobby_people'])
  expect(await alice.client.getContacts()).toEqual([])
})

/** Over the count and the ids, as clients compute it. */
function contactsHash(id: number): Long {
  let hash = 0n
  for (const number of [1, id]) {
    hash ^= hash >> 21n
    hash ^= BigInt.asUintN(64, hash << 35n)
    hash ^= hash >> 4n
    hash = BigInt.asUintN(64, hash + BigInt(number))
  }
  return Long.fromString(hash.toString(), true).toSigned()
}

test('who is blocked gets nothing through, and is not told so by typing or presence', async () => {
  await bob.client.invoke(new Api.contacts.Block({ id: 'alice_people' }))
  const blocked = await bob.client.invoke(new Api.contacts.GetBlocked({ offset: 0, limit: 10 }))
  expect(blocked.users.map(({ id }) => Number(id))).toEqual([alice.self])
  const before = bob.events.length
  await alice.send('bobby_people', 'are you there?')
  await alice.type('bobby_people')
  expect((await bob.history('alice_people')).map(({ text }) => text)).not.toContain('are you there?')
  expect(eventsOf(bob, 'message').slice(before)).toEqual([])
  await bob.client.invoke(new Api.contacts.Unblock({ id: 'alice_people' }))
  await alice.send('bobby_people', 'and now?')
  await told(bob, 'message', ({ message }) => message.text === 'and now?')
  expect(bob.events.slice(before).filter(({ type }) => type === 'typing')).toEqual([])
})

test('who is blocked cannot invite the blocker, nor change anything for him, nor see when he is there', async () => {
  const carol = await on.mtcute()
  await carol.setUsername('carol_people')
  const { id } = await alice.send('bobby_people', 'as it was')
  await told(bob, 'message', ({ message }) => message.text === 'as it was')
  const user = await alice.client.resolveUser('bobby_people')
  const statusOf = async () => {
    const [seen] = await alice.client.call({ _: 'users.getUsers', id: [user] })
    return seen?._ === 'user' ? seen.status?._ : undefined
  }
  await bob.setOnline(true)
  await waitUntil('Alice sees that he is there', async () => (await statusOf()) === 'userStatusOnline')
  await bob.client.invoke(new Api.contacts.Block({ id: 'alice_people' }))
  expect(await statusOf()).toBe('userStatusEmpty')
  const before = bob.events.length
  await alice.edit('bobby_people', id, 'you cannot stop me')
  await alice.pin('bobby_people', id, true)
  await alice.react('bobby_people', id, '👍')
  const made = await alice.client.call({ _: 'messages.createChat', users: [user], title: 'Come in' })
  expect(made.missingInvitees).toMatchObject([{ userId: bob.self }])
  const chatId = made.updates._ === 'updates' ? (made.updates.chats[0]?.id ?? 0) : 0
  const added = await alice.client.call({ _: 'messages.addChatUser', chatId, userId: user, fwdLimit: 0 })
  expect(added.missingInvitees).toMatchObject([{ userId: bob.self }])
  const { fullChat } = await alice.client.call({ _: 'messages.getFullChat', chatId })
  expect(fullChat).toMatchObject({ participants: { participants: [{ userId: alice.self }] } })
  // Carol's comes after whatever else there was.
  await carol.send('bobby_people', 'hello from Carol')
  await told(bob, 'message', ({ message }) => message.text === 'hello from Carol')
  expect(
    bob.events.slice(before).flatMap((event) => (event.type === 'message' ? [event.message.text] : [event.type])),
  ).toEqual(['hello from Carol'])
  expect((await bob.history('alice_people')).map(({ text }) => text)).toContain('as it was')
  await bob.client.invoke(new Api.contacts.Unblock({ id: 'alice_people' }))
  expect(await statusOf()).toBe('userStatusOnline')
  await bob.setOnline(false)
})

test('who was deleted is not put into a group', async () => {
  const erin = await on.mtcute()
  await erin.setUsername('erin_people')
  const user = await alice.client.resolveUser('erin_people')
  const chat = await alice.client.call({ _: 'messages.createChat', users: [user], title: 'Two' })
  const chatId = chat.updates._ === 'updates' ? (chat.updates.chats[0]?.id ?? 0) : 0
  await erin.client.call({ _: 'account.deleteAccount', reason: '' })
  await alice.client.call({ _: 'messages.deleteChatUser', chatId, userId: user })
  const again: tl.RpcMethod[] = [
    { _: 'messages.addChatUser', chatId, userId: user, fwdLimit: 0 },
    { _: 'messages.createChat', users: [user], title: 'Two' },
  ]
  for (const request of again) {
    await expect(alice.client.call(request), request._).rejects.toMatchObject({ text: 'INPUT_USER_DEACTIVATED' })
  }
})

test('presence is told to those who know one', async () => {
  const since = bob.events.length
  await alice.setOnline(false)
  await alice.setOnline(true)
  await told(bob, 'status', ({ user, status }) => user === alice.self && status === 'online', since)
  await alice.setOnline(false)
  await waitUntil('Bob is told the last', () => eventsOf(bob, 'status').at(-1)?.status === 'offline')
  const { users } = await bob.client.invoke(new Api.users.GetFullUser({ id: 'alice_people' }))
  expect((users[0] as Api.User).status?.className).toBe('UserStatusOffline')
})

test('people are found by name and by number', async () => {
  const found = await bob.client.invoke(new Api.contacts.Search({ q: 'alice_peo', limit: 5 }))
  expect(found.users.map(({ id }) => Number(id))).toEqual([alice.self])
  expect(await alice.client.resolvePhoneNumber(bob.phone, true)).toMatchObject({ userId: bob.self })
  await expect(alice.client.getUser('nobody_has_this')).rejects.toThrow()
  await expect(alice.client.call({ _: 'contacts.search', q: 'a', limit: 5 })).rejects.toThrow('QUERY_TOO_SHORT')
})

test('mute settings are kept, per chat and per kind, and told to the other devices', async () => {
  const other = await on.gramjs({ phone: alice.phone })
  const peer = { _: 'inputNotifyPeer', peer: await alice.client.resolvePeer('bobby_people') } as const
  const muteUntil = 2_000_000_000
  await alice.client.call({
    _: 'account.updateNotifySettings',
    peer,
    settings: { _: 'inputPeerNotifySettings', muteUntil, showPreviews: false },
  })
  await told(other, 'other', ({ name }) => name === 'UpdateNotifySettings')
  const settings = await other.client.invoke(
    new Api.account.GetNotifySettings({
      peer: new Api.InputNotifyPeer({ peer: await other.client.getInputEntity('bobby_people') }),
    }),
  )
  expect(settings).toMatchObject({ muteUntil, showPreviews: false })
  const users = await other.client.invoke(new Api.account.GetNotifySettings({ peer: new Api.InputNotifyUsers() }))
  expect(users.muteUntil ?? 0).toBe(0)
})

test('an account that is deleted is gone for others, its name and number free', async () => {
  const leaving = await on.mtcute()
  await leaving.setUsername('leaving_people')
  await leaving.send('bobby_people', 'farewell')
  await told(bob, 'message', ({ message }) => message.text === 'farewell')
  await leaving.client.call({ _: 'account.deleteAccount', reason: '' })
  await expect(bob.send(leaving.self, 'wait')).rejects.toThrow('INPUT_USER_DEACTIVATED')
  expect((await bob.history(leaving.self))[0]?.text).toBe('farewell')
  const next = await on.mtcute({ phone: leaving.phone })
  expect(next.self).not.toBe(leaving.self)
  await next.setUsername('leaving_people')
})
