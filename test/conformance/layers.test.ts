/** Clients of every age: what each is answered and told it can read with the schema of its own layer. */
import { expect, test } from 'vitest'
import { RawClient, RawRefusal, randomId, type TlObject } from '../harness/index.js'
import { LayerReader } from './layer-reader.js'
import { stage, told } from './stage.js'

const on = stage()

test.each([167, 179, 189, 198, 216, 227, 228])(
  'a client of layer %i logs in, sends, is told, and reads all of it',
  async (layer) => {
    const peer = await on.gramjs()
    const peerName = `peer_${peer.phone}`
    await peer.setUsername(peerName)
    const raw = on.keep(await RawClient.connect(on.server, { layer }))
    const phone = on.newPhone()
    const self = await raw.logIn(phone)
    const name = `raw_${phone}`
    await raw.call({ _: 'account.updateUsername', username: name })
    const resolved = (await raw.call({ _: 'contacts.resolveUsername', username: peerName })) as { users: TlObject[] }
    const { id, accessHash } = resolved.users.find((user) => user.id === peer.self)!
    const input = { _: 'inputPeerUser', userId: id, accessHash }
    const user = { _: 'inputUser', userId: id, accessHash }

    const message = `from layer ${layer}`
    await raw.call({ _: 'messages.sendMessage', peer: input, message, randomId: randomId(), noWebpage: true })
    const heard = await told(peer, 'message', (event) => event.message.text === message)
    expect(heard.message).toMatchObject({ from: self, out: false })

    const { id: answered } = await peer.send(name, 'to an old one', { replyTo: heard.message.id })
    const update = await raw.told('updateNewMessage', (one) => (one.message as TlObject).message === 'to an old one')
    const mine = update.message as { replyTo: { replyToMsgId: number }; id: number }
    await peer.edit(name, answered, 'to an older one')
    await raw.told('updateEditMessage', (one) => (one.message as TlObject).message === 'to an older one')
    await peer.react(name, heard.message.id, '👍')
    await raw.told('updateMessageReactions')
    await peer.pin(name, answered, true)
    await raw.told('updatePinnedMessages')
    await peer.type(name)
    await raw.told('updateUserTyping')
    await raw.call({ _: 'messages.readHistory', peer: input, maxId: 0 })
    await told(peer, 'read', ({ by, maxId }) => by === 'other' && maxId >= answered)
    await raw.call({
      _: 'messages.sendReaction',
      peer: input,
      msgId: mine.id,
      reaction: [{ _: 'reactionEmoji', emoticon: '🔥' }],
    })
    await told(peer, 'reactions', ({ emojis }) => emojis.includes('🔥'))

    const created = (await raw.call({ _: 'messages.createChat', users: [user], title: `group ${layer}` })) as TlObject
    // Layers from 204 on name who could not be invited.
    const updates = (created._ === 'messages.invitedUsers' ? created.updates : created) as { chats: { id: number }[] }
    const chatId = updates.chats[0]!.id
    await told(peer, 'message', (event) => event.message.action === 'messageActionChatCreate')
    await peer.send(-chatId, 'in the group')
    await raw.told('updateNewMessage', (one) => (one.message as TlObject).message === 'in the group')
    const chat = { _: 'inputPeerChat', chatId }
    const invite = (await raw.call({ _: 'messages.exportChatInvite', peer: chat })) as { link: string }
    expect(invite.link).toContain('+')

    const empty = { offsetDate: 0, offsetId: 0, limit: 20, hash: zero }
    await raw.call({ _: 'messages.getDialogs', ...empty, offsetPeer: { _: 'inputPeerEmpty' } })
    await raw.call({ _: 'messages.getHistory', ...empty, peer: input, addOffset: 0, maxId: 0, minId: 0 })
    await raw.call({ _: 'messages.getHistory', ...empty, peer: chat, addOffset: 0, maxId: 0, minId: 0 })
    await raw.call({ _: 'messages.saveDraft', peer: input, message: 'a draft' })
    for (const call of [
      { _: 'help.getConfig' },
      { _: 'help.getAppConfig', hash: 0 },
      { _: 'help.getCountriesList', langCode: 'en', hash: 0 },
      { _: 'users.getFullUser', id: user },
      { _: 'messages.getFullChat', chatId },
      { _: 'messages.getAllDrafts' },
      { _: 'messages.getDialogFilters' },
      { _: 'messages.getAvailableReactions', hash: 0 },
      { _: 'messages.getMessageReactionsList', peer: input, id: mine.id, limit: 10 },
      { _: 'contacts.addContact', id: user, firstName: 'Old', lastName: 'Friend', phone: '' },
      { _: 'contacts.getContacts', hash: zero },
      { _: 'account.getAuthorizations' },
      { _: 'account.getNotifySettings', peer: { _: 'inputNotifyUsers' } },
      { _: 'updates.getState' },
      { _: 'updates.getDifference', pts: 0, date: 1, qts: 0 },
    ]) {
      await raw.call(call)
    }
    await expect(raw.call({ _: 'account.getPassword' })).rejects.toEqual(new RawRefusal(400, 'METHOD_NOT_IMPLEMENTED'))

    expect(raw.objects.length).toBeGreaterThan(30)
    const known = new LayerReader(layer)
    for (const object of raw.objects) known.read(object)
  },
)

test('the layer belongs to the key: a client that does not say it again is told in its own', async () => {
  const peer = await on.mtcute()
  const first = on.keep(await RawClient.connect(on.server, { layer: 167 }))
  const phone = on.newPhone()
  await first.logIn(phone)
  const name = `raw_${phone}`
  await first.call({ _: 'account.updateUsername', username: name })
  await first.end()
  const again = on.keep(first.resumed(on.server))
  await again.call({ _: 'updates.getState' })
  await peer.send(name, 'are you there?')
  await again.told('updateNewMessage', (one) => (one.message as TlObject).message === 'are you there?')
  const known = new LayerReader(167)
  for (const object of again.objects) known.read(object)
})

const zero = '\0\0\0\0\0\0\0\0'
