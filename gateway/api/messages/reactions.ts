import type { tl } from '../../tl/index.js'
import { answerChanges, envelope, viewerOf } from '../envelope.js'
import { refuseCall } from '../errors.js'
import { messageIdsOf, pageOf } from '../input/number.js'
import { ZERO_LONG } from '../long.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentPeer } from '../present/peer.js'
import { presentPeerReaction, presentReactions } from '../present/reactions.js'
import { countReach } from './answer.js'
import { asked, locatedIn, placeOf } from './place.js'

/** The reactions that a message may get, with their names. */
const AVAILABLE: readonly (readonly [reaction: string, title: string])[] = [
  ['👍', 'Thumbs Up'],
  ['👎', 'Thumbs Down'],
  ['❤', 'Red Heart'],
  ['🔥', 'Fire'],
  ['🥰', 'Smiling Face with Hearts'],
  ['👏', 'Clapping Hands'],
  ['😁', 'Beaming Face'],
  ['🤔', 'Thinking Face'],
  ['🤯', 'Exploding Head'],
  ['😱', 'Screaming Face'],
  ['🤬', 'Face with Symbols on Mouth'],
  ['😢', 'Crying Face'],
  ['🎉', 'Party Popper'],
  ['🤩', 'Star-Struck'],
  ['🤮', 'Vomiting Face'],
  ['💩', 'Pile of Poo'],
  ['🙏', 'Folded Hands'],
  ['👌', 'OK Hand'],
  ['🕊', 'Dove'],
  ['🤡', 'Clown Face'],
  ['🥱', 'Yawning Face'],
  ['🥴', 'Woozy Face'],
  ['😍', 'Heart Eyes'],
  ['🐳', 'Spouting Whale'],
  ['❤‍🔥', 'Heart on Fire'],
  ['🌚', 'New Moon Face'],
  ['🌭', 'Hot Dog'],
  ['💯', 'Hundred Points'],
  ['🤣', 'Rolling on the Floor'],
  ['⚡', 'Lightning'],
  ['🍌', 'Banana'],
  ['🏆', 'Trophy'],
  ['💔', 'Broken Heart'],
  ['😐', 'Neutral Face'],
  ['👀', 'Eyes'],
  ['😇', 'Smiling Face with Halo'],
  ['🤝', 'Handshake'],
]

/** Clients write some with the emoji selector U+FE0F, which is no part of the reaction's name. */
const NAMES = new Map(AVAILABLE.map(([reaction]) => [bare(reaction), reaction]))

function bare(emoticon: string): string {
  return emoticon.replaceAll('\ufe0f', '')
}

function reactionOf(reaction: tl.TypeReaction): string {
  const name = reaction._ === 'reactionEmoji' ? NAMES.get(bare(reaction.emoticon)) : undefined
  return name ?? refuseCall('REACTION_INVALID')
}

export const sendReaction = method('messages.sendReaction', { auth: 'user' }, async (request, call) => {
  const place = await placeOf(call, request.peer)
  const chosen = (request.reaction ?? []).filter(({ _ }) => _ !== 'reactionEmpty')
  if (chosen.length > 1) refuseCall('REACTIONS_TOO_MANY')
  const reactions = chosen.map(reactionOf)
  const { n } = await locatedIn(call, place, request.msgId, 'MESSAGE_ID_INVALID')
  const outcome = await call.chat(place.chat).react({ ...asked(call), target: n, reactions })
  countReach(call, [outcome])
  return answerChanges(call, outcome.changes)
})

/** Some clients say `reactionEmpty` for any. */
function isNamed(reaction: tl.TypeReaction | undefined): reaction is tl.TypeReaction {
  return reaction !== undefined && reaction._ !== 'reactionEmpty'
}

function offsetOf(offset: string | undefined): number {
  if (offset === undefined || offset === '') return 0
  return /^[0-9]{1,9}$/.test(offset) ? Number(offset) : refuseCall('OFFSET_INVALID')
}

export const getMessageReactionsList = method(
  'messages.getMessageReactionsList',
  { auth: 'user' },
  async (request, call): Promise<tl.messages.RawMessageReactionsList> => {
    const place = await placeOf(call, request.peer)
    const { n } = await locatedIn(call, place, request.id, 'MESSAGE_ID_INVALID')
    const list = await call.chat(place.chat).reactions({
      by: call.self,
      target: n,
      offset: offsetOf(request.offset),
      limit: pageOf(request.limit),
      ...(isNamed(request.reaction) && { reaction: reactionOf(request.reaction) }),
    })
    const named = new PeerSet()
    for (const { user } of list.items) named.user(user)
    const { users, chats } = await call.services.people.load(viewerOf(call), named)
    return {
      _: 'messages.messageReactionsList',
      count: list.total,
      reactions: list.items.map((item) => presentPeerReaction(item, call.self)),
      chats,
      users,
      nextOffset: list.nextOffset === undefined ? undefined : String(list.nextOffset),
    }
  },
)

export const getMessagesReactions = method('messages.getMessagesReactions', { auth: 'user' }, async (request, call) => {
  const { key } = await placeOf(call, request.peer)
  const named = new PeerSet().peer(key)
  const messages = await call.me.messages(messageIdsOf(request.id))
  const updates = messages.flatMap((message): tl.TypeUpdate[] => {
    if (!message || message.fact.peer !== key) return []
    const recent = message.recentReactions ?? []
    for (const { user } of recent) named.user(user)
    const reactions = presentReactions(message.reactions ?? [], recent, call.self)
    return [{ _: 'updateMessageReactions', peer: presentPeer(key), msgId: message.id, reactions }]
  })
  return envelope(updates, await call.services.people.load(viewerOf(call), named), call.now)
})

const AVAILABLE_HASH = AVAILABLE.length

/** No animations are stored here: each is an empty document, for which clients show the emoji itself. */
const NO_DOCUMENT: tl.RawDocumentEmpty = { _: 'documentEmpty', id: ZERO_LONG }

export const getAvailableReactions = method(
  'messages.getAvailableReactions',
  { auth: 'user' },
  async (request): Promise<tl.messages.TypeAvailableReactions> => {
    if (request.hash === AVAILABLE_HASH) return { _: 'messages.availableReactionsNotModified' }
    return { _: 'messages.availableReactions', hash: AVAILABLE_HASH, reactions: AVAILABLE.map(presentAvailable) }
  },
)

function presentAvailable([reaction, title]: readonly [string, string]): tl.RawAvailableReaction {
  return {
    _: 'availableReaction',
    reaction,
    title,
    staticIcon: NO_DOCUMENT,
    appearAnimation: NO_DOCUMENT,
    selectAnimation: NO_DOCUMENT,
    activateAnimation: NO_DOCUMENT,
    effectAnimation: NO_DOCUMENT,
  }
}
