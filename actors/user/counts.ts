/**
 * How many messages of a chat stand between two of its entries, without reading them (table `block`).
 *
 * C1. The chat's entries are cut into blocks of BLOCK. The dialog's state counts the messages, and the incoming ones, in
 *     the block of its newest message; a row counts those of each block before that has any.
 * C2. A count reads rows of two blocks and a row for each block between them, so that a million unread messages are
 *     counted by some two thousand rows.
 */
import { type ChatId, peerKey, peerOfChat } from '../chat/chat-id.js'
import { type MessageRow, messageRows, rowPages } from './box-rows.js'
import type { BlockCount } from './changes.js'
import { blockOf, type DialogState, firstOf, lastOf } from './dialogs.js'
import type { Box } from './shape.js'

export interface Count {
  readonly total: number
  readonly incoming: number
}

function dialogOf(box: Box, chat: ChatId): DialogState | undefined {
  return box.state.dialogs?.get(peerKey(peerOfChat(box.state.id, chat)))
}

/** Messages with from <= n <= to. */
export async function countBetween(box: Box, chat: ChatId, from: number, to: number): Promise<Count> {
  const dialog = dialogOf(box, chat)
  if (!dialog || from > to) return { total: 0, incoming: 0 }
  const first = blockOf(from)
  const last = blockOf(to)
  const isFirstWhole = firstOf(first) >= from && lastOf(first) <= to
  const edges = [isFirstWhole ? [] : await rowsIn(box, chat, from, Math.min(to, lastOf(first)))]
  // Above the newest message there is nothing: its block is whole.
  const isLastWhole = last === first || lastOf(last) <= to || to >= dialog.topN
  if (!isLastWhole) edges.push(await rowsIn(box, chat, firstOf(last), to))
  let total = 0
  let incoming = 0
  for (const rows of edges) {
    total += rows.length
    incoming += rows.filter(({ out }) => !out).length
  }
  const wholeFrom = isFirstWhole ? first : first + 1
  for await (const block of blocks(box, chat, dialog, wholeFrom, isLastWhole ? last : last - 1, false)) {
    total += block.total
    incoming += block.incoming
  }
  return { total, incoming }
}

function rowsIn(box: Box, chat: ChatId, from: number, to: number, limit = lastOf(0) + 1): Promise<MessageRow[]> {
  return messageRows(box, chat, { from, to, limit })
}

/** Blocks with any messages in from..to, in order. */
async function* blocks(
  box: Box,
  chat: ChatId,
  dialog: DialogState,
  from: number,
  to: number,
  descending: boolean,
): AsyncGenerator<Count & { readonly block: number }> {
  const { block, blockTotal: total, blockIncoming: incoming } = dialog
  const isCurrentIn = from <= block && block <= to && total > 0
  if (isCurrentIn && descending) yield { block, total, incoming }
  const range = { from: Math.max(0, from), to: Math.min(to, block - 1), limit: Number.MAX_SAFE_INTEGER, descending }
  for await (const page of rowPages(box, 'block', chat, range)) {
    for (const { order, value } of page) {
      const [inBlock, incomingInBlock] = value as readonly [number, number]
      yield { block: order, total: inBlock, incoming: incomingInBlock }
    }
  }
  if (isCurrentIn && !descending) yield { block, total, incoming }
}

/**
 * Where to go on behind `count` messages from `from` on: down from it, or up. 0, or an entry above all, when there are
 * not as many.
 */
export async function skipped(
  box: Box,
  chat: ChatId,
  from: number,
  count: number,
  descending: boolean,
): Promise<number> {
  const dialog = dialogOf(box, chat)
  const end = descending ? 0 : (dialog?.topN ?? 0) + 1
  if (!dialog || count <= 0) return dialog ? from : end
  const within = async (low: number, high: number, limit: number) => {
    const rows = await messageRows(box, chat, { from: low, to: high, limit, descending })
    const last = rows[limit - 1]
    return { found: rows.length, next: last && (descending ? last.n - 1 : last.n + 1) }
  }
  const edge = blockOf(from)
  const first = await (descending ? within(firstOf(edge), from, count) : within(from, lastOf(edge), count))
  if (first.next !== undefined) return first.next
  let left = count - first.found
  const [low, high] = descending ? [0, edge - 1] : [edge + 1, dialog.block]
  for await (const { block, total } of blocks(box, chat, dialog, low, high, descending)) {
    if (total >= left) return (await within(firstOf(block), lastOf(block), left)).next ?? end
    left -= total
  }
  return end
}

/** The blocks of these messages as they are without them. */
export async function blocksWithout(box: Box, chat: ChatId, rows: readonly MessageRow[]): Promise<BlockCount[]> {
  const dialog = dialogOf(box, chat)
  const gone = new Map<number, MessageRow[]>()
  for (const row of rows) {
    const known = gone.get(blockOf(row.n))
    if (known) known.push(row)
    else gone.set(blockOf(row.n), [row])
  }
  const counts = [...gone].map(async ([block, messages]): Promise<BlockCount> => {
    const incoming = messages.filter(({ out }) => !out).length
    const before =
      block === dialog?.block ? [dialog.blockTotal, dialog.blockIncoming] : await storedCount(box, chat, block)
    return [block, (before[0] ?? 0) - messages.length, (before[1] ?? 0) - incoming]
  })
  return Promise.all(counts)
}

async function storedCount(box: Box, chat: ChatId, block: number): Promise<readonly number[]> {
  return ((await box.own.row('block', chat, block)) as readonly number[] | undefined) ?? []
}
