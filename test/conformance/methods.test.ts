/** Every method that docs/protocol.md says is served, called by mtcute over the wire, its answer looked at. */
import { Long } from '@mtcute/core'
import type { tl } from '@mtcute/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testCode, waitUntil } from '../harness/index.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { servedMethods } from './served-methods.js'
import { stage, told } from './stage.js'

// Devices sign each other out here right after they signed in; errors.test.ts has what that is answered otherwise.
const on = stage({ env: { HELIOGRAPH_FRESH_SESSION_MS: '0' } })
let alice: MtcuteDevice
let bob: MtcuteDevice
let call: MtcuteDevice['client']['call']
let toBob: tl.TypeInputPeer
let bobUser: tl.TypeInputUser

beforeAll(async () => {
  alice = await on.mtcute()
  bob = await on.mtcute()
  call = alice.client.call.bind(alice.client)
  await alice.setUsername('alice_calls')
  await bob.setUsername('bobby_calls')
  toBob = await alice.client.resolvePeer('bobby_calls')
  bobUser = { ...toBob, _: 'inputUser' } as tl.TypeInputUser
})

afterAll(async () => {
  const samples = (await on.server.metrics()).all('heliograph_rpc_answers_total')
  const answered = new Set(samples.filter(({ labels }) => labels.code === '0').map(({ labels }) => labels.method))
  // The session answers the first, and transports.test.ts rests on it; login.test.ts has the second, which needs another
  // server; there are no languages to show.
  const others = ['auth.bindTempAuthKey', 'auth.signUp', 'langpack.getLanguage']
  expect(servedMethods().filter((method) => !answered.has(method) && !others.includes(method))).toEqual([])
})

test('account', async () => {
  expect(await call({ _: 'account.checkUsername', username: 'somebody_else' })).toBe(true)
  expect(await call({ _: 'account.checkUsername', username: 'bobby_calls' })).toBe(false)
  expect(
    await call({ _: 'account.updateProfile', firstName: 'Alice', lastName: 'Calls', about: 'says all' }),
  ).toMatchObject({
    firstName: 'Alice',
    lastName: 'Calls',
  })
  expect(await call({ _: 'account.updateUsername', username: 'Alice_Calls' })).toMatchObject({
    username: 'Alice_Calls',
  })
  expect(await call({ _: 'account.updateStatus', offline: false })).toBe(true)
  const peer: tl.TypeInputNotifyPeer = { _: 'inputNotifyPeer', peer: toBob }
  const settings: tl.TypeInputPeerNotifySettings = {
    _: 'inputPeerNotifySettings',
    silent: true,
    muteUntil: 2_000_000_000,
  }
  expect(await call({ _: 'account.updateNotifySettings', peer, settings })).toBe(true)
  expect(await call({ _: 'account.getNotifySettings', peer })).toMatchObject({ silent: true, muteUntil: 2_000_000_000 })
  const other = await on.mtcute({ phone: alice.phone })
  const { authorizations } = await call({ _: 'account.getAuthorizations' })
  expect(authorizations.map(({ current }) => current === true).sort()).toEqual([false, true])
  const { hash } = authorizations.find(({ current }) => !current)!
  expect(await call({ _: 'account.resetAuthorization', hash })).toBe(true)
  await expect(other.client.call({ _: 'updates.getState' })).rejects.toThrow('AUTH_KEY_UNREGISTERED')
})

test('contacts and users', async () => {
  const resolved = await call({ _: 'contacts.resolveUsername', username: 'BOBBY_calls' })
  expect(resolved.peer).toEqual({ _: 'peerUser', userId: bob.self })
  expect((await call({ _: 'contacts.resolvePhone', phone: `+${bob.phone}` })).peer).toEqual(resolved.peer)
  await call({ _: 'contacts.addContact', id: bobUser, firstName: 'Bobby', lastName: 'Tables', phone: '' })
  const phoneContact = {
    _: 'inputPhoneContact',
    clientId: Long.fromInt(7),
    firstName: 'Bob',
    lastName: 'Imported',
  } as const
  const imported = await call({ _: 'contacts.importContacts', contacts: [{ ...phoneContact, phone: bob.phone }] })
  expect(imported.imported).toMatchObject([{ userId: bob.self }])
  const contacts = await call({ _: 'contacts.getContacts', hash: Long.ZERO })
  expect(contacts).toMatchObject({
    contacts: [{ userId: bob.self }],
    users: [{ firstName: 'Bob', lastName: 'Imported' }],
  })
  expect(await call({ _: 'contacts.getStatuses' })).toMatchObject([{ userId: bob.self }])
  const found = await call({ _: 'contacts.search', q: 'bobby_c', limit: 10 })
  expect([...found.myResults, ...found.results]).toEqual([resolved.peer])
  await call({ _: 'contacts.deleteContacts', id: [bobUser] })
  // Strangers are found by the beginning of their username.
  expect((await call({ _: 'contacts.search', q: 'bob', limit: 10 })).results).toEqual([resolved.peer])
  expect(await call({ _: 'contacts.getContacts', hash: Long.ZERO })).toMatchObject({ contacts: [] })
  expect(await call({ _: 'contacts.block', id: toBob })).toBe(true)
  expect(await call({ _: 'contacts.getBlocked', offset: 0, limit: 10 })).toMatchObject({
    blocked: [{ peerId: resolved.peer }],
  })
  expect(await call({ _: 'contacts.unblock', id: toBob })).toBe(true)
  expect(await call({ _: 'users.getUsers', id: [bobUser, { _: 'inputUserSelf' }] })).toMatchObject([
    { id: bob.self, username: 'bobby_calls' },
    { id: alice.self, self: true },
  ])
  const full = await call({ _: 'users.getFullUser', id: { _: 'inputUserSelf' } })
  expect(full.fullUser).toMatchObject({ id: alice.self, about: 'says all' })
})

test('help and langpack', async () => {
  const config = await call({ _: 'help.getConfig' })
  expect(config.dcOptions[0]).toMatchObject({ id: 2, static: true, ...ported(on.server.mtproto) })
  expect(await call({ _: 'help.getNearestDc' })).toMatchObject({ thisDc: 2, nearestDc: 2 })
  const app = await call({ _: 'help.getAppConfig', hash: 0 })
  expect(app._ === 'help.appConfig' && app.config._).toBe('jsonObject')
  const countries = await call({ _: 'help.getCountriesList', langCode: 'en', hash: 0 })
  expect(countries._ === 'help.countriesList' && countries.countries.length).toBeGreaterThan(200)
  expect(await call({ _: 'help.acceptTermsOfService', id: { _: 'dataJSON', data: '{}' } })).toBe(true)
  expect(await call({ _: 'help.getTermsOfServiceUpdate' })).toMatchObject({ _: 'help.termsOfServiceUpdateEmpty' })
  expect(await call({ _: 'help.getAppUpdate', source: '' })).toMatchObject({ _: 'help.noAppUpdate' })
  expect(await call({ _: 'help.getCdnConfig' })).toMatchObject({ publicKeys: [] })
  expect((await call({ _: 'help.getInviteText' })).message).toContain('127.0.0.1')
  expect(await call({ _: 'langpack.getLanguages', langPack: '' })).toEqual([])
  expect(await call({ _: 'langpack.getLangPack', langPack: '', langCode: 'en' })).toMatchObject({ strings: [] })
  expect(await call({ _: 'langpack.getDifference', langPack: '', langCode: 'en', fromVersion: 3 })).toMatchObject({
    fromVersion: 3,
    strings: [],
  })
  expect(await call({ _: 'langpack.getStrings', langPack: '', langCode: 'en', keys: ['a'] })).toEqual([])
  const noLanguage = call({ _: 'langpack.getLanguage', langPack: '', langCode: 'en' })
  await expect(noLanguage).rejects.toThrow('LANG_CODE_NOT_SUPPORTED')
})

const ported = ({ host, port }: { host: string; port: number }) => ({ ipAddress: host, port })

test('messages: sending, editing, reading', async () => {
  const sent = await send(toBob, 'first')
  expect(sent).toMatchObject({ _: 'updates' })
  const [id] = newIds(sent)
  await told(bob, 'message')
  const [mine] = await bob.history('alice_calls')
  await call({ _: 'messages.editMessage', peer: toBob, id: id!, message: 'first, edited' })
  expect(await call({ _: 'messages.getMessageEditData', peer: toBob, id: id! })).toMatchObject({ caption: false })
  const forwarded = await call({
    _: 'messages.forwardMessages',
    fromPeer: toBob,
    toPeer: { _: 'inputPeerSelf' },
    id: [id!],
    randomId: [random()],
  })
  expect(newIds(forwarded)).toHaveLength(1)
  const messages = await call({ _: 'messages.getMessages', id: [{ _: 'inputMessageID', id: id! }] })
  expect(messages).toMatchObject({ messages: [{ id, message: 'first, edited', peerId: { userId: bob.self } }] })
  const page = { peer: toBob, offsetId: 0, offsetDate: 0, addOffset: 0, limit: 10, maxId: 0, minId: 0, hash: Long.ZERO }
  expect(await call({ _: 'messages.getHistory', ...page })).toMatchObject({ messages: [{ id }] })
  const { offsetDate: _, ...offsets } = page
  const filter: tl.TypeMessagesFilter = { _: 'inputMessagesFilterEmpty' }
  expect(await call({ _: 'messages.search', ...offsets, q: 'edited', filter, minDate: 0, maxDate: 0 })).toMatchObject({
    messages: [{ id }],
  })
  expect(await call({ _: 'messages.getUnreadMentions', ...offsets })).toMatchObject({ messages: [] })
  expect(await call({ _: 'messages.readMentions', peer: toBob })).toMatchObject({ ptsCount: 0, offset: 0 })
  await bob.send('alice_calls', 'second')
  await told(alice, 'message')
  expect(await call({ _: 'messages.readHistory', peer: toBob, maxId: 0 })).toMatchObject({ ptsCount: 1 })
  expect(await call({ _: 'messages.receivedMessages', maxId: 100 })).toEqual([])
  expect(await call({ _: 'messages.setTyping', peer: toBob, action: { _: 'sendMessageTypingAction' } })).toBe(true)
  expect((await told(bob, 'typing')).user).toBe(alice.self)
  expect(mine?.text).toBe('first')
})

test('messages: reactions and pins', async () => {
  const [msgId] = newIds(await send(toBob, 'react'))
  const available = await call({ _: 'messages.getAvailableReactions', hash: 0 })
  expect(available._ === 'messages.availableReactions' && available.reactions.length).toBeGreaterThan(20)
  const reaction: tl.TypeReaction = { _: 'reactionEmoji', emoticon: '👍' }
  await call({ _: 'messages.sendReaction', peer: toBob, msgId: msgId!, reaction: [reaction] })
  const list = await call({ _: 'messages.getMessageReactionsList', peer: toBob, id: msgId!, limit: 10 })
  expect(list).toMatchObject({ count: 1, reactions: [{ peerId: { userId: alice.self }, reaction }] })
  const shown = await call({ _: 'messages.getMessagesReactions', peer: toBob, id: [msgId!] })
  expect(shown).toMatchObject({ updates: [{ msgId, reactions: { results: [{ count: 1 }] } }] })
  await call({ _: 'messages.updatePinnedMessage', peer: toBob, id: msgId! })
  const pinned = () => call({ _: 'users.getFullUser', id: bobUser })
  expect((await pinned()).fullUser.pinnedMsgId).toBe(msgId)
  expect((await call({ _: 'messages.unpinAllMessages', peer: toBob })).ptsCount).toBe(1)
  expect((await pinned()).fullUser.pinnedMsgId).toBeUndefined()
})

test('messages: dialogs and drafts', async () => {
  const first = { offsetDate: 0, offsetId: 0, offsetPeer: { _: 'inputPeerEmpty' }, limit: 10, hash: Long.ZERO } as const
  const peer: tl.TypeInputDialogPeer = { _: 'inputDialogPeer', peer: toBob }
  expect(await call({ _: 'messages.toggleDialogPin', pinned: true, peer })).toBe(true)
  const dialogs = await call({ _: 'messages.getDialogs', ...first })
  expect(dialogs).toMatchObject({
    dialogs: [{ pinned: true, peer: { userId: bob.self } }, { peer: { userId: alice.self } }],
  })
  const self: tl.TypeInputDialogPeer = { _: 'inputDialogPeer', peer: { _: 'inputPeerSelf' } }
  await call({ _: 'messages.toggleDialogPin', pinned: true, peer: self })
  expect(await call({ _: 'messages.reorderPinnedDialogs', force: true, folderId: 0, order: [peer, self] })).toBe(true)
  const pinned = await call({ _: 'messages.getPinnedDialogs', folderId: 0 })
  expect(pinned).toMatchObject({ dialogs: [{ peer: { userId: bob.self } }, { peer: { userId: alice.self } }] })
  expect(await call({ _: 'messages.getPeerDialogs', peers: [peer] })).toMatchObject({
    dialogs: [{ peer: { userId: bob.self } }],
  })
  expect(await call({ _: 'messages.markDialogUnread', unread: true, peer })).toBe(true)
  expect(await call({ _: 'messages.getDialogUnreadMarks' })).toMatchObject([{ peer: { userId: bob.self } }])
  const filters = await call({ _: 'messages.getDialogFilters' })
  expect(filters.filters).toMatchObject([{ _: 'dialogFilterDefault' }])
  expect(await call({ _: 'messages.saveDraft', peer: toBob, message: 'half a' })).toBe(true)
  expect(await call({ _: 'messages.getAllDrafts' })).toMatchObject({ updates: [{ draft: { message: 'half a' } }] })
  expect(await call({ _: 'messages.clearAllDrafts' })).toBe(true)
  expect(await call({ _: 'messages.getAllDrafts' })).toMatchObject({ updates: [] })
})

test('messages: scheduled', async () => {
  const scheduleDate = Math.floor(Date.now() / 1000) + 3600
  const [one] = newIds(await send(toBob, 'later', { scheduleDate }))
  const [two] = newIds(await send(toBob, 'never', { scheduleDate: scheduleDate + 60 }))
  const history = await call({ _: 'messages.getScheduledHistory', peer: toBob, hash: Long.ZERO })
  expect(history).toMatchObject({
    messages: [
      { id: two, message: 'never' },
      { id: one, date: scheduleDate },
    ],
  })
  expect(await call({ _: 'messages.getScheduledMessages', peer: toBob, id: [one!] })).toMatchObject({
    messages: [{ id: one }],
  })
  await call({ _: 'messages.deleteScheduledMessages', peer: toBob, id: [two!] })
  await call({ _: 'messages.sendScheduledMessages', peer: toBob, id: [one!] })
  await told(bob, 'message', ({ message }) => message.text === 'later')
  expect(await call({ _: 'messages.getScheduledHistory', peer: toBob, hash: Long.ZERO })).toMatchObject({
    messages: [],
  })
})

test('messages: groups and invitations', async () => {
  const created = await call({ _: 'messages.createChat', users: [bobUser], title: 'Callers' })
  const chatId = created.updates._ === 'updates' ? created.updates.chats[0]!.id : 0
  const peer: tl.TypeInputPeer = { _: 'inputPeerChat', chatId }
  expect(await call({ _: 'messages.getChats', id: [chatId] })).toMatchObject({
    chats: [{ title: 'Callers', creator: true }],
  })
  await call({ _: 'messages.editChatTitle', chatId, title: 'Those who call' })
  expect(await call({ _: 'messages.editChatAbout', peer, about: 'all day' })).toBe(true)
  expect(await call({ _: 'messages.editChatAdmin', chatId, userId: bobUser, isAdmin: true })).toBe(true)
  expect(await call({ _: 'messages.getFullChat', chatId })).toMatchObject({
    fullChat: {
      about: 'all day',
      participants: { participants: [{ userId: alice.self }, { _: 'chatParticipantAdmin', userId: bob.self }] },
    },
    chats: [{ title: 'Those who call' }],
  })
  await call({ _: 'messages.deleteChatUser', chatId, userId: bobUser })
  await call({ _: 'messages.addChatUser', chatId, userId: bobUser, fwdLimit: 10 })
  await call({ _: 'messages.deleteChatUser', chatId, userId: bobUser })
  const invite = await call({ _: 'messages.exportChatInvite', peer })
  const hash = (invite as tl.RawChatInviteExported).link.split('+')[1]!
  expect(await bob.client.call({ _: 'messages.checkChatInvite', hash })).toMatchObject({
    _: 'chatInvite',
    title: 'Those who call',
    participantsCount: 1,
  })
  await bob.client.call({ _: 'messages.importChatInvite', hash })
  expect(await bob.client.call({ _: 'messages.checkChatInvite', hash })).toMatchObject({ _: 'chatInviteAlready' })
})

test('messages: deletion', async () => {
  const [id] = newIds(await send(toBob, 'to go'))
  expect(await call({ _: 'messages.deleteMessages', revoke: true, id: [id!] })).toMatchObject({ ptsCount: 1 })
  const deleted = await call({ _: 'messages.deleteHistory', revoke: true, peer: toBob, maxId: 0 })
  expect(deleted.offset).toBe(0)
  expect(await alice.history('bobby_calls')).toEqual([])
})

test('updates', async () => {
  const state = await call({ _: 'updates.getState' })
  const difference = await call({ _: 'updates.getDifference', pts: state.pts, date: state.date, qts: 0 })
  expect(difference._).toMatch(/^updates.difference(Empty)?$/)
  await bob.send('alice_calls', 'something new')
  await waitUntil('it is in the difference', async () => {
    const next = await call({ _: 'updates.getDifference', pts: state.pts, date: state.date, qts: 0 })
    return next._ === 'updates.difference' && next.newMessages.length === 1
  })
})

test('auth', async () => {
  const phoneNumber = on.newPhone()
  const guest = await on.guest()
  const settings: tl.TypeCodeSettings = { _: 'codeSettings' }
  const first = await guest.call({ _: 'auth.sendCode', phoneNumber, apiId: 1, apiHash: 'x', settings })
  const hashOf = (sent: tl.auth.TypeSentCode) => ('phoneCodeHash' in sent ? sent.phoneCodeHash : '')
  expect(await guest.call({ _: 'auth.cancelCode', phoneNumber, phoneCodeHash: hashOf(first) })).toBe(true)
  const second = await guest.call({ _: 'auth.sendCode', phoneNumber, apiId: 1, apiHash: 'x', settings })
  const third = await guest.call({ _: 'auth.resendCode', phoneNumber, phoneCodeHash: hashOf(second) })
  const signIn = { _: 'auth.signIn', phoneNumber, phoneCodeHash: hashOf(third), phoneCode: testCode } as const
  expect(await guest.call(signIn)).toMatchObject({ _: 'auth.authorization', user: { self: true } })
  const exported = await guest.call({ _: 'auth.exportAuthorization', dcId: 2 })
  const heir = await on.guest()
  const { id, bytes } = exported
  expect(await heir.call({ _: 'auth.importAuthorization', id, bytes })).toMatchObject({
    user: { phone: phoneNumber },
  })
  const latecomer = await on.guest()
  const again = latecomer.call({ _: 'auth.importAuthorization', id, bytes })
  await expect(again).rejects.toThrow('AUTH_BYTES_INVALID')
  expect(await guest.call({ _: 'auth.resetAuthorizations' })).toBe(true)
  await expect(heir.call({ _: 'updates.getState' })).rejects.toThrow('AUTH_KEY_UNREGISTERED')
  expect(await guest.call({ _: 'auth.logOut' })).toMatchObject({ _: 'auth.loggedOut' })
})

test('the end of an account', async () => {
  const leaving = await on.mtcute()
  await leaving.setUsername('leaving_soon')
  expect(await leaving.client.call({ _: 'account.deleteAccount', reason: 'tired' })).toBe(true)
  const resolved = call({ _: 'contacts.resolveUsername', username: 'leaving_soon' })
  await expect(resolved).rejects.toThrow('USERNAME_NOT_OCCUPIED')
})

function send(peer: tl.TypeInputPeer, message: string, more: { scheduleDate?: number } = {}): Promise<tl.TypeUpdates> {
  return call({ _: 'messages.sendMessage', peer, message, randomId: random(), ...more })
}

/** The ids under which an answer says that messages were sent or scheduled. */
function newIds(updates: tl.TypeUpdates): number[] {
  if (updates._ !== 'updates') return []
  return updates.updates.flatMap((update) => (update._ === 'updateMessageID' ? [update.id] : []))
}

function random(): tl.Long {
  return Long.fromBits(Math.random() * 2 ** 32, Math.random() * 2 ** 32)
}
