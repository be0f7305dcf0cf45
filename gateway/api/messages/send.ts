import type { Draft, Outcome } from '../../../actors/chat/contract.js'
import { decodeBody, encodeBody, type MessageBody } from '../../../actors/message/body.js'
import { after } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { answerChanges } from '../envelope.js'
import { refuseCall } from '../errors.js'
import type { FloodRule } from '../flood.js'
import { type ComposedText, composedText } from '../input/message.js'
import { messageIdOf } from '../input/number.js'
import { type Long, longFromHex } from '../long.js'
import { method } from '../method.js'
import { changesOf, countReach } from './answer.js'
import { type DraftFlags, dueOf, editedDueOf, flagsOf, type ReplyInput, replyOf } from './draft-input.js'
import { asked, messageIn, type Place, sendingPlaceOf } from './place.js'

export const SENDING: FloodRule = { burst: 3000, perSecond: 150 }

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
  return outcomes.then((all) => {
    countReach(call, all)
    return answerChanges(call, changesOf(all))
  })
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

const UNSERVED_OF_EDITS = {
  media: 'MEDIA_INVALID',
  scheduleRepeatPeriod: 'METHOD_NOT_IMPLEMENTED',
  ...UNSERVED_OF_TEXTS,
} as const

const EDIT = { auth: 'user', flood: SENDING, unserved: UNSERVED_OF_EDITS } as const

export const editMessage = method('messages.editMessage', EDIT, async (request, call) => {
  // Ids of shortcuts are a sequence of their own: here the id would name another message.
  if (request.quickReplyShortcutId !== undefined) refuseCall('SHORTCUT_INVALID')
  const place = await sendingPlaceOf(call, request.peer)
  // So are those of scheduled messages: it is the date that says which sequence the id is of.
  const outcome =
    request.scheduleDate === undefined
      ? await edited(call, place, request)
      : await rescheduled(call, place, request, editedDueOf(call, request.scheduleDate))
  return answerChanges(call, outcome.changes)
})

async function edited(call: Call, place: Place, request: tl.messages.RawEditMessageRequest): Promise<Outcome> {
  if (request.message === undefined) return refuseCall('MESSAGE_EMPTY')
  const message = await messageIn(call, place, request.id, 'MESSAGE_ID_INVALID')
  if (message.fact.action) refuseCall('MESSAGE_ID_INVALID')
  const { body, mentions } = await editedText(call, place, request, request.message, message.body)
  if (Buffer.compare(body, message.body) === 0) refuseCall('MESSAGE_NOT_MODIFIED')
  const outcome = await call.chat(place.chat).edit({
    ...asked(call),
    target: message.fact.n,
    body,
    ...(mentions.length > 0 && { mentions }),
  })
  countReach(call, [outcome])
  return outcome
}

/** One without a text changes the date alone; libraries say so by an empty one too. */
async function rescheduled(
  call: Call,
  place: Place,
  request: tl.messages.RawEditMessageRequest,
  dueAtMs: number,
): Promise<Outcome> {
  const id = messageIdOf(request.id)
  const chat = call.chat(place.chat)
  const change = { ...asked(call), id, dueAtMs }
  if (!request.message) return chat.reschedule(change)
  const message = (await chat.scheduled({ by: call.self })).find((each) => each.id === id)
  if (!message) return refuseCall('MESSAGE_ID_INVALID')
  return chat.reschedule({
    ...change,
    ...(await editedText(call, place, request, request.message, message.draft.body)),
  })
}

async function editedText(
  call: Call,
  place: Place,
  { entities, noWebpage, invertMedia }: tl.messages.RawEditMessageRequest,
  message: string,
  before: Uint8Array,
): Promise<{ body: Uint8Array; mentions: readonly number[] }> {
  const { body, mentions } = await composedText(call, { message, entities, noWebpage, invertMedia }, place.peer)
  return { body: encodeBody(keptParts(body, before)), mentions }
}
