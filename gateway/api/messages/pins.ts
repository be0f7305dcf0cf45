import { answerChanges } from '../envelope.js'
import { method } from '../method.js'
import { affectedHistory } from './answer.js'
import { asked, locatedIn, placeOf, repeated } from './place.js'

export const updatePinnedMessage = method('messages.updatePinnedMessage', { auth: 'user' }, async (request, call) => {
  const place = await placeOf(call, request.peer)
  const { n } = await locatedIn(call, place, request.id, 'MESSAGE_ID_INVALID')
  const outcome = await call.chat(place.chat).pin({
    ...asked(call),
    target: n,
    pinned: request.unpin !== true,
    silent: request.silent === true,
    onlyForMe: request.pmOneside === true,
  })
  return answerChanges(call, outcome.changes)
})

const UNSERVED = { topMsgId: 'TOPIC_ID_INVALID', savedPeerId: 'METHOD_NOT_IMPLEMENTED' } as const

export const unpinAllMessages = method(
  'messages.unpinAllMessages',
  { auth: 'user', unserved: UNSERVED },
  async (request, call) => {
    const place = await placeOf(call, request.peer)
    const { changes } = await repeated(call, (ask) => call.chat(place.chat).unpinAll(ask))
    return affectedHistory(call, changes)
  },
)
