import { peerKey } from '../../../actors/chat/chat-id.js'
import type { Draft } from '../../../actors/chat/contract.js'
import type { MessageBody } from '../../../actors/message/body.js'
import type { Soon } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { entitiesOf } from '../input/entities.js'
import { messageIdOf } from '../input/number.js'
import { peerOf } from '../input/peer.js'
import { linesOf } from '../input/text.js'
import { locatedIn, type Place } from './place.js'

const MAX_QUOTE_UNITS = 1024

/** Sent at once when due within this: as Telegram does. */
const AT_ONCE_SECONDS = 10
const LATEST_SECONDS = 366 * 24 * 3600

export interface ReplyInput {
  readonly replyTo?: number
  readonly quote?: MessageBody['quote']
}

const NO_REPLY: ReplyInput = {}

/** What a message replies to. Refused: REPLY_MESSAGE_ID_INVALID, QUOTE_TEXT_INVALID; REPLY_TO_INVALID for other kinds. */
export function replyOf(call: Call, place: Place, input: tl.TypeInputReplyTo | undefined): Soon<ReplyInput> {
  return input === undefined ? NO_REPLY : replyTo(call, place, input)
}

async function replyTo(call: Call, place: Place, input: tl.TypeInputReplyTo): Promise<ReplyInput> {
  if (input._ !== 'inputReplyToMessage') return refuseCall('REPLY_TO_INVALID')
  if (input.monoforumPeerId !== undefined || input.todoItemId !== undefined) refuseCall('REPLY_TO_INVALID')
  if (input.replyToPeerId && peerKey(await peerOf(call, input.replyToPeerId)) !== place.key) {
    refuseCall('REPLY_TO_INVALID')
  }
  const { n } = await locatedIn(call, place, input.replyToMsgId, 'REPLY_MESSAGE_ID_INVALID')
  const { quoteText } = input
  if (quoteText === undefined || quoteText === '') return { replyTo: n }
  if (quoteText.length > MAX_QUOTE_UNITS) refuseCall('QUOTE_TEXT_INVALID')
  const { text, placed: entities } = linesOf(quoteText, await entitiesOf(call, input.quoteEntities, quoteText))
  const offset = input.quoteOffset
  return {
    replyTo: n,
    quote: { text, ...(entities.length > 0 && { entities }), ...(offset !== undefined && { offset }) },
  }
}

/** The box id that a draft replies to: kept as it is, the box is the caller's own. */
export function draftReplyOf(input: tl.TypeInputReplyTo | undefined): number | undefined {
  return input?._ === 'inputReplyToMessage' ? messageIdOf(input.replyToMsgId) : undefined
}

/** The date by which clients ask to send a message when its receiver is seen next. */
const WHEN_ONLINE = 0x7ffffffe

/**
 * When a scheduled message is due, in milliseconds; undefined for one that goes at once. Refused:
 * SCHEDULE_DATE_TOO_LATE; SCHEDULE_STATUS_PRIVATE for one that would wait until somebody is online.
 */
export function dueOf(call: Call, scheduleDate: number | undefined): number | undefined {
  if (scheduleDate === undefined || scheduleDate <= call.now + AT_ONCE_SECONDS) return undefined
  return laterDue(call, scheduleDate)
}

/** When one that was scheduled is due now; to be sent at once is asked for by another method. Refused: SCHEDULE_DATE_INVALID too. */
export function editedDueOf(call: Call, scheduleDate: number): number {
  return scheduleDate <= call.now ? refuseCall('SCHEDULE_DATE_INVALID') : laterDue(call, scheduleDate)
}

function laterDue(call: Call, scheduleDate: number): number {
  if (scheduleDate === WHEN_ONLINE) return refuseCall('SCHEDULE_STATUS_PRIVATE')
  if (scheduleDate > call.now + LATEST_SECONDS) return refuseCall('SCHEDULE_DATE_TOO_LATE')
  return scheduleDate * 1000
}

export interface DraftFlags {
  readonly silent?: boolean | undefined
  readonly noforwards?: boolean | undefined
  readonly clearDraft?: boolean | undefined
}

/** Only what is set: entries carry no empty fields. */
export function flagsOf({ silent, noforwards, clearDraft }: DraftFlags): Partial<Draft> {
  const flags: { silent?: boolean; noForwards?: boolean; clearDraft?: boolean } = {}
  if (silent) flags.silent = true
  if (noforwards) flags.noForwards = true
  if (clearDraft) flags.clearDraft = true
  return flags
}
