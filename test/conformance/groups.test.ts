/** A basic group of three accounts, by both libraries. */
import { Long } from '@mtcute/core'
import type { tl } from '@mtcute/node'
import bigInt from 'big-integer'
import { Api } from 'telegram'
import { beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../harness/index.js'
import type { GramjsDevice } from './gramjs-device.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { eventsOf, stage, told } from './stage.js'

const on = stage()
let alice: MtcuteDevice
let bob: GramjsDevice
let carol: MtcuteDevice
let group: number

const chatOf = () => bigInt(-group)

beforeAll(async () => {
  alice = await on.mtcute({ transport: 'ws' })
  bob = await on.gramjs()
  carol = await on.mtcute()
  await alice.setUsername('alice_groups')
  await bob.setUsername('bobby_groups')
  await carol.setUsername('carol_groups')
})

test('a new group is told to its members, by a message of the service', async () => {
  group = await alice.createGroup('Mirrors', ['bobby_groups', 'carol_groups'])
  expect(group).toBeLessThan(0)
  for (const device of [bob, carol]) {
    const { message } = await told(device, 'message', ({ message }) => message.action === 'messageActionChatCreate')
    expect(message).toMatchObject({ from: alice.self, out: false })
    expect((await device.dialogs()).map(({ peer, title }) => ({ peer, title }))).toEqual([
      { peer: group, title: 'Mirrors' },
    ])
  }
})

test('what one says all others hear, once, in the same order', async () => {
  const said = [alice, bob, carol, bob, alice, carol]
  for (const [at, device] of said.entries()) await device.send(group, `line ${at}`)
  const lines = said.map((_, at) => `line ${at}`)
  for (const device of [alice, bob, carol]) {
    const own = lines.filter((_, at) => said[at] === device)
    const others = lines.filter((line) => !own.includes(line))
    const heard = () => eventsOf(device, 'message').flatMap(({ message }) => (message.action ? [] : [message.text]))
    await waitUntil('all lines are there', () => heard().length >= others.length)
    expect(heard()).toEqual(others)
    const history = await device.history(group, 6)
    expect(history.map(({ text }) => text).reverse()).toEqual(lines)
    expect(history.map(({ from }) => from).reverse()).toEqual(said.map(({ self }) => self))
  }
})

test('edits, reactions and deletions reach every member; a message is read by its author once one has read it', async () => {
  const { id } = await bob.send(group, 'to be edited')
  const heard = await told(carol, 'message', ({ message }) => message.text === 'to be edited')
  await bob.edit(group, id, 'edited')
  for (const device of [alice, carol]) await told(device, 'edit', ({ message }) => message.text === 'edited')
  await carol.react(group, heard.message.id, '🔥')
  await told(bob, 'reactions', (event) => event.id === id && event.emojis.includes('🔥'))
  await carol.read(group, heard.message.id)
  await told(bob, 'read', (event) => event.by === 'other' && event.maxId >= id)
  await bob.delete(group, [id], { revoke: true })
  expect((await told(carol, 'delete')).ids).toEqual([heard.message.id])
  await told(alice, 'delete')
})

test('typing is told to the others', async () => {
  await alice.type(group)
  for (const device of [bob, carol]) {
    await told(device, 'typing', (event) => event.user === alice.self && event.action === 'typing')
  }
})

test('a mention is counted until it is read', async () => {
  await carol.read(group, 0)
  await bob.send(group, 'hey @carol_groups, look')
  await told(carol, 'message', ({ message }) => message.text.startsWith('hey'))
  const mentions = async () => {
    const peer = await carol.client.resolvePeer(group)
    const dialogs = await carol.client.getPeerDialogs(peer)
    return dialogs[0]?.unreadMentionsCount
  }
  expect(await mentions()).toBe(1)
  const peer = await carol.client.resolvePeer(group)
  await carol.client.call({ _: 'messages.readMentions', peer })
  expect(await mentions()).toBe(0)
})

test('title and description', async () => {
  await alice.client.setChatTitle(group, 'Mirrors and sun')
  for (const device of [bob, carol]) {
    await told(device, 'message', ({ message }) => message.action === 'messageActionChatEditTitle')
    expect((await device.dialogs())[0]).toMatchObject({ title: 'Mirrors and sun' })
  }
  await alice.client.setChatDescription(group, 'Signals by light')
  expect((await carol.client.getFullChat(group)).bio).toBe('Signals by light')
})

test('members: listed, removed, added again, promoted, with the history that they may see', async () => {
  const members = async () => (await alice.client.getChatMembers(group)).map(({ user }) => user.id).sort()
  expect(await members()).toEqual([alice.self, bob.self, carol.self].sort())
  await alice.client.kickChatMember({ chatId: group, userId: 'carol_groups' })
  await told(bob, 'message', ({ message }) => message.action === 'messageActionChatDeleteUser')
  expect(await members()).toEqual([alice.self, bob.self].sort())
  await expect(carol.send(group, 'still here?')).rejects.toThrow()
  await alice.send(group, 'without Carol')
  await told(bob, 'message', ({ message }) => message.text === 'without Carol')
  expect((await carol.history(group)).map(({ text }) => text)).not.toContain('without Carol')
  await alice.client.setChatTitle(group, 'What Carol must not know')
  const { chats } = await carol.client.call({ _: 'messages.getChats', id: [-group] })
  expect(chats).toMatchObject([{ _: 'chatForbidden', title: 'Mirrors and sun' }])
  const full = await carol.client.call({ _: 'messages.getFullChat', chatId: -group })
  expect(full).toMatchObject({
    fullChat: { about: '', participants: { _: 'chatParticipantsForbidden' } },
    chats: [{ title: 'Mirrors and sun' }],
  })
  expect((await carol.dialogs()).map(({ title }) => title)).toContain('Mirrors and sun')
  await alice.client.setChatTitle(group, 'Mirrors and sun')

  await bob.client.invoke(
    new Api.messages.AddChatUser({
      chatId: chatOf(),
      userId: await bob.client.getInputEntity('carol_groups'),
      fwdLimit: 0,
    }),
  )
  await told(carol, 'message', ({ message }) => message.action === 'messageActionChatAddUser')
  await alice.send(group, 'welcome back')
  await told(carol, 'message', ({ message }) => message.text === 'welcome back')
  expect((await carol.history(group)).map(({ text }) => text)).not.toContain('without Carol')

  const userId = await bob.client.getInputEntity('carol_groups')
  const promote = new Api.messages.EditChatAdmin({ chatId: chatOf(), userId, isAdmin: true })
  await expect(bob.client.invoke(promote)).rejects.toThrow('CHAT_ADMIN_REQUIRED')
  const { updates } = await carolIsAdmin()
  expect(updates).toBe(true)
})

async function carolIsAdmin(): Promise<{ updates: boolean }> {
  const userId = await alice.client.resolveUser('carol_groups')
  await alice.client.call({ _: 'messages.editChatAdmin', chatId: -group, userId, isAdmin: true })
  const carols = (await alice.client.getChatMembers(group)).find(({ user }) => user.id === carol.self)
  return { updates: carols?.status === 'admin' }
}

test('an invitation is shown to who has it, joined by it, and no good once revoked', async () => {
  const { link } = await alice.client.exportInviteLink(group)
  const dave = await on.gramjs()
  const hash = link.split('+')[1]!
  const shown = await dave.client.invoke(new Api.messages.CheckChatInvite({ hash }))
  expect(shown).toMatchObject({ className: 'ChatInvite', title: 'Mirrors and sun', participantsCount: 3 })
  await dave.client.invoke(new Api.messages.ImportChatInvite({ hash }))
  await told(bob, 'message', ({ message }) => message.action === 'messageActionChatJoinedByLink')
  await alice.send(group, 'hello Dave')
  await told(dave, 'message', ({ message }) => message.text === 'hello Dave')

  await alice.client.exportInviteLink(group)
  const erin = await on.mtcute()
  await expect(erin.client.joinChat(link)).rejects.toThrow('INVITE_HASH_EXPIRED')
})

test('who leaves is told of, and hears no more', async () => {
  const before = eventsOf(bob, 'message').length
  await bob.client.invoke(new Api.messages.DeleteChatUser({ chatId: chatOf(), userId: new Api.InputUserSelf() }))
  await told(
    carol,
    'message',
    ({ message }) => message.action === 'messageActionChatDeleteUser' && message.from === bob.self,
  )
  await alice.send(group, 'Bob is gone')
  await told(carol, 'message', ({ message }) => message.text === 'Bob is gone')
  await bob.history('me') // by now he would have been told
  expect(eventsOf(bob, 'message').slice(before)).toEqual([])
})

test('to who never was in it a group is no peer, whatever is asked', async () => {
  const outsider = (await on.mtcute()).client
  const peer: tl.RawInputPeerChat = { _: 'inputPeerChat', chatId: -group }
  const zero = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 10, maxId: 0, minId: 0, hash: Long.ZERO }
  const filter = { _: 'inputMessagesFilterEmpty' } as const
  const byPeer: tl.RpcMethod[] = [
    { _: 'messages.readHistory', peer, maxId: 0 },
    { _: 'messages.readMentions', peer },
    { _: 'messages.getHistory', peer, ...zero },
    { _: 'messages.getUnreadMentions', peer, ...zero },
    { _: 'messages.search', peer, filter, q: 'a', minDate: 0, maxDate: 0, ...zero },
    { _: 'messages.deleteHistory', peer, maxId: 0 },
    { _: 'messages.setTyping', peer, action: { _: 'sendMessageTypingAction' } },
    { _: 'messages.saveDraft', peer, message: 'a draft' },
    { _: 'messages.sendMessage', peer, message: 'a message', randomId: Long.ONE },
    { _: 'messages.editMessage', peer, id: 1, message: 'b' },
    { _: 'messages.sendReaction', peer, msgId: 1, reaction: [] },
    { _: 'messages.updatePinnedMessage', peer, id: 1 },
    { _: 'messages.unpinAllMessages', peer },
    { _: 'messages.editChatAbout', peer, about: 'mine' },
    { _: 'messages.exportChatInvite', peer },
    { _: 'messages.getScheduledHistory', peer, hash: Long.ZERO },
    { _: 'messages.toggleDialogPin', peer: { _: 'inputDialogPeer', peer }, pinned: true },
    { _: 'messages.markDialogUnread', peer: { _: 'inputDialogPeer', peer }, unread: true },
    { _: 'messages.getPeerDialogs', peers: [{ _: 'inputDialogPeer', peer }] },
    { _: 'account.getNotifySettings', peer: { _: 'inputNotifyPeer', peer } },
  ]
  for (const request of byPeer)
    await expect(outsider.call(request), request._).rejects.toMatchObject({ text: 'PEER_ID_INVALID' })
  const chatId = -group
  const byNumber: tl.RpcMethod[] = [
    { _: 'messages.getFullChat', chatId },
    { _: 'messages.editChatTitle', chatId, title: 'mine' },
    { _: 'messages.editChatAdmin', chatId, userId: { _: 'inputUserSelf' }, isAdmin: true },
    { _: 'messages.addChatUser', chatId, userId: { _: 'inputUserSelf' }, fwdLimit: 0 },
    { _: 'messages.deleteChatUser', chatId, userId: { _: 'inputUserSelf' } },
  ]
  for (const request of byNumber)
    await expect(outsider.call(request), request._).rejects.toThrow(/(CHAT|PEER)_ID_INVALID/)
  const { chats } = await outsider.call({ _: 'messages.getChats', id: [-group] })
  expect(chats).toMatchObject([{ _: 'chatForbidden', title: '' }])
})
