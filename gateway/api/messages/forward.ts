import { parsePeerKey } from '../../../actors/chat/chat-id.js'
import type { Draft } from '../../../actors/chat/contract.js'
import { decodeBody, encodeBody, type ForwardHeader, type MessageBody } from '../../../actors/message/body.js'
import type { BoxMessage } from '../../../actors/user/contract.js'
import { refuseCall } from '../errors.js'
import { MAX_IDS, messageIdOf } from '../input/number.js'
import { method } from '../method.js'
import { seconds } from '../present/time.js'
import { dueOf, flagsOf, replyOf } from './draft-input.js'
import { placeOf, sendingPlaceOf } from './place.js'
import { SENDING, sent, UNSERVED_OF_SENDING } from './send.js'

const UNSERVED = { ...UNSERVED_OF_SENDING, topMsgId: 'TOPIC_ID_INVALID' } as const

export const forwardMessages = method(
  'messages.forwardMessages',
  { auth: 'user', flood: SENDING, unserved: UNSERVED },
  async (request, call) => {
    const { id: ids, randomId: randomIds } = request
    if (ids.length === 0) refuseCall('MESSAGE_IDS_EMPTY')
    if (ids.length > MAX_IDS) refuseCall('LIMIT_INVALID')
    if (randomIds.length !== ids.length) refuseCall('RANDOM_ID_INVALID')
    // A random id that is not one would be taken for a repeat of another message, and that be lost.
    const ops = randomIds.map((randomId) => call.opOf(randomId))
    if (new Set(ops).size < ops.length) refuseCall('RANDOM_ID_DUPLICATE')
    const from = await placeOf(call, request.fromPeer)
    const to = await sendingPlaceOf(call, request.toPeer)
    const { replyTo } = await replyOf(call, to, request.replyTo)
    const originals = await call.me.messages(ids.map(messageIdOf))
    const toSelf = to.peer.kind === 'user' && to.peer.id === call.self
    const drafts = originals.flatMap((original, at): (Draft & { readonly op: string })[] => {
      // What was deleted meanwhile is passed over, as Telegram does.
      if (!original || original.fact.peer !== from.key || original.fact.action) return []
      if (original.fact.noForwards) refuseCall('CHAT_FORWARDS_RESTRICTED')
      const body = encodeBody(forwardedBody(original, request.dropAuthor === true, toSelf))
      return [{ op: ops[at]!, body, ...flagsOf(request), ...(replyTo !== undefined && { replyTo }) }]
    })
    if (drafts.length === 0) refuseCall('MESSAGE_ID_INVALID')
    call.spend(drafts.length - 1)
    return sent(call, to, drafts, dueOf(call, request.scheduleDate))
  },
)

function forwardedBody({ id, fact, body }: BoxMessage, dropAuthor: boolean, toSelf: boolean): MessageBody {
  const { text, entities, noWebpage, invertMedia, forward } = decodeBody(body)
  const content = {
    text,
    ...(entities && { entities }),
    ...(noWebpage && { noWebpage }),
    ...(invertMedia && { invertMedia }),
  }
  if (dropAuthor) return content
  const header: ForwardHeader = forward
    ? { ...withoutOrigin(forward) }
    : { fromUser: fact.from, date: seconds(fact.atMs) }
  const where = parsePeerKey(fact.peer)
  const savedFrom = where.kind === 'user' ? { user: where.id, id } : { group: where.id, id }
  return { ...content, forward: toSelf ? { ...header, savedFrom } : header }
}

/** Where the forwarder had saved it from is nobody else's business. */
function withoutOrigin({ savedFrom: _, ...header }: ForwardHeader): ForwardHeader {
  return header
}
