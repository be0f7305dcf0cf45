import { type ChatId, chatOfPeer, type Peer, peerKey } from '../chat/chat-id.js'
import { type MessageRow, messageRows, newestWhere, rowPages } from './box-rows.js'
import type { HistoryRequest, Located, MessagePage } from './contract.js'
import { skipped } from './counts.js'
import { limits } from './limits.js'
import { isAfterOffset, isWithinIds, type Listed, type WindowRequest, windowOf } from './message-window.js'
import { locate, messagesAt } from './messages.js'
import type { Box } from './shape.js'

const EMPTY_PAGE: MessagePage = { messages: [], total: 0 }

/** A page of a dialog: exactly what `message-window.ts` says, by range reads around the offset. */
export async function historyPage(box: Box, asked: HistoryRequest): Promise<MessagePage> {
  const dialog = box.state.dialogs?.get(peerKey(asked.peer))
  if (!dialog) return EMPTY_PAGE
  const { total, topN } = dialog
  const request = { ...asked, limit: pageLimit(asked.limit) }
  const chat = chatOfPeer(box.state.id, asked.peer)
  const rows = await windowRows(box, chat, topN, total, request)
  const messages = await messagesAt(
    box,
    rows.filter((row) => isWithinIds(request, row)).map(({ id }) => id),
  )
  const isFromTop = request.offsetId <= 0 && request.offsetDate <= 0
  return {
    messages: messages.filter((message) => message !== undefined),
    total,
    ...(isFromTop && { offsetIdOffset: Math.min(Math.max(0, request.addOffset), total) }),
  }
}

export function pageLimit(limit: number): number {
  return Math.min(Math.max(limit, 0), limits.pageMessages)
}

async function windowRows(
  box: Box,
  chat: ChatId,
  topN: number,
  total: number,
  request: WindowRequest,
): Promise<MessageRow[]> {
  const { addOffset, limit } = request
  const newest = await newestWhere(box, chat, topN, (row) => isAfterOffset(request, row))
  const anchor = newest?.n ?? 0
  if (addOffset >= total) return []
  if (addOffset >= 0) {
    const to = await skipped(box, chat, anchor, addOffset, true)
    return messageRows(box, chat, { from: 1, to, limit, descending: true })
  }
  const ahead = -addOffset
  const passed = Math.max(0, ahead - limit)
  if (passed >= total) return []
  const from = await skipped(box, chat, anchor + 1, passed, false)
  const before = (await messageRows(box, chat, { from, to: topN, limit: Math.min(ahead, limit) })).reverse()
  const left = limit - ahead
  const older = left > 0 ? await messageRows(box, chat, { from: 1, to: anchor, limit: left, descending: true }) : []
  return [...before, ...older]
}

/** The newest message of the dialog at or below `maxId` (0: the newest of all). */
export async function rowUpTo(box: Box, peer: Peer, maxId: number): Promise<MessageRow | undefined> {
  const dialog = box.state.dialogs?.get(peerKey(peer))
  if (!dialog) return undefined
  const chat = chatOfPeer(box.state.id, peer)
  return newestWhere(box, chat, dialog.topN, ({ id }) => maxId <= 0 || id <= maxId)
}

export async function locateUpTo(box: Box, peer: Peer, maxId: number): Promise<Located | undefined> {
  const row = await rowUpTo(box, peer, maxId)
  return row && (await locate(box, [row.id]))[0]
}

export function unreadMentionsPage(box: Box, asked: HistoryRequest): Promise<MessagePage> {
  return listPage(box, 'mention', asked.peer, { ...asked, limit: pageLimit(asked.limit) })
}

/** A page of a dialog's unread mentions or pinned messages, by their ids; these lists have no dates to go by. */
export async function listPage(
  box: Box,
  table: 'mention' | 'pinned',
  peer: Peer,
  request: WindowRequest,
): Promise<MessagePage> {
  const key = peerKey(peer)
  const dialog = box.state.dialogs?.get(key)
  const total = (table === 'pinned' ? dialog?.pins : dialog?.mentions) ?? 0
  if (total === 0) return EMPTY_PAGE
  const { offsetId, limit } = request
  const addOffset = Math.max(-limits.listedOffset, Math.min(request.addOffset, limits.listedOffset))
  const split = offsetId > 0 ? offsetId : Number.MAX_SAFE_INTEGER
  const idsIn = async (from: number, to: number, most: number, descending: boolean) => {
    const ids: number[] = []
    const range = { from, to, limit: most, descending }
    for await (const page of rowPages(box, table, key, range)) ids.push(...page.map(({ order }) => order))
    return ids
  }
  const ahead = Math.max(0, -addOffset)
  const newer = ahead > 0 ? await idsIn(split, Number.MAX_SAFE_INTEGER, ahead, false) : []
  const before = newer.slice(Math.max(0, ahead - limit)).reverse()
  const left = Math.max(0, limit - ahead)
  const skip = Math.max(0, addOffset)
  const older = left > 0 ? (await idsIn(0, split - 1, skip + left, true)).slice(skip) : []
  const ids = [...before, ...older].filter((id) => isWithinIds(request, { id, seconds: 0 }))
  const messages = (await messagesAt(box, ids)).filter((message) => message !== undefined)
  return { messages, total, ...(offsetId <= 0 && { offsetIdOffset: Math.min(skip, total) }) }
}

/** The page of a list of messages that is there as a whole. */
export async function pageOf(box: Box, list: readonly Listed[], request: WindowRequest): Promise<MessagePage> {
  const { offset, page } = windowOf(list, request)
  const messages = await messagesAt(
    box,
    page.map(({ id }) => id),
  )
  return { messages: messages.filter((each) => each !== undefined), total: list.length, offsetIdOffset: offset }
}
