/**
 * Search without an index of words (docs/decisions/0010-search.md).
 *
 * S1. Messages match whose text has all words of the query somewhere in it, whatever their case.
 * S2. Of a dialog (or box) of up to `limits.searchedMessages` everything is looked through, and `total` is exact. In a
 *     larger one a call looks on from the request's offset, at so many at most, and `total` says only that there is more.
 * S3. No match is passed over in silence: a call that has found none and has not come to the end says `unfinished`, and
 *     the same request goes on from there.
 */
import { type Peer, peerKey } from '../chat/chat-id.js'
import { decodeBody } from '../message/body.js'
import type { BoxMessage, MessagePage, SearchRequest } from './contract.js'
import { listPage, pageLimit, pageOf } from './history.js'
import { limits } from './limits.js'
import { isWithinIds, type Listed } from './message-window.js'
import { messagesAt } from './messages.js'
import { boxSource, dialogSource, pinnedSource, type Source } from './search-source.js'
import type { Box, UserReading } from './shape.js'

/** How far an unfinished search has come. */
export interface Reached {
  readonly id: number
  /** Matches that are still to be left out. */
  readonly addOffset: number
}

export async function searchPage(box: UserReading, asked: SearchRequest): Promise<MessagePage> {
  const request = { ...asked, limit: pageLimit(asked.limit) }
  const { peer, pinnedOnly, query, from, minDate, maxDate } = request
  const isPlain = query.trim() === '' && from === undefined && minDate <= 0 && maxDate <= 0
  if (peer && pinnedOnly && isPlain) return listPage(box, 'pinned', peer, request)
  const source = sourceOf(box, request.peer, pinnedOnly ?? false)
  return source.size <= limits.searchedMessages
    ? wholeSearch(box, source, request)
    : boundedSearch(box, source, request)
}

function sourceOf(box: Box, peer: Peer | undefined, pinnedOnly: boolean): Source {
  if (!peer) return boxSource(box)
  const dialog = box.state.dialogs?.get(peerKey(peer))
  return pinnedOnly ? pinnedSource(box, peer, dialog) : dialogSource(box, peer, dialog)
}

async function wholeSearch(box: Box, source: Source, request: SearchRequest): Promise<MessagePage> {
  const matches = matcherOf(request)
  const found: Listed[] = []
  let looked = 0
  for await (const ids of source.older({ offsetId: 0, offsetDate: 0 })) {
    looked += ids.length
    for (const message of await messagesAt(box, ids)) if (message && matches(message)) found.push(listed(message))
  }
  return { ...(await pageOf(box, found, request)), looked }
}

async function boundedSearch(box: UserReading, source: Source, request: SearchRequest): Promise<MessagePage> {
  const { addOffset, limit } = request
  const look = new Look(box, request)
  if (addOffset < 0) {
    const newer = await look.collect(source.newer(request), -addOffset)
    const before = newer.slice(Math.max(0, -addOffset - limit)).reverse()
    const left = limit + addOffset
    const older = left > 0 ? await look.collect(source.older(request), left) : []
    return look.page([...before, ...older], newer.length + older.length)
  }
  const key = JSON.stringify(request)
  const reached = box.memory.searches?.get(key) ?? { id: 0, addOffset }
  const start = reached.id > 0 ? { offsetId: reached.id, offsetDate: 0 } : request
  const found = await look.collect(source.older(start), reached.addOffset + limit)
  const page = found.slice(reached.addOffset)
  const isUnfinished = page.length === 0 && limit > 0 && look.isCutShort
  const next = { id: look.lastId, addOffset: reached.addOffset - found.length }
  remember(box, key, isUnfinished ? next : undefined)
  return { ...look.page(page, addOffset + page.length), ...(isUnfinished && { unfinished: true }) }
}

/** One call's look through messages, bounded. */
class Look {
  readonly #box: Box
  readonly #request: SearchRequest
  readonly #matches: (message: BoxMessage) => boolean
  #left: number = limits.searchedMessages
  /** The last message that was looked at. */
  lastId = 0
  /** It stopped before the end, as enough was found or looked at. */
  isCutShort = false

  constructor(box: Box, request: SearchRequest) {
    this.#box = box
    this.#request = request
    this.#matches = matcherOf(request)
  }

  /** The first matches, at most `most`. */
  async collect(pages: AsyncIterable<readonly number[]>, most: number): Promise<BoxMessage[]> {
    const found: BoxMessage[] = []
    this.isCutShort = false
    for await (const ids of pages) {
      for (const [at, message] of (await messagesAt(this.#box, ids)).entries()) {
        this.lastId = ids[at] as number
        if (message && this.#matches(message)) found.push(message)
        if (found.length >= most) break
      }
      this.#left -= ids.length
      this.isCutShort = found.length >= most || this.#left <= 0
      if (this.isCutShort) break
    }
    return found
  }

  page(messages: readonly BoxMessage[], known: number): MessagePage {
    const within = messages.filter((message) => isWithinIds(this.#request, listed(message)))
    const looked = limits.searchedMessages - this.#left
    return { messages: within, total: known + (this.isCutShort ? 1 : 0), inexact: true, looked }
  }
}

/** Few at once: a client repeats a request until it is answered, before it asks another. */
const MOST_SEARCHES = 8

function remember({ memory }: UserReading, key: string, reached: Reached | undefined): void {
  memory.searches?.delete(key)
  if (!reached) return
  memory.searches ??= new Map()
  memory.searches.set(key, reached)
  if (memory.searches.size <= MOST_SEARCHES) return
  for (const oldest of memory.searches.keys()) {
    memory.searches.delete(oldest)
    return
  }
}

function listed({ id, fact }: BoxMessage): Listed {
  return { id, seconds: Math.floor(fact.atMs / 1000) }
}

/** S1. */
function matcherOf({ query, from, minDate, maxDate, pinnedOnly }: SearchRequest): (message: BoxMessage) => boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return (message) => {
    const { seconds } = listed(message)
    if (minDate > 0 && seconds <= minDate) return false
    if (maxDate > 0 && seconds >= maxDate) return false
    if (pinnedOnly && !message.pinned) return false
    if (from !== undefined && message.fact.from !== from) return false
    if (words.length === 0) return true
    if (message.fact.action) return false
    const text = decodeBody(message.body).text.toLowerCase()
    return words.every((word) => text.includes(word))
  }
}
