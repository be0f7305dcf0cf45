import bigInt from 'big-integer'
import { Api, type TelegramClient } from 'telegram'
import { DeletedMessage } from 'telegram/events/DeletedMessage.js'
import { EditedMessage } from 'telegram/events/EditedMessage.js'
import { NewMessage, Raw } from 'telegram/events/index.js'
import type { ClientTarget, GramjsOptions } from '../harness/index.js'
import { gramjsClient } from '../harness/index.js'
import type { Device, Event, Peer, Seen, SendOptions } from './device.js'

export interface GramjsDevice extends Device {
  readonly library: 'gramjs'
  readonly client: TelegramClient
  /** Every update of the wire. */
  readonly raw: readonly Api.TypeUpdate[]
}

export async function gramjsDevice(target: ClientTarget, options: GramjsOptions): Promise<GramjsDevice> {
  const client = await gramjsClient(target, options)
  const events: Event[] = []
  const raw: Api.TypeUpdate[] = []
  client.addEventHandler((update: Api.TypeUpdate) => {
    if (!('className' in update)) return // the library tells of its connection in the same way
    raw.push(update)
    const event = rawEvent(update)
    if (event) events.push(event)
  }, new Raw({}))
  client.addEventHandler(({ message }) => events.push({ type: 'message', message: seen(message) }), new NewMessage({}))
  client.addEventHandler(({ message }) => events.push({ type: 'edit', message: seen(message) }), new EditedMessage({}))
  client.addEventHandler(({ deletedIds }) => events.push({ type: 'delete', ids: deletedIds }), new DeletedMessage({}))
  const me = await client.getMe()
  const input = async (peer: Peer) => client.getInputEntity(inputOf(peer))

  return {
    library: 'gramjs',
    transport: options.transport ?? 'tcp',
    phone: options.phone,
    self: Number(me.id),
    client,
    events,
    raw,
    send: async (peer, text, given) => seen(await client.sendMessage(inputOf(peer), sendingOf(text, given))),
    edit: async (peer, message, text) => seen(await client.editMessage(inputOf(peer), { message, text })),
    async forward(from, ids, to) {
      const given = { messages: [...ids], fromPeer: inputOf(from) }
      return (await client.forwardMessages(inputOf(to), given)).flat().map(seen)
    },
    async delete(peer, ids, options) {
      await client.deleteMessages(inputOf(peer), [...ids], options)
    },
    async read(peer, maxId) {
      await client.markAsRead(inputOf(peer), undefined, { maxId })
    },
    async type(peer) {
      const action = new Api.SendMessageTypingAction()
      await client.invoke(new Api.messages.SetTyping({ peer: await input(peer), action }))
    },
    async react(peer, msgId, emoticon) {
      const reaction = emoticon === undefined ? [] : [new Api.ReactionEmoji({ emoticon })]
      await client.invoke(new Api.messages.SendReaction({ peer: await input(peer), msgId, reaction }))
    },
    async pin(peer, id, pinned) {
      if (pinned) await client.pinMessage(inputOf(peer), id)
      else await client.unpinMessage(inputOf(peer), id)
    },
    history: async (peer, limit = 100) => [...(await client.getMessages(inputOf(peer), { limit }))].map(seen),
    search: async (peer, search) => [...(await client.getMessages(inputOf(peer), { search, limit: 100 }))].map(seen),
    async reschedule(peer, id, schedule, text) {
      const entity = await client.getInputEntity(inputOf(peer))
      const changed = await client.editMessage(entity, {
        message: id,
        schedule,
        ...(text !== undefined && { text }),
      })
      return seen(changed)
    },
    async settleScheduled(peer, ids, action) {
      const request = { peer: await input(peer), id: [...ids] }
      const { SendScheduledMessages, DeleteScheduledMessages } = Api.messages
      await client.invoke(action === 'send' ? new SendScheduledMessages(request) : new DeleteScheduledMessages(request))
    },
    async scheduled(peer) {
      const answer = await client.invoke(new Api.messages.GetScheduledHistory({ peer: await input(peer) }))
      if (!(answer instanceof Api.messages.Messages)) throw new Error(`answered ${answer.className}`)
      return answer.messages.filter((message) => message instanceof Api.Message).map(seen)
    },
    async dialogs() {
      return [...(await client.getDialogs({}))].map((dialog) => ({
        peer: Number(dialog.id),
        title: dialog.title ?? '',
        unread: dialog.unreadCount,
        topId: dialog.message?.id ?? 0,
        topText: dialog.message?.message ?? '',
        pinned: dialog.pinned,
        draft: dialog.dialog.draft instanceof Api.DraftMessage ? dialog.dialog.draft.message : '',
        readOutboxMaxId: dialog.dialog.readOutboxMaxId,
      }))
    },
    async saveDraft(peer, message) {
      await client.invoke(new Api.messages.SaveDraft({ peer: await input(peer), message }))
    },
    async pinDialog(peer, pinned) {
      const dialog = new Api.InputDialogPeer({ peer: await input(peer) })
      await client.invoke(new Api.messages.ToggleDialogPin({ peer: dialog, pinned }))
    },
    async clearHistory(peer, { revoke }) {
      await client.invoke(new Api.messages.DeleteHistory({ peer: await input(peer), maxId: 0, revoke }))
    },
    async setUsername(username) {
      await client.invoke(new Api.account.UpdateUsername({ username }))
    },
    async setName(firstName, lastName) {
      await client.invoke(new Api.account.UpdateProfile({ firstName, lastName }))
    },
    async setOnline(online) {
      await client.invoke(new Api.account.UpdateStatus({ offline: !online }))
    },
    async createGroup(title, members) {
      const users = await Promise.all(members.map((name) => client.getInputEntity(name)))
      const { updates } = await client.invoke(new Api.messages.CreateChat({ title, users }))
      if (!(updates instanceof Api.Updates) || updates.chats[0] === undefined) throw new Error('no group in the answer')
      return -Number(updates.chats[0].id)
    },
    async end() {
      await client.destroy()
    },
  }
}

/** A marked id of a group needs no look-up; of a user the library takes it as it is. */
function inputOf(peer: Peer): string | Api.InputPeerChat | bigInt.BigInteger {
  if (typeof peer === 'string') return peer
  return peer < 0 ? new Api.InputPeerChat({ chatId: bigInt(-peer) }) : bigInt(peer)
}

function sendingOf(message: string, { replyTo, silent, at }: SendOptions = {}) {
  return {
    message,
    ...(replyTo != null && { replyTo }),
    ...(silent !== undefined && { silent }),
    ...(at !== undefined && { schedule: at }),
  }
}

function seen(given: Api.Message | Api.MessageService | undefined): Seen {
  if (given === undefined) throw new Error('the library found no message in the answer')
  const message = given as Api.Message // the library's class of both
  const replyTo = (message.replyTo as Api.MessageReplyHeader | null)?.replyToMsgId
  const action = message.action?.className
  return {
    id: message.id,
    text: message.message ?? '',
    out: message.out === true,
    from: Number(message.senderId),
    isForward: message.fwdFrom != null,
    edited: message.editDate != null,
    silent: message.silent === true,
    ...(replyTo != null && { replyTo }),
    ...(action !== undefined && { action: action.charAt(0).toLowerCase() + action.slice(1) }),
  }
}

function rawEvent(update: Api.TypeUpdate): Event | undefined {
  if (update instanceof Api.UpdateReadHistoryInbox) {
    return { type: 'read', by: 'me', maxId: update.maxId, stillUnread: update.stillUnreadCount }
  }
  if (update instanceof Api.UpdateReadHistoryOutbox) return { type: 'read', by: 'other', maxId: update.maxId }
  if (update instanceof Api.UpdateUserTyping) {
    return { type: 'typing', user: Number(update.userId), action: typingName(update.action) }
  }
  if (update instanceof Api.UpdateChatUserTyping && update.fromId instanceof Api.PeerUser) {
    return { type: 'typing', user: Number(update.fromId.userId), action: typingName(update.action) }
  }
  if (update instanceof Api.UpdateUserStatus) {
    const status = update.status.className.replace('UserStatus', '').toLowerCase()
    return { type: 'status', user: Number(update.userId), status }
  }
  if (update instanceof Api.UpdatePinnedMessages) {
    return { type: 'pinned', ids: update.messages, pinned: update.pinned === true }
  }
  if (update instanceof Api.UpdateMessageReactions) {
    return { type: 'reactions', id: update.msgId, emojis: update.reactions.results.map(emojiOf) }
  }
  if (update instanceof Api.UpdateDraftMessage) {
    return { type: 'draft', text: update.draft instanceof Api.DraftMessage ? update.draft.message : '' }
  }
  if (update instanceof Api.UpdateDialogPinned) return { type: 'dialogPinned', pinned: update.pinned === true }
  if (update instanceof Api.UpdateUserName) {
    const username = update.usernames[0]?.username ?? ''
    return { type: 'name', user: Number(update.userId), firstName: update.firstName, username }
  }
  // The library's event of new messages passes over those of the service.
  if (update instanceof Api.UpdateNewMessage && update.message instanceof Api.MessageService) {
    return { type: 'message', message: seen(update.message) }
  }
  if (update instanceof Api.UpdateNewScheduledMessage && update.message instanceof Api.Message) {
    return { type: 'scheduled', id: update.message.id, text: update.message.message }
  }
  return parsed.has(update.className) ? undefined : { type: 'other', name: update.className }
}

/** The library's own events tell of these. */
const parsed = new Set([
  'UpdateNewMessage',
  'UpdateShortMessage',
  'UpdateShortChatMessage',
  'UpdateEditMessage',
  'UpdateDeleteMessages',
])

function typingName(action: Api.TypeSendMessageAction): string {
  return action instanceof Api.SendMessageTypingAction ? 'typing' : action.className
}

function emojiOf({ reaction }: Api.ReactionCount): string {
  return reaction instanceof Api.ReactionEmoji ? reaction.emoticon : reaction.className
}
