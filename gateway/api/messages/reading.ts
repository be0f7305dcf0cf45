import type { BoxChange } from '../../../actors/user/changes.js'
import { atLeastZero } from '../input/number.js'
import { method } from '../method.js'
import { affectedHistory, affectedMessages } from './answer.js'
import { asked, placeOf } from './place.js'

export const readHistory = method('messages.readHistory', { auth: 'user' }, async (request, call) => {
  const { peer, chat } = await placeOf(call, request.peer)
  const newest = await call.me.locateUpTo(peer, atLeastZero(request.maxId))
  if (!newest) return affectedMessages(call, [])
  const { changes } = await call.chat(chat).read({ ...asked(call), upTo: newest.n })
  return affectedMessages(call, changes)
})

export const readMentions = method(
  'messages.readMentions',
  { auth: 'user', unserved: { topMsgId: 'TOPIC_ID_INVALID' } },
  async (request, call) => {
    const { peer } = await placeOf(call, request.peer)
    const changes: BoxChange[] = []
    // The account takes so many a turn.
    for (;;) {
      const read = await call.me.readMentions({ peer, origin: call.origin })
      if (read.length === 0) return affectedHistory(call, changes)
      changes.push(...read)
    }
  },
)

/** Cancels push notifications for what was received; there are none, so there is none to name. */
export const receivedMessages = method('messages.receivedMessages', { auth: 'user' }, async () => [])
