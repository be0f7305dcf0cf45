import { decodeBody } from '../../../actors/message/body.js'
import type { BoxMessage, MessagePage, SearchRequest } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { viewerOf } from '../envelope.js'
import { refuseCall } from '../errors.js'
import { atLeastZero, MAX_IDS, pageOf } from '../input/number.js'
import { optionalPeerOf } from '../input/peer.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentMessage, presentNoMessage } from '../present/message.js'
import { countShown, presentPage } from './answer.js'
import { placeOf } from './place.js'

const MAX_QUERY_UNITS = 256

/** Message ids as `getMessages` names them; 0 for one that names none. */
async function namedIds(call: Call, inputs: readonly tl.TypeInputMessage[]): Promise<readonly number[]> {
  const answered = inputs.flatMap((input) => (input._ === 'inputMessageReplyTo' ? [input.id] : []))
  const replies = new Map<number, BoxMessage | undefined>()
  if (answered.length > 0) {
    const messages = await call.me.messages(answered)
    answered.forEach((id, at) => {
      replies.set(id, messages[at])
    })
  }
  return inputs.map((input) => {
    if (input._ === 'inputMessageID') return input.id
    if (input._ !== 'inputMessageReplyTo') return 0
    const fact = replies.get(input.id)?.fact
    return fact?.pinnedId ?? fact?.replyTo ?? 0
  })
}

function isInRange({ messagesRange: range }: Call, message: BoxMessage | undefined): boolean {
  return range === undefined || (message !== undefined && message.id >= range.minId && message.id <= range.maxId)
}

export const getMessages = method(
  'messages.getMessages',
  { auth: 'user' },
  async (request, call): Promise<tl.messages.RawMessages> => {
    if (request.id.length > MAX_IDS) refuseCall('LIMIT_INVALID')
    const ids = await namedIds(call, request.id)
    const found = (await call.me.messages(ids)).map((message) => (isInRange(call, message) ? message : undefined))
    countShown(call, found)
    const named = new PeerSet()
    const messages = ids.map((id, at) => {
      const message = found[at]
      return message ? presentMessage(message, call.self, named) : presentNoMessage(id)
    })
    const { users, chats } = await call.services.people.load(viewerOf(call), named)
    return { _: 'messages.messages', messages, topics: [], users, chats }
  },
)

interface Offsets {
  readonly offsetId: number
  readonly addOffset: number
  readonly limit: number
  readonly maxId: number
  readonly minId: number
}

function offsetsOf(call: Call, { offsetId, addOffset, limit, maxId, minId }: Offsets, offsetDate = 0) {
  return withinRange(call, {
    offsetId: atLeastZero(offsetId),
    // Clients page by id and date of the last message together: the date alone would skip others of the same second.
    offsetDate: offsetId > 0 ? 0 : atLeastZero(offsetDate),
    addOffset,
    limit: pageOf(limit),
    maxId: atLeastZero(maxId),
    minId: atLeastZero(minId),
  })
}

/** Pages begin at the range's end, not at what is newer: an empty one means that there are no more. */
function withinRange<W extends Offsets & { offsetDate: number }>({ messagesRange: range }: Call, window: W): W {
  if (range === undefined) return window
  const { offsetId, offsetDate, maxId, minId } = window
  const after = Math.max(1, range.maxId + 1)
  const bounded = (id: number) => (id > 0 ? Math.min(id, after) : after)
  return {
    ...window,
    offsetId: offsetId === 0 && offsetDate > 0 ? 0 : bounded(offsetId),
    maxId: bounded(maxId),
    minId: Math.max(minId, range.minId - 1),
  }
}

export const getHistory = method('messages.getHistory', { auth: 'user' }, async (request, call) => {
  const { peer, key } = await placeOf(call, request.peer)
  const page = await call.me.history({ peer, ...offsetsOf(call, request, request.offsetDate) })
  return presentPage(call, page, new PeerSet().peer(key))
})

export const getUnreadMentions = method(
  'messages.getUnreadMentions',
  { auth: 'user', unserved: { topMsgId: 'TOPIC_ID_INVALID' } },
  async (request, call) => {
    const { peer, key } = await placeOf(call, request.peer)
    const page = await call.me.unreadMentions({ peer, ...offsetsOf(call, request) })
    return presentPage(call, page, new PeerSet().peer(key))
  },
)

/** There are no media: a search for them finds nothing, and that is the truth. */
const MEDIA_FILTERS: ReadonlySet<string> = new Set([
  'inputMessagesFilterPhotos',
  'inputMessagesFilterVideo',
  'inputMessagesFilterPhotoVideo',
  'inputMessagesFilterDocument',
  'inputMessagesFilterGif',
  'inputMessagesFilterVoice',
  'inputMessagesFilterMusic',
  'inputMessagesFilterChatPhotos',
  'inputMessagesFilterPhoneCalls',
  'inputMessagesFilterRoundVoice',
  'inputMessagesFilterRoundVideo',
  'inputMessagesFilterGeo',
  'inputMessagesFilterContacts',
  'inputMessagesFilterPoll',
])

/** Looks of the account's actor that one call may take. */
const MOST_LOOKS = 5

/** Messages that one call's worth of work looks at. */
const LOOKED_A_CALL = 2_000

/** A page, or the request to wait: the same call goes on where this one stopped, as clients do by themselves. */
async function searched(call: Call, request: SearchRequest): Promise<MessagePage> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const page = await call.me.search(request)
    call.spend((page.looked ?? 0) / LOOKED_A_CALL)
    if (!page.unfinished) return page
  }
  return refuseCall('FLOOD_WAIT_1')
}

/** A search of one topic, of one who is in the saved messages, or of a tag, answered with more would not be one. */
const NARROWER = {
  savedPeerId: 'METHOD_NOT_IMPLEMENTED',
  savedReaction: 'METHOD_NOT_IMPLEMENTED',
  topMsgId: 'TOPIC_ID_INVALID',
} as const

export const search = method(
  'messages.search',
  { auth: 'user', flood: { burst: 300, perSecond: 10 }, unserved: NARROWER },
  async (request, call) => {
    const { q: query, filter } = request
    if (query.length > MAX_QUERY_UNITS) refuseCall('SEARCH_QUERY_EMPTY')
    const pinnedOnly = filter._ === 'inputMessagesFilterPinned'
    if (!pinnedOnly && filter._ !== 'inputMessagesFilterEmpty' && !MEDIA_FILTERS.has(filter._)) {
      refuseCall('FILTER_NOT_SUPPORTED')
    }
    const peer = await optionalPeerOf(call, request.peer)
    const from = await optionalPeerOf(call, request.fromId)
    if (from && from.kind !== 'user') refuseCall('FROM_PEER_INVALID')
    const named = new PeerSet()
    if (MEDIA_FILTERS.has(filter._)) return presentPage(call, { messages: [], total: 0 }, named)
    if (query.trim() === '' && !from && !pinnedOnly && !peer) refuseCall('SEARCH_QUERY_EMPTY')
    const page = await searched(call, {
      ...offsetsOf(call, request),
      query: query.trim(),
      minDate: atLeastZero(request.minDate),
      maxDate: atLeastZero(request.maxDate),
      ...(peer && { peer }),
      ...(from && { from: from.id }),
      ...(pinnedOnly && { pinnedOnly }),
    })
    return presentPage(call, page, named)
  },
)

export const getMessageEditData = method(
  'messages.getMessageEditData',
  { auth: 'user' },
  async (request, call): Promise<tl.messages.RawMessageEditData> => {
    const { key } = await placeOf(call, request.peer)
    const [message] = await call.me.messages([request.id])
    if (!message || message.fact.peer !== key) return refuseCall('MESSAGE_ID_INVALID')
    if (!message.fact.out || decodeBody(message.body).forward) refuseCall('MESSAGE_AUTHOR_REQUIRED')
    return { _: 'messages.messageEditData' }
  },
)
