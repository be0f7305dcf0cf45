import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { answerChanges, viewerOf } from '../envelope.js'
import { messageIdsOf } from '../input/number.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentScheduled, type ScheduledView } from '../present/scheduled.js'
import { scheduledIn } from '../scheduled-messages.js'
import { changesOf } from './answer.js'
import { asked, type Place, placeOf } from './place.js'

/** What the caller has scheduled here. */
function listed(call: Call, { key }: Place): Promise<readonly ScheduledView[]> {
  return scheduledIn(call.services.actors, viewerOf(call), key)
}

async function presentList(
  call: Call,
  place: Place,
  messages: readonly ScheduledView[],
): Promise<tl.messages.RawMessages> {
  const named = new PeerSet().peer(place.key)
  const presented = messages.map((each) => presentScheduled(each, call.self, named))
  const { users, chats } = await call.services.people.load(viewerOf(call), named)
  return { _: 'messages.messages', messages: presented, topics: [], chats, users }
}

export const getScheduledHistory = method('messages.getScheduledHistory', { auth: 'user' }, async (request, call) => {
  const place = await placeOf(call, request.peer)
  const messages = await listed(call, place)
  return presentList(
    call,
    place,
    [...messages].sort((one, other) => other.message.dueAtMs - one.message.dueAtMs),
  )
})

export const getScheduledMessages = method('messages.getScheduledMessages', { auth: 'user' }, async (request, call) => {
  const place = await placeOf(call, request.peer)
  const ids = messageIdsOf(request.id)
  const messages = await listed(call, place)
  return presentList(
    call,
    place,
    messages.filter(({ message }) => ids.includes(message.id)),
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
