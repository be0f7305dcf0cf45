import type { Message, TelegramClient, tl } from '@mtcute/node'
import type { ClientTarget, MtcuteOptions } from '../harness/index.js'
import { mtcuteClient } from '../harness/index.js'
import type { Device, Event, Seen, SeenDialog, SendOptions } from './device.js'

export interface MtcuteDevice extends Device {
  readonly library: 'mtcute'
  readonly client: TelegramClient
  /** Every update of the wire that the library took as new, before it parsed it. */
  readonly raw: readonly tl.TypeUpdate[]
}

export async function mtcuteDevice(target: ClientTarget, options: MtcuteOptions): Promise<MtcuteDevice> {
  const client = await mtcuteClient(target, options)
  const events: Event[] = []
  const raw: tl.TypeUpdate[] = []
  client.onRawUpdate.add(({ update }) => {
    raw.push(update)
    const event = rawEvent(update)
    if (event) events.push(event)
  })
  client.onNewMessage.add((message) => {
    const { id, text } = message
    events.push(message.isScheduled ? { type: 'scheduled', id, text } : { type: 'message', message: seen(message) })
  })
  client.onEditMessage.add((message) => events.push({ type: 'edit', message: seen(message) }))
  client.onDeleteMessage.add(({ messageIds }) => events.push({ type: 'delete', ids: messageIds }))
  client.onHistoryRead.add(({ isOutbox, maxReadId, unreadCount }) =>
    events.push(
      isOutbox
        ? { type: 'read', by: 'other', maxId: maxReadId }
        : { type: 'read', by: 'me', maxId: maxReadId, stillUnread: unreadCount },
    ),
  )
  client.onUserTyping.add(({ userId, status }) => events.push({ type: 'typing', user: userId, action: status }))
  client.onUserStatusUpdate.add(({ userId, status }) => events.push({ type: 'status', user: userId, status }))
  const { id: self } = await client.getMe()

  return {
    library: 'mtcute',
    transport: options.transport ?? 'tcp',
    phone: options.phone,
    self,
    client,
    events,
    raw,
    send: async (peer, text, given) => seen(await client.sendText(peer, text, sendingOf(given))),
    edit: async (peer, message, text) => seen(await client.editMessage({ chatId: peer, message, text })),
    forward: async (fromChatId, messages, toChatId) =>
      (await client.forwardMessagesById({ fromChatId, messages: [...messages], toChatId })).map(seen),
    delete: (peer, ids, options) => client.deleteMessagesById(peer, [...ids], options),
    read: (peer, maxId) => client.readHistory(peer, { maxId }),
    type: (peer) => client.sendTyping(peer),
    async react(peer, message, emoji) {
      await client.sendReaction({ chatId: peer, message, emoji: emoji ?? null })
    },
    async pin(peer, message, pinned) {
      if (pinned) await client.pinMessage({ chatId: peer, message, bothSides: true })
      else await client.unpinMessage({ chatId: peer, message })
    },
    async history(peer, limit = 100) {
      const messages: Seen[] = []
      for await (const message of client.iterHistory(peer, { limit })) messages.push(seen(message))
      return messages
    },
    search: async (chatId, query) => (await client.searchMessages({ chatId, query })).map(seen),
    async reschedule(peer, id, scheduleDate, message) {
      const text = message === undefined ? {} : { message }
      await client.call({
        _: 'messages.editMessage',
        peer: await client.resolvePeer(peer),
        id,
        scheduleDate,
        ...text,
      })
      const [changed] = await client.getScheduledMessages(peer, [id])
      return changed ? seen(changed) : undefined
    },
    async settleScheduled(peer, ids, action) {
      if (action === 'send') await client.sendScheduled(peer, [...ids])
      else await client.deleteScheduledMessages(peer, [...ids])
    },
    scheduled: async (peer) => (await client.getAllScheduledMessages(peer)).map(seen),
    async dialogs() {
      const dialogs: SeenDialog[] = []
      for await (const dialog of client.iterDialogs()) {
        dialogs.push({
          peer: dialog.peer.id,
          title: dialog.peer.displayName,
          unread: dialog.unreadCount,
          topId: dialog.lastMessage?.id ?? 0,
          topText: dialog.lastMessage?.text ?? '',
          pinned: dialog.isPinned,
          draft: dialog.draftMessage?.text ?? '',
          readOutboxMaxId: dialog.lastReadOutgoing,
        })
      }
      return dialogs
    },
    saveDraft: (peer, text) => client.saveDraft(peer, text === '' ? null : { message: text }),
    async pinDialog(peer, pinned) {
      const input = await client.resolvePeer(peer)
      await client.call({ _: 'messages.toggleDialogPin', pinned, peer: { _: 'inputDialogPeer', peer: input } })
    },
    clearHistory: (peer, { revoke }) => client.deleteHistory(peer, { mode: revoke ? 'revoke' : 'delete' }),
    async setUsername(username) {
      await client.setMyUsername(username === '' ? null : username)
    },
    async setName(firstName, lastName) {
      await client.updateProfile({ firstName, lastName })
    },
    setOnline: (online) => client.sendOnline(online),
    createGroup: async (title, users) => (await client.createGroup({ title, users: [...users] })).chat.id,
    end: () => client.destroy(),
  }
}

function sendingOf(options: SendOptions = {}) {
  const { replyTo, silent, at } = options
  return {
    ...(replyTo !== undefined && { replyTo }),
    ...(silent !== undefined && { silent }),
    ...(at !== undefined && { schedule: new Date(at * 1000) }),
  }
}

function seen(message: Message): Seen {
  const replyTo = message.replyToMessage?.id
  const action = message.raw._ === 'messageService' ? message.raw.action._ : undefined
  return {
    id: message.id,
    text: message.text,
    out: message.isOutgoing,
    from: message.sender.id,
    isForward: message.forward !== null,
    edited: message.editDate !== null,
    silent: message.isSilent,
    ...(replyTo != null && { replyTo }),
    ...(action !== undefined && { action }),
  }
}

/** What the library leaves to its raw updates, or parses from other ones than the user cares for. */
function rawEvent(update: tl.TypeUpdate): Event | undefined {
  switch (update._) {
    case 'updatePinnedMessages':
      return { type: 'pinned', ids: update.messages, pinned: update.pinned === true }
    case 'updateMessageReactions':
      return { type: 'reactions', id: update.msgId, emojis: update.reactions.results.map(emojiOf) }
    case 'updateDraftMessage':
      return { type: 'draft', text: update.draft._ === 'draftMessage' ? update.draft.message : '' }
    case 'updateDialogPinned':
      return { type: 'dialogPinned', pinned: update.pinned === true }
    case 'updateUserName':
      return {
        type: 'name',
        user: update.userId,
        firstName: update.firstName,
        username: update.usernames[0]?.username ?? '',
      }
    case 'updateNewMessage':
    case 'updateNewScheduledMessage':
    case 'updateEditMessage':
    case 'updateDeleteMessages':
    case 'updateReadHistoryInbox':
    case 'updateReadHistoryOutbox':
    case 'updateUserTyping':
    case 'updateChatUserTyping':
    case 'updateUserStatus':
      return undefined
    default:
      return { type: 'other', name: update._ }
  }
}

function emojiOf({ reaction }: tl.RawReactionCount): string {
  return reaction._ === 'reactionEmoji' ? reaction.emoticon : reaction._
}
