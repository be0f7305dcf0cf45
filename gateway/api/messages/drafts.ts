import { encodeBody } from '../../../actors/message/body.js'
import { answerChanges } from '../envelope.js'
import { textOf } from '../input/message.js'
import { method } from '../method.js'
import { draftReplyOf } from './draft-input.js'
import { placeOf } from './place.js'

/** A draft that says less than its author wrote would replace the whole one on his other devices. */
const UNSERVED = {
  richMessage: 'METHOD_NOT_IMPLEMENTED',
  suggestedPost: 'SUGGESTED_POST_PEER_INVALID',
} as const

export const saveDraft = method('messages.saveDraft', { auth: 'user', unserved: UNSERVED }, async (request, call) => {
  const { peer } = await placeOf(call, request.peer)
  const body = await textOf(call, request)
  const replyTo = draftReplyOf(request.replyTo)
  const isEmpty = body.text === '' && replyTo === undefined
  await call.me.saveDraft({
    peer,
    origin: call.origin,
    ...(!isEmpty && { body: encodeBody(body) }),
    ...(replyTo !== undefined && { replyTo }),
  })
  return true
})

export const getAllDrafts = method('messages.getAllDrafts', { auth: 'user' }, async (_request, call) =>
  answerChanges(call, await call.me.drafts()),
)

export const clearAllDrafts = method('messages.clearAllDrafts', { auth: 'user' }, async (_request, call) => {
  await call.me.clearDrafts({ origin: call.origin })
  return true
})
