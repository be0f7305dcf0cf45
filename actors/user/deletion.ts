import type { ChatId, Peer, PeerKey } from '../chat/chat-id.js'
import { chatOfPeer, peerKey } from '../chat/chat-id.js'
import type { Origin } from '../chat/contract.js'
import { type MessageRow, messageRows, type Table, valuesOf } from './box-rows.js'
import type { BoxChange, DeletedFact, Lane, TopMessage } from './changes.js'
import { blocksWithout } from './counts.js'
import { draftEntries, markEntries, pinEntries } from './dialog-settings.js'
import { HAS_EDITS } from './dialogs.js'
import { rowUpTo } from './history.js'
import { limits } from './limits.js'
import { editsOf, locate } from './messages.js'
import type { Pen } from './pen.js'
import type { Box } from './shape.js'

/** What deleting these messages of one chat does to the box; at most `limits.deletedAFact` of them. */
export async function deletedFact(
  box: Box,
  chat: ChatId,
  peer: PeerKey,
  rows: readonly MessageRow[],
  lane?: Lane,
): Promise<DeletedFact> {
  const dialog = box.state.dialogs?.get(peer)
  const ids = rows.map(({ id }) => id)
  const edited = ((dialog?.flags ?? 0) & HAS_EDITS) !== 0
  const bodies = edited ? [...(await editsOf(box, peer, ids)).values()].map(({ pts }) => pts) : []
  const readIn = dialog?.readIn ?? 0
  return {
    type: 'deleted',
    peer,
    ids,
    chat,
    ns: rows.map(({ n }) => n),
    ...(bodies.length > 0 && { bodies }),
    unread: rows.filter(({ out, id }) => !out && id > readIn).length,
    mentions: dialog?.mentions ? await countIn(box, 'mention', peer, ids) : 0,
    pins: dialog?.pins ? await countIn(box, 'pinned', peer, ids) : 0,
    blocks: await blocksWithout(box, chat, rows),
    top: await topWithout(box, chat, peer, new Set(rows.map(({ n }) => n))),
    ...(lane && { lane }),
  }
}

async function countIn(box: Box, table: Table, peer: PeerKey, ids: readonly number[]): Promise<number> {
  return (await valuesOf(box, table, peer, ids)).size
}

async function topWithout(box: Box, chat: ChatId, peer: PeerKey, gone: ReadonlySet<number>): Promise<TopMessage> {
  const dialog = box.state.dialogs?.get(peer)
  if (!dialog || dialog.top === 0) return NO_MESSAGE
  if (!gone.has(dialog.topN)) return { id: dialog.top, n: dialog.topN, atMs: dialog.topAtMs }
  for (let to = dialog.topN - 1; to > 0; ) {
    // At first the next one; behind a run of deleted ones a page.
    const limit = to === dialog.topN - 1 ? 1 : limits.readPage
    const rows = await messageRows(box, chat, { from: 1, to, limit, descending: true })
    const top = rows.find(({ n }) => !gone.has(n))
    if (top) return topOf(await locate(box, [top.id]))
    const last = rows[rows.length - 1]
    if (!last) break
    to = last.n - 1
  }
  return NO_MESSAGE
}

const NO_MESSAGE: TopMessage = { id: 0, n: 0, atMs: 0 }

function topOf([found]: Awaited<ReturnType<typeof locate>>): TopMessage {
  return found ? { id: found.id, n: found.n, atMs: found.atMs } : NO_MESSAGE
}

/** Deletes messages of one chat, a fact for each `limits.deletedAFact`; the last one carries the lane. */
async function deleteRows(box: Box, pen: Pen, request: DeleteRows): Promise<BoxChange[]> {
  const { chat, peer, rows, lane, keepsDialog = false, origin } = request
  const changes: BoxChange[] = []
  for (let start = 0; start < rows.length; start += limits.deletedAFact) {
    const end = start + limits.deletedAFact
    const fact = await deletedFact(box, chat, peer, rows.slice(start, end), end >= rows.length ? lane : undefined)
    const change = pen.append({ ...fact, ...(keepsDialog && { keepsDialog }) }, undefined, origin)
    if (change) changes.push(change)
  }
  return changes
}

export interface DeleteRows {
  readonly chat: ChatId
  readonly peer: PeerKey
  readonly rows: readonly MessageRow[]
  readonly lane?: Lane
  readonly keepsDialog?: boolean
  readonly origin?: Origin | undefined
}

/** Own copies, of any dialogs: a fact for each. */
export async function deleteOwn(
  box: Box,
  pen: Pen,
  request: { readonly ids: readonly number[]; readonly origin: Origin },
): Promise<readonly BoxChange[]> {
  const located = await locate(box, [...new Set(request.ids)].filter(isMessageId))
  const byChat = new Map<ChatId, { peer: PeerKey; rows: MessageRow[] }>()
  for (const found of located) {
    if (!found) continue
    const group = byChat.get(found.chat) ?? { peer: found.peer, rows: [] }
    group.rows.push({ n: found.n, id: found.id, seconds: Math.floor(found.atMs / 1000), out: found.out })
    byChat.set(found.chat, group)
  }
  const changes: BoxChange[] = []
  for (const [chat, { peer, rows }] of byChat) {
    changes.push(...(await deleteRows(box, pen, { chat, peer, rows, origin: request.origin })))
  }
  return changes
}

export function isMessageId(id: number): boolean {
  return Number.isSafeInteger(id) && id > 0
}

export async function clearHistory(
  box: Box,
  pen: Pen,
  request: { peer: Peer; maxId: number; keepDialog: boolean; origin: Origin },
): Promise<{ readonly changes: readonly BoxChange[]; readonly more: boolean }> {
  const { origin } = request
  const peer = peerKey(request.peer)
  const chat = chatOfPeer(box.state.id, request.peer)
  const newest = await rowUpTo(box, request.peer, request.maxId)
  const limit = limits.deletedAFact + 1
  const found = newest ? await messageRows(box, chat, { from: 1, to: newest.n, limit }) : []
  const rows = found.slice(0, limits.deletedAFact)
  const changes = await deleteRows(box, pen, { chat, peer, rows, keepsDialog: request.keepDialog, origin })
  const more = found.length === limit
  const dialog = box.state.dialogs?.get(peer)
  if (more || request.keepDialog || !dialog || dialog.top > 0) return { changes, more }
  // What devices must learn of it has updates of its own: they know none for the dialog's end.
  const { state } = box
  const undone = [
    ...draftEntries(state, { peer: request.peer }),
    ...markEntries(state, request.peer, false),
    ...pinEntries(state, request.peer, false),
  ]
  const ended = pen.appendAll([...undone, { entry: { type: 'dialogDeleted', peer } }], origin)
  return { changes: [...changes, ...ended], more }
}
