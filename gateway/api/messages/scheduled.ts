import type { ScheduledMessage } from '../../../actors/chat/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { answerChanges, viewerOf } from '../envelope.js'
import { messageIdsOf } from '../input/number.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentScheduled } from '../present/scheduled.js'
import { changesOf } from './answer.js'
import { asked, type Place, placeOf } from './place.js'

/** Scheduled messages name what they reply to by the chat's entries; answers name it by the caller's own ids. */
async function presentList(
  call: Call,
  place: Place,
  messages: readonly ScheduledMessage[],
): Promise<tl.messages.RawMessages> {
  const named = new PeerSet().peer(place.key)
  const presented = messages.map(({ id, dueAtMs, draft }) =>
    presentScheduled(
      { peer: place.key, id, dueAtMs, silent: draft.silent === true, body: draft.body },
      call.self,
      named,
    ),
  )
  const { users, chats } = await call.services.people.load(viewerOf(call), named)
  return { _: 'messages.messages', messages: presented, topics: [], chats, users }
}

export const getScheduledHistory = method('messages.getScheduledHistory', { auth: 'user' }, async (request, call) => {
  const place = await placeOf(call, request.peer)
  const messages = await call.chat(place.chat).scheduled({ by: call.self })
  return presentList(
    call,
    place,
    [...messages].sort((one, other) => other.dueAtMs - one.dueAtMs),
  )
})

export const getScheduledMessages = method('messages.getScheduledMessages', { auth: 'user' }, async (request, call) => {
  const place = await placeOf(call, request.peer)
  const ids = messageIdsOf(request.id)
  const messages = await call.chat(place.chat).scheduled({ by: call.self })
  return presentList(
    call,
    place,
    messages.filter(({ id }) => ids.includes(id)),
  )
})

export const sendScheduledMessages = method(
  'messages.sendScheduledMessages',
  { auth: 'user' },
  async (request, call) => {
    const place = await placeOf(call, request.peer)
    const ids = messageIdsOf(request.id)
    const outcomes = await call.chat(place.chat).settleScheduled({ ...asked(call), ids, action: 'post' })
    return answerChanges(call, changesOf(outcomes))
  },
)

export const deleteScheduledMessages = method(
  'messages.deleteScheduledMessages',
  { auth: 'user' },
  async (request, call) => {
    const place = await placeOf(call, request.peer)
    const ids = messageIdsOf(request.id)
    const outcomes = await call.chat(place.chat).settleScheduled({ ...asked(call), ids, action: 'drop' })
    return answerChanges(call, changesOf(outcomes))
  },
)
