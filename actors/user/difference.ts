/**
 * What a device missed (invariant 4: old state + difference = refetched state).
 *
 * F1. New messages come as they are now, and not at all once deleted; of edits, reactions, reads and drafts of one thing
 *     only the last in the slice is told, an edit with the text as it is now. All of these are absolute, so a later slice
 *     that tells one again changes nothing.
 * F2. A slice ends before a change with a number, never inside of one, and above the device's own pts: each slice gets
 *     further, also for a device that keeps its pts and not its date. Under one number there are not many (M1).
 * F3. Changes without a number are told from `date` on; those under later pts all. Below the device's own pts this
 *     reaches back no further than `lookBackMs`: a device may have moved its pts by the answer to a request of its own,
 *     and lost the push of what stands below. Of so much that it does not fit into a slice, the newest is told.
 * F4. Devices apply messages first, then the rest in order. Reads come last of all, and `stillUnread` is the number of
 *     unread messages after the whole slice, of those that are still there: so a device may count by itself or believe it.
 *     (One that believes it across slices is off by those that a later slice deletes, until the next read.)
 */
import type { PlacedEntry, Position } from '../../runtime/index.js'
import { chatOfPeer, parsePeerKey } from '../chat/chat-id.js'
import { newestWhere } from './box-rows.js'
import type { BoxChange, BoxFact } from './changes.js'
import type { BoxMessage, Difference, DifferenceRequest } from './contract.js'
import { countBetween } from './counts.js'
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
  if (entries.length === 0 && head.pts === request.pts) return { kind: 'empty', pts: head.pts, atMs }
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
  const entries = await entriesBelow(box, request.pts, Math.max(sinceMs, box.nowMs - limits.lookBackMs))
  const room = new Room(limit)
  let after: Position & { readonly atMs?: number } = { pts: request.pts, ordinal: 0 }
  for (;;) {
    const wanted = Math.min(limits.readPage, room.left + MARGIN)
    const page = await box.own.entries(after, wanted, head.pts)
    for (const entry of page) {
      const before = entry.pts - entry.count
      if (room.isFull && entry.count > 0 && before > request.pts) {
        return { entries, cut: { pts: before, atMs: after.atMs ?? 0 } }
      }
      after = entry
      const isKnown = entry.pts === request.pts && entry.atMs < sinceMs
      const isTold = !isKnown && isVisible(box, entry)
      // Only what is above the device's pts fills the slice: what is told again must not keep it from getting further.
      if (entry.pts > request.pts) room.take(entry, isTold)
      if (isTold) entries.push(entry)
    }
    if (page.length < wanted) return { entries }
  }
}

/** Entries that are read beyond those that fit, to find where the slice may end. */
const MARGIN = 32

/** What a slice may still take. */
class Room {
  #changes: number
  #bytes: number = limits.differenceBytes
  #scanned: number = limits.differenceScanned

  constructor(limit: number) {
    this.#changes = limit
  }

  get left(): number {
    return Math.max(this.#changes, 0)
  }

  get isFull(): boolean {
    return this.#changes <= 0 || this.#bytes <= 0 || this.#scanned <= 0
  }

  take({ fact, body }: PlacedEntry<Entry>, isTold: boolean): void {
    this.#scanned--
    if (!isTold) return
    this.#changes--
    this.#bytes -= (body?.byteLength ?? 0) + (!isMessage(fact) && 'ids' in fact ? 8 * fact.ids.length : 0)
  }
}

/** F3: changes without a number below the device's own pts, not older than `sinceMs`, in order. */
async function entriesBelow(box: Box, pts: number, sinceMs: number): Promise<PlacedEntry<Entry>[]> {
  let found: PlacedEntry<Entry>[] = []
  let left: number = limits.lookBackEntries
  for (let to = pts, step = 1; to > 0 && left > 0; step *= 4) {
    const from = Math.max(0, to - step)
    const page = await box.own.entries({ pts: from, ordinal: 0 }, left + 1, to - 1)
    // These would be its oldest.
    if (page.length > left) break
    found = [...page.filter((entry) => entry.count === 0 && entry.atMs >= sinceMs && isVisible(box, entry)), ...found]
    if ((page[0]?.atMs ?? sinceMs) < sinceMs) break
    left -= page.length
    to = from
  }
  return found
}

function isVisible(box: Box, { fact }: PlacedEntry<Entry>): boolean {
  return isMessage(fact) || (fact.type !== 'milestone' && visibleFact(box.state.id, fact) !== undefined)
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
    case 'scheduled':
      return `scheduled ${fact.peer} ${fact.id}`
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
  const last =
    dialog.top <= endPts ? dialog.topN : (await newestWhere(box, chat, dialog.topN, ({ id }) => id <= endPts))?.n
  return (await countBetween(box, chat, fact.maxN + 1, last ?? 0)).incoming
}
