/**
 * What a device missed (invariant 4: old state + difference = refetched state).
 *
 * F1. New messages come as they are now, and not at all once deleted; of edits, reactions, reads and drafts of one thing
 *     only the last in the slice is told, an edit with the text as it is now. All of these are absolute, so a later slice
 *     that tells one again changes nothing.
 * F2. A slice ends before a change with a number, never inside of one, and above the device's own pts; or between two
 *     seconds, and then its date is that of the next change: each slice gets further.
 * F3. Changes without a number are told from `date` on; those under later pts all. Below the device's own pts this
 *     reaches back no further than `lookBackMs`: a device may have moved its pts by the answer to a request of its own,
 *     and lost the push of what stands below.
 * F4. Devices apply messages first, then the rest in order. Reads come last of all, and `stillUnread` is the number of
 *     unread messages after the whole slice, of those that are still there: so a device may count by itself or believe it.
 *     (One that believes it across slices is off by those that a later slice deletes, until the next read.)
 */
import type { PlacedEntry, Position } from '../../runtime/index.js'
import { chatOfPeer, parsePeerKey } from '../chat/chat-id.js'
import { messageRows } from './box-rows.js'
import type { BoxChange, BoxFact } from './changes.js'
import type { BoxMessage, Difference, DifferenceRequest } from './contract.js'
import { changeOf, type Entry, isMessage, visibleFact } from './entry.js'
import { limits } from './limits.js'
import { messagesAt, messagesOf } from './messages.js'
import type { Box } from './shape.js'

export async function difference(box: Box, request: DifferenceRequest): Promise<Difference> {
  const head = { ...box.head }
  const atMs = box.datedMs
  if (request.pts > head.pts || request.pts + request.totalLimit < head.pts) {
    return { kind: 'tooLong', pts: head.pts, atMs }
  }
  const slice = await readSlice(box, request, head)
  const { entries, cut } = slice
  if (entries.length === 0) return { kind: 'empty', pts: head.pts, atMs }
  const end = cut ?? { pts: head.pts, atMs }
  const messages = await messagesOf(box, entries)
  return {
    kind: cut ? 'slice' : 'full',
    ...end,
    messages: entries.flatMap(({ pts, fact }) => (isMessage(fact) ? (messages.get(pts) ?? []) : [])),
    others: await othersOf(box, request.pts, end.pts, entries),
  }
}

interface Slice {
  /** What devices may see, in order. */
  readonly entries: readonly PlacedEntry<Entry>[]
  /** The state behind these, when there are more. */
  readonly cut?: { readonly pts: number; readonly atMs: number }
}

async function readSlice(box: Box, request: DifferenceRequest, head: Position): Promise<Slice> {
  const limit = Math.min(Math.max(request.limit, 1), limits.differenceChanges)
  const sinceMs = request.date * 1000
  const belowSinceMs = Math.max(sinceMs, box.nowMs - limits.lookBackMs)
  const entries: PlacedEntry<Entry>[] = []
  let after = await startOf(box, request, head, belowSinceMs)
  for (;;) {
    const page = await box.own.entries(after, limits.readPage, head.pts)
    for (const entry of page) {
      after = entry
      if (isKnown(entry, request.pts, sinceMs, belowSinceMs) || !visibleFact(box.state.id, entry.fact)) continue
      const last = entries.length >= limit ? entries[entries.length - 1] : undefined
      const cutAtMs = last && dateOfCut(request.pts, last, entry)
      if (cutAtMs !== undefined) {
        return { entries, cut: { pts: Math.max(request.pts, entry.pts - entry.count), atMs: cutAtMs } }
      }
      entries.push(entry)
    }
    if (page.length < limits.readPage) return { entries }
  }
}

/** What the device has, by its pts and its date (F3). */
function isKnown(entry: PlacedEntry<Entry>, clientPts: number, sinceMs: number, belowSinceMs: number): boolean {
  if (entry.pts > clientPts) return false
  return entry.count > 0 || entry.atMs < (entry.pts === clientPts ? sinceMs : belowSinceMs)
}

/** F2: the date of a slice that ends before `next`; undefined when it may not end there. */
function dateOfCut(clientPts: number, last: PlacedEntry<Entry>, next: PlacedEntry<Entry>): number | undefined {
  if (next.pts - next.count > clientPts && next.count > 0) return last.atMs
  return secondsOf(next) > secondsOf(last) ? next.atMs : undefined
}

function secondsOf({ atMs }: PlacedEntry<Entry>): number {
  return Math.floor(atMs / 1000)
}

/** Where reading begins: at or before the first change that the device may lack, and not far before it. */
async function startOf(box: Box, request: DifferenceRequest, head: Position, belowSinceMs: number): Promise<Position> {
  const { pts } = request
  for (let from = pts, step = FIRST_STEP_BACK; from > 0; from -= step, step *= 4) {
    const [entry] = await box.own.entries({ pts: from - 1, ordinal: Number.MAX_SAFE_INTEGER }, 1, head.pts)
    if (entry && entry.atMs >= belowSinceMs) continue
    return from === pts ? startUnder(box, request, head) : { pts: from, ordinal: 0 }
  }
  return pts === 0 ? startUnder(box, request, head) : { pts: 0, ordinal: 0 }
}

const FIRST_STEP_BACK = 8

/** At the head, many changes without a number may stand before those since `date`. */
async function startUnder(box: Box, { pts, date }: DifferenceRequest, head: Position): Promise<Position> {
  if (pts !== head.pts) return { pts, ordinal: 0 }
  let low = 0
  let high = head.ordinal
  while (high - low > limits.readPage) {
    const middle = Math.floor((low + high) / 2)
    const [entry] = await box.own.entries({ pts, ordinal: middle - 1 }, 1, pts)
    if (entry && entry.atMs < date * 1000) low = middle
    else high = middle
  }
  return { pts, ordinal: low }
}

/** The changes that are not new messages, folded (F1). */
async function othersOf(
  box: Box,
  clientPts: number,
  endPts: number,
  entries: readonly PlacedEntry<Entry>[],
): Promise<BoxChange[]> {
  const last = new Map<string, PlacedEntry<Entry>>()
  for (const entry of entries) last.set(subjectOf(entry), entry)
  const edited = await editedMessages(box, clientPts, last.values())
  const others: BoxChange[] = []
  const reads: BoxChange[] = []
  for (const entry of entries) {
    const fact = isMessage(entry.fact) ? undefined : visibleFact(box.state.id, entry.fact)
    if (!fact || last.get(subjectOf(entry)) !== entry) continue
    const told = await toldFact(box, clientPts, endPts, fact, edited)
    if (!told) continue
    const body = fact.type === 'edited' ? edited.get(fact.id)?.body : entry.body
    const to = told.type === 'readInbox' ? reads : others
    to.push(changeOf(entry, told, body))
  }
  return [...others, ...reads]
}

/** What a change is about, if a later one replaces it. */
function subjectOf({ fact, pts, ordinal }: PlacedEntry<Entry>): string {
  const own = `${pts}.${ordinal}`
  if (isMessage(fact)) return own
  switch (fact.type) {
    case 'edited':
    case 'reacted':
      return `${fact.type} ${fact.id}`
    case 'readInbox':
    case 'readOutbox':
    case 'draft':
      return `${fact.type} ${fact.peer}`
    default:
      return own
  }
}

async function editedMessages(
  box: Box,
  clientPts: number,
  entries: Iterable<PlacedEntry<Entry>>,
): Promise<Map<number, BoxMessage>> {
  const ids: number[] = []
  for (const { fact } of entries)
    if (!isMessage(fact) && fact.type === 'edited' && fact.id <= clientPts) ids.push(fact.id)
  const messages = await messagesAt(box, ids)
  return new Map(messages.flatMap((message) => (message ? [[message.id, message]] : [])))
}

/** The fact as this device needs it; undefined when it does not. */
async function toldFact(
  box: Box,
  clientPts: number,
  endPts: number,
  fact: BoxFact,
  edited: ReadonlyMap<number, BoxMessage>,
): Promise<BoxFact | undefined> {
  switch (fact.type) {
    case 'edited': {
      const message = edited.get(fact.id)
      return message && { ...fact, editedAtMs: message.editedAtMs ?? fact.editedAtMs }
    }
    case 'reacted':
      return fact.id > clientPts ? undefined : fact
    case 'deleted': {
      const known = fact.ids.flatMap((id, index) => (id <= clientPts ? [[id, fact.ns[index] as number] as const] : []))
      if (known.length === 0) return undefined
      return { ...fact, ids: known.map(([id]) => id), ns: known.map(([, n]) => n) }
    }
    case 'readInbox':
      return { ...fact, stillUnread: await unreadUpTo(box, fact, endPts) }
    default:
      return fact
  }
}

/** F4. */
async function unreadUpTo(box: Box, fact: Extract<BoxFact, { type: 'readInbox' }>, endPts: number): Promise<number> {
  const dialog = box.state.dialogs?.get(fact.peer)
  if (!dialog || dialog.top <= fact.maxId) return 0
  if (dialog.readIn === fact.maxId && dialog.top <= endPts) return dialog.unread
  const chat = chatOfPeer(box.state.id, parsePeerKey(fact.peer))
  const range = { from: fact.maxN + 1, to: dialog.topN, limit: Number.MAX_SAFE_INTEGER }
  const rows = await messageRows(box, chat, range)
  return rows.filter(({ id, out }) => !out && id <= endPts).length
}
