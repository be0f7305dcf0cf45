import { chatOfPeer, type Peer, peerKey } from '../chat/chat-id.js'
import { type MessageRow, newestWhere, rowPages, toMessageRow } from './box-rows.js'
import type { DialogState } from './dialogs.js'
import { limits } from './limits.js'
import { isAfterOffset, type WindowRequest } from './message-window.js'
import type { Box } from './shape.js'

type Offset = Pick<WindowRequest, 'offsetId' | 'offsetDate'>

/** Where a search looks, in pages of ids of bounded size. */
export interface Source {
  /** Messages in it, or more. */
  readonly size: number
  /** Those after the offset, newest first. */
  older(offset: Offset): AsyncIterable<readonly number[]>
  /** Those before it, oldest first. */
  newer(offset: Offset): AsyncIterable<readonly number[]>
}

export function dialogSource(box: Box, peer: Peer, dialog: DialogState | undefined): Source {
  const chat = chatOfPeer(box.state.id, peer)
  const topN = dialog?.topN ?? 0
  const anchorOf = async ({ offsetId, offsetDate }: Offset): Promise<MessageRow | undefined> => {
    const isOlder = (row: MessageRow) => isAfterOffset({ offsetId, offsetDate }, row)
    return newestWhere(box, chat, topN, isOlder)
  }
  const pages = async function* (from: number, to: number, descending: boolean) {
    const range = { from, to, limit: Number.MAX_SAFE_INTEGER, descending }
    for await (const page of rowPages(box, 'entry', chat, range)) {
      yield page.map(({ order, value }) => toMessageRow(order, value).id)
    }
  }
  return {
    size: dialog?.total ?? 0,
    older: async function* (offset) {
      const anchor = await anchorOf(offset)
      if (anchor) yield* pages(1, anchor.n, true)
    },
    newer: async function* (offset) {
      yield* pages(((await anchorOf(offset))?.n ?? 0) + 1, topN, false)
    },
  }
}

/** Pinned messages of a dialog, by their ids alone. */
export function pinnedSource(box: Box, peer: Peer, dialog: DialogState | undefined): Source {
  const pages = async function* (from: number, to: number, descending: boolean) {
    const range = { from, to, limit: Number.MAX_SAFE_INTEGER, descending }
    for await (const page of rowPages(box, 'pinned', peerKey(peer), range)) yield page.map(({ order }) => order)
  }
  return {
    size: dialog?.pins ?? 0,
    older: ({ offsetId }) => pages(0, offsetId > 0 ? offsetId - 1 : Number.MAX_SAFE_INTEGER, true),
    newer: ({ offsetId }) => pages(offsetId > 0 ? offsetId : Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, false),
  }
}

/** Ids are pts, so the box from its newest message on is the journal from its end. */
export function boxSource(box: Box): Source {
  const { pts } = box.head
  return {
    size: pts,
    older: async function* ({ offsetId }) {
      for (let to = offsetId > 0 ? Math.min(offsetId - 1, pts) : pts; to > 0; to -= limits.readPage) {
        yield Array.from({ length: Math.min(limits.readPage, to) }, (_, index) => to - index)
      }
    },
    newer: async function* ({ offsetId }) {
      for (let from = offsetId > 0 ? offsetId : pts + 1; from <= pts; from += limits.readPage) {
        yield Array.from({ length: Math.min(limits.readPage, pts + 1 - from) }, (_, index) => from + index)
      }
    },
  }
}
