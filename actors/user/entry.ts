/**
 * Entries as the journal holds them. Messages are nearly all of it, so they are packed; what follows from the account
 * and the chat (peer, direction, lane) is not stored. Facts with `lane` alone move w and are seen by nobody.
 */
import type { Placed, PlacedEntry } from '../../runtime/index.js'
import { type ChatId, peerKeyOfChat } from '../chat/chat-id.js'
import type { Origin } from '../chat/contract.js'
import type { BoxChange, BoxFact, Lane, MessageFact } from './changes.js'

export type Entry = PackedMessage | StoredFact

/** Any fact but a message, as it is. */
export type StoredFact = Exclude<BoxFact, MessageFact> | LaneFact

/** An entry of the chat that changes nothing here. */
export interface LaneFact {
  readonly type: 'lane'
  readonly lane: Lane
}

/** [chat, n, from, atMs, flags, op ('' none), what few messages have]. */
export type PackedMessage = readonly [ChatId, number, number, number, number, string, MessageExtras?]

export type MessageExtras = Pick<MessageFact, 'replyTo' | 'action' | 'pinnedId' | 'groupedId'>

const SILENT = 1
const NO_FORWARDS = 2
const MENTIONED = 4
const FROM_SCHEDULED = 8

export type NewMessage = Omit<MessageFact, 'type' | 'peer' | 'out' | 'lane'>

/** What is not there may be said to be undefined. */
type Loose<T> = { readonly [Field in keyof T]: T[Field] | undefined }

/** `extras` says what the box calls the messages that this one names. */
export function packMessage(
  chat: ChatId,
  message: Pick<NewMessage, 'n' | 'from' | 'atMs'> & Partial<Loose<NewMessage>>,
  { replyTo, pinnedId }: Pick<MessageExtras, 'replyTo' | 'pinnedId'>,
): PackedMessage {
  const { n, from, atMs, op = '', action, groupedId } = message
  const flags =
    (message.silent ? SILENT : 0) |
    (message.noForwards ? NO_FORWARDS : 0) |
    (message.mentioned ? MENTIONED : 0) |
    (message.fromScheduled ? FROM_SCHEDULED : 0)
  if (replyTo === undefined && action === undefined && groupedId === undefined) return [chat, n, from, atMs, flags, op]
  const extras = {
    ...(replyTo !== undefined && { replyTo }),
    ...(action !== undefined && { action }),
    ...(pinnedId !== undefined && { pinnedId }),
    ...(groupedId !== undefined && { groupedId }),
  }
  return [chat, n, from, atMs, flags, op, extras]
}

export function isMessage(entry: Entry): entry is PackedMessage {
  return Array.isArray(entry)
}

export function isMentioned(message: PackedMessage): boolean {
  return (message[4] & MENTIONED) !== 0
}

export function unpackMessage(self: number, [chat, n, from, atMs, flags, op, extras]: PackedMessage): MessageFact {
  const out = from === self
  // Field by field, and few shapes: this is done for each message of each box.
  const message: { -readonly [Field in keyof MessageFact]: MessageFact[Field] } = {
    type: 'message',
    peer: peerKeyOfChat(self, chat),
    chat,
    n,
    from,
    atMs,
    out,
    lane: { chat, n },
  }
  if (op !== '') message.op = op
  if (extras !== undefined) Object.assign(message, extras)
  if (flags === 0) return message
  if ((flags & SILENT) !== 0) message.silent = true
  if ((flags & NO_FORWARDS) !== 0) message.noForwards = true
  if ((flags & MENTIONED) !== 0) message.mentioned = true
  if ((flags & FROM_SCHEDULED) !== 0) message.fromScheduled = true
  return message
}

/** How many numbers an entry takes (CORE J2; telegram-semantics, "Which updates carry a counter"). */
export function countOf(entry: Entry): number {
  if (isMessage(entry)) return 1
  switch (entry.type) {
    case 'deleted':
      return entry.ids.length
    case 'edited':
    case 'readInbox':
    case 'readOutbox':
    case 'pinned':
    case 'mentionsRead':
    case 'milestone':
      return 1
    default:
      return 0
  }
}

const HIDDEN: ReadonlySet<string> = new Set([
  'lane',
  'seen',
  'blockedBy',
  'delivered',
  'deviceActive',
  'usernameVoided',
  'recorded',
  'registered',
  'revoked',
  'closed',
])

/** What devices learn of an entry; undefined for what is kept for the account itself. None of these has a number. */
export function visibleFact(self: number, entry: Entry): BoxFact | undefined {
  if (isMessage(entry)) return unpackMessage(self, entry)
  return HIDDEN.has(entry.type) ? undefined : (entry as BoxFact)
}

/** Where the entry stands in a lane; undefined for what the account did by itself. */
export function laneOfEntry(entry: Entry): Lane | undefined {
  if (isMessage(entry)) return { chat: entry[0], n: entry[1] }
  return 'lane' in entry ? entry.lane : undefined
}

/** The entry as a change; undefined when devices learn nothing of it. */
export function toChange(self: number, placed: PlacedEntry<Entry>, origin?: Origin): BoxChange | undefined {
  const fact = visibleFact(self, placed.fact)
  return fact && changeOf(placed, fact, placed.body, origin)
}

export function changeOf(at: Placed, fact: BoxFact, body: Uint8Array | undefined, origin?: Origin): BoxChange {
  const { pts, ordinal, count, atMs } = at
  const change: { -readonly [Field in keyof BoxChange]: BoxChange[Field] } = { pts, ordinal, count, atMs, fact }
  if (body !== undefined) change.body = body
  if (origin !== undefined) change.origin = origin
  return change
}
