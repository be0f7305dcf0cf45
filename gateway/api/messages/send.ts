import type { Draft, Outcome } from '../../../actors/chat/contract.js'
import { decodeBody, encodeBody, type MessageBody } from '../../../actors/message/body.js'
import { after } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { answerChanges } from '../envelope.js'
import { refuseCall } from '../errors.js'
import type { FloodRule } from '../flood.js'
import { type ComposedText, composedText } from '../input/message.js'
import { type Long, longFromHex } from '../long.js'
import { method } from '../method.js'
import { changesOf } from './answer.js'
import { type DraftFlags, dueOf, flagsOf, type ReplyInput, replyOf } from './draft-input.js'
import { asked, messageIn, type Place, sendingPlaceOf } from './place.js'

const SENDING: FloodRule = { burst: 3000, perSecond: 150 }

/** What a new message cannot be here, whether written or forwarded. */
export const UNSERVED_OF_SENDING = {
  effect: 'EFFECT_ID_INVALID',
  quickReplyShortcut: 'SHORTCUT_INVALID',
  scheduleRepeatPeriod: 'METHOD_NOT_IMPLEMENTED',
  sendAs: 'SEND_AS_PEER_INVALID',
  suggestedPost: 'SUGGESTED_POST_PEER_INVALID',
} as const

const UNSERVED_OF_TEXTS = { replyMarkup: 'REPLY_MARKUP_INVALID', richMessage: 'METHOD_NOT_IMPLEMENTED' } as const

/** Posts the drafts, or schedules them; a repeat of the same random ids is answered with what the first one did. */
export function sent(
  call: Call,
  place: Place,
  drafts: readonly (Draft & { readonly op: string })[],
  dueAtMs: number | undefined,
): Promise<tl.RawUpdates> {
  if (dueAtMs !== undefined) return scheduled(call, place, drafts, dueAtMs)
  const outcomes = call.chat(place.chat).post({ by: call.self, origin: call.origin, drafts })
  return outcomes.then((all) => answerChanges(call, changesOf(all)))
}

async function scheduled(
  call: Call,
  place: Place,
  drafts: readonly (Draft & { readonly op: string })[],
  dueAtMs: number,
): Promise<tl.RawUpdates> {
  const chat = call.chat(place.chat)
  const outcomes = await Promise.all(
    drafts.map(({ op, ...draft }) => chat.schedule({ by: call.self, op, origin: call.origin, draft, dueAtMs })),
  )
  const answer = await answerChanges(call, changesOf(outcomes))
  return { ...answer, updates: [...scheduledIds(drafts, outcomes), ...answer.updates] }
}

/** Tells the sending device which of its random ids became which scheduled message. */
function scheduledIds(drafts: readonly { readonly op: string }[], outcomes: readonly Outcome[]): tl.TypeUpdate[] {
  return outcomes.flatMap(({ changes }, at) => {
    const randomId = longFromHex(drafts[at]!.op.slice(1))
    return changes.flatMap(({ fact }) =>
      fact.type === 'scheduled' ? [{ _: 'updateMessageID' as const, id: fact.id, randomId }] : [],
    )
  })
}

const SEND = { auth: 'user', flood: SENDING, unserved: { ...UNSERVED_OF_SENDING, ...UNSERVED_OF_TEXTS } } as const

export const sendMessage = method('messages.sendMessage', SEND, (request, call) =>
  after(sendingPlaceOf(call, request.peer), (place) =>
    after(composedText(call, request, place.peer), (text) =>
      after(replyOf(call, place, request.replyTo), (reply) => {
        const draft = draftOf(call, request, text, reply)
        return sent(call, place, [draft], dueOf(call, request.scheduleDate))
      }),
    ),
  ),
)

function draftOf(
  call: Call,
  request: DraftFlags & { readonly randomId: Long },
  { body, mentions }: ComposedText,
  { replyTo, quote }: ReplyInput,
): Draft & { readonly op: string } {
  return {
    op: call.opOf(request.randomId),
    body: encodeBody(quote ? { ...body, quote } : body),
    ...flagsOf(request),
    ...(replyTo !== undefined && { replyTo }),
    ...(mentions.length > 0 && { mentions }),
  }
}

/** An edit changes the text; what the message quotes stays. A forward is not the sender's to change. */
function keptParts(body: MessageBody, before: Uint8Array): MessageBody {
  const { quote, forward } = decodeBody(before)
  if (forward) refuseCall('MESSAGE_AUTHOR_REQUIRED')
  return quote ? { ...body, quote } : body
}

const EDIT = { auth: 'user', flood: SENDING, unserved: { media: 'MEDIA_INVALID', ...UNSERVED_OF_TEXTS } } as const

export const editMessage = method('messages.editMessage', EDIT, async (request, call) => {
  // Ids of scheduled messages and of shortcuts are sequences of their own: here the id would name another message.
  if (request.scheduleDate !== undefined || request.scheduleRepeatPeriod !== undefined)
    refuseCall('METHOD_NOT_IMPLEMENTED')
  if (request.quickReplyShortcutId !== undefined) refuseCall('SHORTCUT_INVALID')
  const place = await sendingPlaceOf(call, request.peer)
  if (request.message === undefined) return refuseCall('MESSAGE_EMPTY')
  const message = await messageIn(call, place, request.id, 'MESSAGE_ID_INVALID')
  if (message.fact.action) refuseCall('MESSAGE_ID_INVALID')
  const { message: text, entities, noWebpage, invertMedia } = request
  const composed = await composedText(call, { message: text, entities, noWebpage, invertMedia }, place.peer)
  const body = encodeBody(keptParts(composed.body, message.body))
  if (Buffer.compare(body, message.body) === 0) refuseCall('MESSAGE_NOT_MODIFIED')
  const outcome = await call.chat(place.chat).edit({
    ...asked(call),
    target: message.fact.n,
    body,
    ...(composed.mentions.length > 0 && { mentions: composed.mentions }),
  })
  return answerChanges(call, outcome.changes)
})
