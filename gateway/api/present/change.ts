import { type PeerKey, parsePeerKey } from '../../../actors/chat/chat-id.js'
import type { GroupInfo } from '../../../actors/chat/contract.js'
import { encodeBody } from '../../../actors/message/body.js'
import type { BoxChange, BoxFact, MessageFact } from '../../../actors/user/changes.js'
import type { BoxMessage } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import { longFromHex } from '../long.js'
import type { PeerSet } from '../peer-set.js'
import { presentDraft, presentNoDraft, presentNotifySettings } from './dialog.js'
import { presentParticipants } from './group.js'
import { presentMessage } from './message.js'
import { presentNotifyPeer } from './notify-peer.js'
import { presentDialogPeer, presentPeer, presentUserPeer } from './peer.js'
import { presentReactions } from './reactions.js'
import { presentScheduled, type ScheduledView } from './scheduled.js'
import { seconds } from './time.js'

/** What presenting changes takes besides them: loaded before, so that presenting itself is pure. */
export interface ChangeContext {
  /** The account whose changes they are. */
  readonly self: number
  /** Edited messages as they are now; an edit of one that is gone since is left out. */
  readonly messages: ReadonlyMap<number, BoxMessage>
  /** Groups whose members or admins changed, as the account sees them. */
  readonly groups: ReadonlyMap<number, GroupInfo>
  /** What was scheduled, as it is now, by `scheduledKey`; what is gone since is left out. */
  readonly scheduled: ReadonlyMap<string, ScheduledView>
  /** False in differences: their state carries the pts, and clients drop what they think is covered by it. */
  readonly numbered: boolean
}

/** Where the change stands in the account's sequence. */
interface Numbered {
  readonly pts: number
  readonly ptsCount: number
}

type Fact<Type extends BoxFact['type']> = Extract<BoxFact, { type: Type }>

/** The TL updates that tell a device of the change, in order; none for what is internal. */
export function presentChange(change: BoxChange, context: ChangeContext, people: PeerSet): tl.TypeUpdate[] {
  const { fact } = change
  const number = context.numbered ? { pts: change.pts, ptsCount: change.count } : { pts: 0, ptsCount: 0 }
  switch (fact.type) {
    case 'message':
      return [{ _: 'updateNewMessage', message: newMessage(change, fact, context, people), ...number }]
    case 'edited':
      return edited(fact, number, context, people)
    case 'deleted':
      return [{ _: 'updateDeleteMessages', messages: [...fact.ids], ...number }]
    case 'readInbox':
    case 'readOutbox':
      return [read(fact, number, people)]
    case 'pinned':
      people.peer(fact.peer)
      return [
        {
          _: 'updatePinnedMessages',
          pinned: fact.pinned,
          peer: presentPeer(fact.peer),
          messages: [...fact.ids],
          ...number,
        },
      ]
    case 'mentionsRead':
      return [{ _: 'updateReadMessagesContents', messages: [...fact.ids], ...number }]
    case 'milestone':
      // What no client shows anything for.
      return [{ _: 'updateReadMessagesContents', messages: [], ...number }]
    case 'reacted':
      return [reacted(fact, context, people)]
    case 'scheduled':
      return scheduled(fact, context, people)
    case 'unscheduled':
      people.peer(fact.peer)
      return [
        {
          _: 'updateDeleteScheduledMessages',
          peer: presentPeer(fact.peer),
          messages: [...fact.ids],
          sentMessages: fact.sentIds && [...fact.sentIds],
        },
      ]
    case 'groupChanged':
      return [groupChanged(fact, context, people)]
    default:
      return presentSetting(change, fact, context, people)
  }
}

/** Changes of lists and settings, which carry no pts. */
function presentSetting(
  change: BoxChange,
  fact: Exclude<BoxFact, Fact<'message' | 'edited'>>,
  context: ChangeContext,
  people: PeerSet,
): tl.TypeUpdate[] {
  switch (fact.type) {
    case 'draft':
      return [draft(change, fact, people)]
    case 'dialogPinned':
      people.peer(fact.peer)
      return [{ _: 'updateDialogPinned', pinned: fact.pinned, peer: presentDialogPeer(fact.peer) }]
    case 'dialogsReordered':
      for (const peer of fact.order) people.peer(peer)
      return [{ _: 'updatePinnedDialogs', order: fact.order.map(presentDialogPeer) }]
    case 'dialogMarked':
      people.peer(fact.peer)
      return [{ _: 'updateDialogUnreadMark', unread: fact.unread, peer: presentDialogPeer(fact.peer) }]
    case 'contact':
      people.user(fact.user)
      return [{ _: 'updateUser', userId: fact.user }]
    case 'blocked':
      people.user(fact.user)
      return [{ _: 'updatePeerBlocked', blocked: fact.blocked, peerId: presentUserPeer(fact.user) }]
    case 'notify':
      return [
        {
          _: 'updateNotifySettings',
          peer: presentNotifyPeer(fact.scope, people),
          notifySettings: presentNotifySettings(fact.settings),
        },
      ]
    case 'profile':
    case 'username':
      // Becomes updateUserName once the user is loaded (envelope.ts).
      people.user(context.self)
      return [{ _: 'updateUser', userId: context.self }]
    case 'authorized':
      return [newAuthorization(fact)]
    default:
      return []
  }
}

function newMessage(change: BoxChange, fact: MessageFact, { self }: ChangeContext, people: PeerSet): tl.TypeMessage {
  const message: BoxMessage = {
    id: change.pts,
    fact,
    body: change.body ?? EMPTY_BODY,
    ...(fact.mentioned && !fact.out && { mentionUnread: true }),
  }
  return presentMessage(message, self, people)
}

/** Service messages have no text of their own. */
const EMPTY_BODY = encodeBody({ text: '' })

function edited(fact: Fact<'edited'>, number: Numbered, context: ChangeContext, people: PeerSet): tl.TypeUpdate[] {
  const message = context.messages.get(fact.id)
  if (!message) return []
  return [{ _: 'updateEditMessage', message: presentMessage(message, context.self, people), ...number }]
}

function read(fact: Fact<'readInbox' | 'readOutbox'>, number: Numbered, people: PeerSet): tl.TypeUpdate {
  people.peer(fact.peer)
  const shared = { peer: presentPeer(fact.peer), maxId: fact.maxId, ...number }
  if (fact.type === 'readOutbox') return { _: 'updateReadHistoryOutbox', ...shared }
  return { _: 'updateReadHistoryInbox', stillUnreadCount: fact.stillUnread, ...shared }
}

function reacted(fact: Fact<'reacted'>, { self }: ChangeContext, people: PeerSet): tl.TypeUpdate {
  people.peer(fact.peer)
  for (const { user } of fact.recent) people.user(user)
  return {
    _: 'updateMessageReactions',
    peer: presentPeer(fact.peer),
    msgId: fact.id,
    reactions: presentReactions(fact.reactions, fact.recent, self),
  }
}

export function scheduledKey(peer: PeerKey, id: number): string {
  return `${peer} ${id}`
}

function scheduled(fact: Fact<'scheduled'>, { self, scheduled }: ChangeContext, people: PeerSet): tl.TypeUpdate[] {
  const view = scheduled.get(scheduledKey(fact.peer, fact.id))
  return view ? [{ _: 'updateNewScheduledMessage', message: presentScheduled(view, self, people) }] : []
}

function groupChanged(fact: Fact<'groupChanged'>, { groups }: ChangeContext, people: PeerSet): tl.TypeUpdate {
  const { id } = parsePeerKey(fact.peer)
  people.group(id)
  const group = groups.get(id)
  if (!group || fact.what === 'title' || fact.what === 'about') return { _: 'updateChat', chatId: id }
  for (const { user, inviter } of group.members) people.user(user).user(inviter)
  return { _: 'updateChatParticipants', participants: presentParticipants(group) }
}

function draft(change: BoxChange, fact: Fact<'draft'>, people: PeerSet): tl.TypeUpdate {
  people.peer(fact.peer)
  const { body, atMs } = change
  const view = body && { body, atMs, ...(fact.replyTo !== undefined && { replyTo: fact.replyTo }) }
  return {
    _: 'updateDraftMessage',
    peer: presentPeer(fact.peer),
    draft: view ? presentDraft(view, people) : presentNoDraft(atMs),
  }
}

/** Not `unconfirmed`: nothing here waits for a confirmation, and account.getAuthorizations says the same. */
function newAuthorization({ authorization }: Fact<'authorized'>): tl.TypeUpdate {
  const { hash, createdAtMs, deviceModel, appVersion, address } = authorization
  return {
    _: 'updateNewAuthorization',
    hash: longFromHex(hash),
    date: seconds(createdAtMs),
    device: [deviceModel, appVersion].filter((part) => part !== '').join(', '),
    location: address,
  }
}
