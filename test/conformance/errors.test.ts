/** What is refused, in the words that clients know; and what overload looks like. */
import { Long } from '@mtcute/core'
import type { tl } from '@mtcute/node'
import { Api } from 'telegram'
import { beforeAll, describe, expect, test } from 'vitest'
import { gramjsGuest } from '../harness/index.js'
import type { GramjsDevice } from './gramjs-device.js'
import type { MtcuteDevice } from './mtcute-device.js'
import { stage, told } from './stage.js'

const on = stage()
let alice: MtcuteDevice
let bob: GramjsDevice
let toBob: tl.TypeInputPeer
let theirs: number

beforeAll(async () => {
  alice = await on.mtcute()
  bob = await on.gramjs()
  await alice.setUsername('alice_errors')
  await bob.setUsername('bobby_errors')
  toBob = await alice.client.resolvePeer('bobby_errors')
  await bob.send('alice_errors', 'by Bob')
  theirs = (await told(alice, 'message')).message.id
})

const page = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 10, maxId: 0, minId: 0, hash: Long.ZERO }

test.each<[string, () => tl.RpcMethod]>([
  ['MESSAGE_EMPTY', () => ({ _: 'messages.sendMessage', peer: toBob, message: ' \n ', randomId: Long.ONE })],
  [
    'MESSAGE_TOO_LONG',
    () => ({ _: 'messages.sendMessage', peer: toBob, message: 'x'.repeat(5000), randomId: Long.ONE }),
  ],
  [
    'PEER_ID_INVALID',
    () => ({ _: 'messages.sendMessage', peer: { _: 'inputPeerEmpty' }, message: 'x', randomId: Long.ONE }),
  ],
  ['MESSAGE_ID_INVALID', () => ({ _: 'messages.editMessage', peer: toBob, id: 9_999, message: 'x' })],
  ['MESSAGE_AUTHOR_REQUIRED', () => ({ _: 'messages.editMessage', peer: toBob, id: theirs, message: 'x' })],
  ['REACTION_INVALID', () => react('🦖')],
  [
    'MESSAGE_IDS_EMPTY',
    () => ({ _: 'messages.forwardMessages', fromPeer: toBob, toPeer: toBob, id: [], randomId: [] }),
  ],
  [
    'RANDOM_ID_INVALID',
    () => ({ _: 'messages.forwardMessages', fromPeer: toBob, toPeer: toBob, id: [theirs], randomId: [] }),
  ],
  ['CHAT_ID_INVALID', () => ({ _: 'messages.getFullChat', chatId: 12_345_678 })],
  ['USERS_TOO_FEW', () => ({ _: 'messages.createChat', users: [], title: 'alone' })],
  ['CHAT_TITLE_EMPTY', () => ({ _: 'messages.createChat', users: [toBob as unknown as tl.TypeInputUser], title: ' ' })],
  ['INVITE_HASH_EMPTY', () => ({ _: 'messages.checkChatInvite', hash: '' })],
  ['INVITE_HASH_INVALID', () => ({ _: 'messages.importChatInvite', hash: 'nosuchlink' })],
  [
    'SCHEDULE_DATE_TOO_LATE',
    () => ({ _: 'messages.sendMessage', peer: toBob, message: 'x', randomId: Long.ONE, scheduleDate: 2 ** 31 - 1 }),
  ],
  ['USERNAME_INVALID', () => ({ _: 'contacts.resolveUsername', username: 'a b' })],
  ['USERNAME_NOT_OCCUPIED', () => ({ _: 'contacts.resolveUsername', username: 'nobody_at_all' })],
  ['PHONE_NOT_OCCUPIED', () => ({ _: 'contacts.resolvePhone', phone: '15550109999' })],
  ['HASH_INVALID', () => ({ _: 'account.resetAuthorization', hash: Long.fromInt(5) })],
  ['DC_ID_INVALID', () => ({ _: 'auth.exportAuthorization', dcId: 4 })],
  ['AUTH_BYTES_INVALID', () => ({ _: 'auth.importAuthorization', id: Long.ONE, bytes: new Uint8Array(60) })],
  [
    'PEER_ID_INVALID',
    () => ({ _: 'messages.getHistory', ...page, peer: { ...toBob, accessHash: Long.ONE } as tl.TypeInputPeer }),
  ],
])('%s', async (text, call) => {
  const request = call()
  if ('users' in request && request._ === 'messages.createChat' && request.users.length > 0) {
    request.users = [{ ...(toBob as tl.RawInputPeerUser), _: 'inputUser' }]
  }
  await expect(alice.client.call(request)).rejects.toMatchObject({ code: forbidden.has(text) ? 403 : 400, text })
})

test('who signed in today signs out nobody but itself', async () => {
  const thief = await on.mtcute({ phone: alice.phone })
  const { authorizations } = await thief.client.call({ _: 'account.getAuthorizations' })
  const { hash } = authorizations.find(({ current }) => !current)!
  const fresh = { code: 406, text: 'FRESH_RESET_AUTHORISATION_FORBIDDEN' }
  await expect(thief.client.call({ _: 'account.resetAuthorization', hash })).rejects.toMatchObject(fresh)
  await expect(thief.client.call({ _: 'auth.resetAuthorizations' })).rejects.toMatchObject(fresh)
  expect(await thief.client.call({ _: 'auth.logOut' })).toMatchObject({ _: 'auth.loggedOut' })
  await alice.client.call({ _: 'updates.getState' })
})

/** Telegram's list of errors gives these another code than the rest. */
const forbidden = new Set(['MESSAGE_AUTHOR_REQUIRED'])

function react(emoticon: string): tl.RpcMethod {
  return { _: 'messages.sendReaction', peer: toBob, msgId: theirs, reaction: [{ _: 'reactionEmoji', emoticon }] }
}

describe('a method that is not served', () => {
  test('answers METHOD_NOT_IMPLEMENTED and is counted by its name', async () => {
    await expect(alice.client.call({ _: 'account.getPassword' })).rejects.toMatchObject({
      code: 400,
      text: 'METHOD_NOT_IMPLEMENTED',
    })
    await expect(bob.client.invoke(new Api.payments.GetStarsTopupOptions())).rejects.toMatchObject({
      errorMessage: 'METHOD_NOT_IMPLEMENTED',
    })
    const metrics = await on.server.metrics()
    expect(metrics.sum('heliograph_rpc_not_implemented_total', { method: 'account.getPassword' })).toBe(1)
    expect(metrics.sum('heliograph_rpc_not_implemented_total', { method: 'payments.getStarsTopupOptions' })).toBe(1)
  })
})

describe('a stranger', () => {
  test('is refused what needs an account, and served what does not', async () => {
    const guest = gramjsGuest(on.server)
    on.keep({ end: () => guest.destroy() })
    await guest.connect()
    expect((await guest.invoke(new Api.help.GetNearestDc())).thisDc).toBe(2)
    const refused = guest.invoke(new Api.messages.GetAllDrafts())
    await expect(refused).rejects.toMatchObject({ code: 401, errorMessage: 'AUTH_KEY_UNREGISTERED' })
  })
})

test('a repeat with the same random_id is the same message, also under another text', async () => {
  const randomId = Long.fromInt(77)
  const send = (message: string) => alice.client.call({ _: 'messages.sendMessage', peer: toBob, message, randomId })
  const idOf = (updates: tl.TypeUpdates) =>
    updates._ === 'updates' && updates.updates.find((update) => update._ === 'updateMessageID')?.id
  const [first, second] = await Promise.all([send('once'), send('once')])
  expect(idOf(second)).toBe(idOf(first))
  expect(idOf(await send('other words'))).toBe(idOf(first))
  await told(bob, 'message', ({ message }) => message.text === 'once')
  const texts = (await bob.history('alice_errors')).map(({ text }) => text)
  expect(texts.filter((text) => text === 'once' || text === 'other words')).toEqual(['once'])
})
