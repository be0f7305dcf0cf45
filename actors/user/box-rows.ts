/**
 * The box's derived rows (CORE J6), small, since bodies stand in the journal already:
 *
 * | table | group, order | value |
 * |---|---|---|
 * | `entry` | chat, n | [id, seconds, 1 when outgoing]: every message in the box, and the only index of histories |
 * | `block` | chat, block | [messages, incoming ones] in a block of entries (counts.ts) |
 * | `edit` | peer, id | the latest edit of a message |
 * | `reaction` | peer, id | a message's reactions |
 * | `pinned`, `mention` | peer, id | 1: pinned; the entry's n: an unread mention |
 * | `draft` | peer, 0 | the body of the dialog's draft |
 * | `voided` | username, 0 | tokens up to this one are void |
 *
 * W1. Within a chat ids and times rise with n, so ranges by id and date are ranges of n (`newestWhere`).
 * W2. A message is in the box exactly when its `entry` row is; its other rows go with it.
 * W3. Deriving reads nothing: what it takes beyond the entry, the entry's fact carries.
 * W4. A body that was replaced or whose message was deleted is erased from the journal.
 */
import type { DerivedWriter, Placed } from '../../runtime/index.js'
import { type ChatId, type PeerKey, peerKeyOfChat } from '../chat/chat-id.js'
import type { BlockCount, DeletedFact, ReactionCount, RecentReaction } from './changes.js'
import { type DialogState, HAS_EDITS, HAS_REACTIONS } from './dialogs.js'
import { type Entry, isMentioned, isMessage, type PackedMessage } from './entry.js'
import { limits } from './limits.js'
import type { Box } from './shape.js'
import type { UserState } from './state.js'

export type Table = 'entry' | 'block' | 'edit' | 'reaction' | 'pinned' | 'mention' | 'draft' | 'voided'

/** A message in a chat's index. */
export interface MessageRow {
  readonly n: number
  readonly id: number
  readonly seconds: number
  readonly out: boolean
}

export interface EditRow {
  readonly atMs: number
  readonly mentioned: boolean
  readonly body: Uint8Array
  /** The edit's own pts. */
  readonly pts: number
}

export interface ReactionRow {
  readonly reactions: readonly ReactionCount[]
  readonly recent: readonly RecentReaction[]
}

type StoredMessageRow = readonly [id: number, seconds: number, out?: 1]

export function deriveRows(
  state: UserState,
  entry: Entry,
  at: Placed,
  body: Uint8Array | undefined,
  rows: DerivedWriter,
): void {
  if (isMessage(entry)) {
    deriveMessage(state, entry, at, rows)
    return
  }
  switch (entry.type) {
    case 'edited': {
      const edit: EditRow = { atMs: entry.editedAtMs, mentioned: entry.mentioned, body: body ?? NO_BODY, pts: at.pts }
      rows.put('edit', entry.peer, entry.id, edit)
      rows.erase(entry.supersedes)
      return
    }
    case 'deleted':
      deriveDeleted(state.dialogs?.get(entry.peer), entry, rows)
      return
    case 'reacted': {
      const { reactions, recent } = entry
      if (reactions.length === 0) rows.remove('reaction', entry.peer, entry.id)
      else rows.put('reaction', entry.peer, entry.id, { reactions, recent } satisfies ReactionRow)
      return
    }
    case 'pinned':
      for (const id of entry.ids) {
        if (entry.pinned) rows.put('pinned', entry.peer, id, 1)
        else rows.remove('pinned', entry.peer, id)
      }
      return
    case 'mentionsRead':
      for (const id of entry.ids) rows.remove('mention', entry.peer, id)
      return
    case 'draft':
      if (entry.cleared) rows.remove('draft', entry.peer, 0)
      else rows.put('draft', entry.peer, 0, body ?? NO_BODY)
      return
    case 'dialogDeleted':
      rows.remove('draft', entry.peer, 0)
      return
    case 'usernameVoided':
      rows.put('voided', entry.username, 0, entry.upTo)
  }
}

const NO_BODY = new Uint8Array(0)

function deriveMessage(state: UserState, message: PackedMessage, { pts }: Placed, rows: DerivedWriter): void {
  const [chat, n, from, atMs] = message
  const seconds = Math.floor(atMs / 1000)
  const row: StoredMessageRow = from === state.id ? [pts, seconds, 1] : [pts, seconds]
  rows.put('entry', chat, n, row)
  if (state.left) putBlock(state.left.chat, state.left.count, rows)
  if (isMentioned(message) && from !== state.id) rows.put('mention', peerKeyOfChat(state.id, chat), pts, n)
}

function putBlock(chat: ChatId, [block, total, incoming]: BlockCount, rows: DerivedWriter): void {
  if (total > 0) rows.put('block', chat, block, [total, incoming])
  else rows.remove('block', chat, block)
}

function deriveDeleted(dialog: DialogState | undefined, fact: DeletedFact, rows: DerivedWriter): void {
  const flags = dialog?.flags ?? 0
  for (const n of fact.ns) rows.remove('entry', fact.chat, n)
  for (const id of fact.ids) {
    rows.erase(id)
    if ((flags & HAS_EDITS) !== 0) rows.remove('edit', fact.peer, id)
    if ((flags & HAS_REACTIONS) !== 0) rows.remove('reaction', fact.peer, id)
    if (fact.pins > 0) rows.remove('pinned', fact.peer, id)
    if (fact.mentions > 0) rows.remove('mention', fact.peer, id)
  }
  for (const count of fact.blocks) if (count[0] !== dialog?.block) putBlock(fact.chat, count, rows)
  for (const pts of fact.bodies ?? []) rows.erase(pts)
}

export async function messageRow(box: Box, chat: ChatId, n: number): Promise<MessageRow | undefined> {
  const stored = await box.own.row('entry' satisfies Table, chat, n)
  return stored === undefined ? undefined : toMessageRow(n, stored)
}

export interface RowRange {
  /** Both inclusive. */
  readonly from: number
  readonly to: number
  readonly limit: number
  readonly descending?: boolean
}

/** Messages of the chat in the range of n; any `limit`, read page by page. */
export async function messageRows(box: Box, chat: ChatId, range: RowRange): Promise<MessageRow[]> {
  const rows: MessageRow[] = []
  for await (const page of rowPages(box, 'entry', chat, range)) {
    for (const { order, value } of page) rows.push(toMessageRow(order, value))
  }
  return rows
}

/** The pages of a scan, at most `limit` rows in all. */
export async function* rowPages(box: Box, table: Table, group: string, range: RowRange) {
  let { from, to, limit } = range
  while (limit > 0 && from <= to) {
    const asked = Math.min(limit, limits.readPage)
    const page = await box.own.rows(table, group, { from, to, limit: asked, descending: range.descending ?? false })
    if (page.length > 0) yield page
    if (page.length < asked) return
    limit -= page.length
    const last = page[page.length - 1]?.order ?? 0
    if (range.descending) to = last - 1
    else from = last + 1
  }
}

export function toMessageRow(n: number, stored: unknown): MessageRow {
  const [id, seconds, out] = stored as StoredMessageRow
  return { n, id, seconds, out: out === 1 }
}

/** The newest message of the chat for which `isOld` holds; it must hold for all older ones too (W1). */
export async function newestWhere(
  box: Box,
  chat: ChatId,
  topN: number,
  isOld: (row: MessageRow) => boolean,
): Promise<MessageRow | undefined> {
  let low = 1
  let high = topN
  let middle = topN
  let found: MessageRow | undefined
  while (low <= high) {
    const [row] = await messageRows(box, chat, { from: low, to: middle, limit: 1, descending: true })
    if (!row) low = middle + 1
    else if (isOld(row)) {
      found = row
      low = middle + 1
    } else high = row.n - 1
    middle = Math.floor((low + high) / 2)
  }
  return found
}

/** The values of those of `orders` that have a row. */
export async function valuesOf(
  box: Box,
  table: Table,
  group: ChatId | PeerKey,
  orders: readonly number[],
): Promise<Map<number, unknown>> {
  const found = new Map<number, unknown>()
  const from = Math.min(...orders)
  const to = Math.max(...orders)
  if (orders.length > 4 && to - from < orders.length * 16) {
    const asked = new Set(orders)
    for await (const page of rowPages(box, table, group, { from, to, limit: to - from + 1 })) {
      for (const { order, value } of page) if (asked.has(order)) found.set(order, value)
    }
    return found
  }
  const values = await Promise.all(orders.map((order) => box.own.row(table, group, order)))
  for (const [index, value] of values.entries()) if (value !== undefined) found.set(orders[index] as number, value)
  return found
}
