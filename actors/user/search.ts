import { type ChatId, chatOfPeer, peerKey } from '../chat/chat-id.js'
import { decodeBody } from '../message/body.js'
import { messageRows } from './box-rows.js'
import type { BoxMessage, MessagePage, SearchRequest } from './contract.js'
import { isMessage } from './entry.js'
import { listedIds, pageLimit, pageOf } from './history.js'
import { limits } from './limits.js'
import type { Listed } from './message-window.js'
import { messagesAt, messagesOf } from './messages.js'
import type { Box } from './shape.js'

/**
 * Messages whose text has all words of the query somewhere in it, whatever their case. Looks through the newest
 * `limits.searchedMessages` of the dialog (or of the box); `total` counts the matches among these.
 */
export async function searchPage(box: Box, request: SearchRequest): Promise<MessagePage> {
  const matches = matcherOf(request)
  const found: Listed[] = []
  for await (const messages of candidates(box, request)) {
    for (const message of messages) if (matches(message)) found.push(listed(message))
  }
  return pageOf(box, found, { ...request, limit: pageLimit(request.limit) })
}

function listed({ id, fact }: BoxMessage): Listed {
  return { id, seconds: Math.floor(fact.atMs / 1000) }
}

function matcherOf({ query, from, minDate, maxDate }: SearchRequest): (message: BoxMessage) => boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return (message) => {
    const { seconds } = listed(message)
    if (minDate > 0 && seconds <= minDate) return false
    if (maxDate > 0 && seconds >= maxDate) return false
    if (from !== undefined && message.fact.from !== from) return false
    if (words.length === 0) return true
    if (message.fact.action) return false
    const text = decodeBody(message.body).text.toLowerCase()
    return words.every((word) => text.includes(word))
  }
}

/** Newest first, page by page. */
function candidates(box: Box, { peer, pinnedOnly }: SearchRequest): AsyncGenerator<readonly BoxMessage[]> {
  if (!peer) return wholeBox(box, pinnedOnly ?? false)
  const key = peerKey(peer)
  if (pinnedOnly) return byIds(box, () => listedIds(box, 'pinned', key))
  const topN = box.state.dialogs?.get(key)?.topN ?? 0
  return dialogMessages(box, chatOfPeer(box.state.id, peer), topN)
}

async function* byIds(box: Box, ids: () => Promise<number[]>): AsyncGenerator<readonly BoxMessage[]> {
  yield (await messagesAt(box, await ids())).filter((message) => message !== undefined)
}

async function* dialogMessages(box: Box, chat: ChatId, topN: number): AsyncGenerator<readonly BoxMessage[]> {
  let left: number = limits.searchedMessages
  for (let to = topN; to > 0 && left > 0; ) {
    const rows = await messageRows(box, chat, { from: 1, to, limit: limits.readPage, descending: true })
    const last = rows[rows.length - 1]
    if (!last) return
    yield* byIds(box, async () => rows.map(({ id }) => id))
    to = last.n - 1
    left -= rows.length
  }
}

/** Ids are pts, so the box from its newest message on is the journal from its end. */
async function* wholeBox(box: Box, pinnedOnly: boolean): AsyncGenerator<readonly BoxMessage[]> {
  let left: number = limits.searchedMessages
  for (let to = box.head.pts; to > 0 && left > 0; to -= limits.readPage) {
    const ids = Array.from({ length: Math.min(limits.readPage, to) }, (_, index) => to - index)
    const entries = (await box.own.entriesAt(ids)).filter((entry) => entry !== undefined && isMessage(entry.fact))
    const messages = [...(await messagesOf(box, entries)).values()].sort((one, other) => other.id - one.id)
    yield pinnedOnly ? messages.filter(({ pinned }) => pinned) : messages
    left -= limits.readPage
  }
}
