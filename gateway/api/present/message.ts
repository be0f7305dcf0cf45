import { parsePeerKey } from '../../../actors/chat/chat-id.js'
import type { ServiceAction } from '../../../actors/chat/contract.js'
import { decodeBody, type ForwardHeader, type MessageBody } from '../../../actors/message/body.js'
import type { MessageFact } from '../../../actors/user/changes.js'
import type { BoxMessage } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import { longFromHex } from '../long.js'
import type { PeerSet } from '../peer-set.js'
import { presentEntities } from './entity.js'
import { presentPeer, presentUserPeer } from './peer.js'
import { presentReactions } from './reactions.js'
import { seconds } from './time.js'

/** TL `message` or `messageService`, as its box's owner `self` sees it; whom it names is added to `people`. */
export function presentMessage(
  message: BoxMessage,
  self: number,
  people: PeerSet,
): tl.RawMessage | tl.RawMessageService {
  const { fact } = message
  const body = decodeBody(message.body)
  people.message(fact, body, message.recentReactions)
  return fact.action ? serviceMessage(message, fact.action) : textMessage(message, body, self)
}

/** TL `messageEmpty`: one that the box does not have (any more). */
export function presentNoMessage(id: number): tl.RawMessageEmpty {
  return { _: 'messageEmpty', id }
}

function textMessage(message: BoxMessage, body: MessageBody, self: number): tl.RawMessage {
  const { fact, reactions } = message
  return {
    _: 'message',
    id: message.id,
    out: fact.out,
    mentioned: fact.mentioned,
    mediaUnread: fact.mentioned && message.mentionUnread,
    silent: fact.silent,
    fromId: presentUserPeer(fact.from),
    peerId: presentPeer(fact.peer),
    date: seconds(fact.atMs),
    fromScheduled: fact.fromScheduled,
    noforwards: fact.noForwards,
    pinned: message.pinned,
    invertMedia: body.invertMedia,
    savedPeerId: isSaved(fact, self) ? savedPeer(body, self) : undefined,
    fwdFrom: body.forward && presentForward(body.forward),
    replyTo: presentReply(fact.replyTo, body.quote),
    message: body.text,
    entities: presentEntities(body.entities),
    editDate: message.editedAtMs === undefined ? undefined : seconds(message.editedAtMs),
    groupedId: fact.groupedId === undefined ? undefined : longFromHex(fact.groupedId),
    reactions:
      reactions === undefined || reactions.length === 0
        ? undefined
        : presentReactions(reactions, message.recentReactions ?? [], self),
  }
}

function serviceMessage(message: BoxMessage, action: ServiceAction): tl.RawMessageService {
  const { fact } = message
  return {
    _: 'messageService',
    id: message.id,
    out: fact.out,
    mentioned: fact.mentioned,
    mediaUnread: fact.mentioned && message.mentionUnread,
    silent: fact.silent,
    fromId: presentUserPeer(fact.from),
    peerId: presentPeer(fact.peer),
    date: seconds(fact.atMs),
    replyTo: presentReply(action.type === 'pin' ? fact.pinnedId : fact.replyTo, undefined),
    action: presentAction(action),
  }
}

export function presentReply(
  id: number | undefined,
  quote: MessageBody['quote'],
): tl.RawMessageReplyHeader | undefined {
  if (id === undefined) return undefined
  return {
    _: 'messageReplyHeader',
    replyToMsgId: id,
    quote: quote !== undefined,
    quoteText: quote?.text,
    quoteEntities: presentEntities(quote?.entities),
    quoteOffset: quote?.offset,
  }
}

export function presentForward({ fromUser, fromName, date, savedFrom }: ForwardHeader): tl.RawMessageFwdHeader {
  const from = savedFrom?.user ? presentUserPeer(savedFrom.user) : undefined
  return {
    _: 'messageFwdHeader',
    fromId: fromUser === undefined ? undefined : presentUserPeer(fromUser),
    fromName,
    date,
    savedFromPeer: savedFrom?.group ? { _: 'peerChat', chatId: savedFrom.group } : from,
    savedFromMsgId: savedFrom?.id,
  }
}

/** TL `messageAction...`. */
function presentAction(action: ServiceAction): tl.TypeMessageAction {
  switch (action.type) {
    case 'create':
      return { _: 'messageActionChatCreate', title: action.title, users: [...action.users] }
    case 'add':
      return { _: 'messageActionChatAddUser', users: [...action.users] }
    case 'remove':
      return { _: 'messageActionChatDeleteUser', userId: action.user }
    case 'joinByLink':
      return { _: 'messageActionChatJoinedByLink', inviterId: action.inviter }
    case 'title':
      return { _: 'messageActionChatEditTitle', title: action.title }
    case 'pin':
      return { _: 'messageActionPinMessage' }
  }
}

function isSaved(fact: MessageFact, self: number): boolean {
  const peer = parsePeerKey(fact.peer)
  return peer.kind === 'user' && peer.id === self
}

/** In saved messages a forward belongs to where it came from, the rest to oneself. */
function savedPeer({ forward }: MessageBody, self: number): tl.TypePeer {
  if (forward?.savedFrom?.group) return { _: 'peerChat', chatId: forward.savedFrom.group }
  return presentUserPeer(forward?.savedFrom?.user ?? forward?.fromUser ?? self)
}
