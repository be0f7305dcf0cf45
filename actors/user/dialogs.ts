/**
 * Dialogs in the fold.
 *
 * B1. `unread` is the number of incoming messages above `readIn` that are in the box; `total` of all that are in it;
 *     `mentions` and `pins` of those with a row in these tables.
 * B2. `readIn`, `readOut` and `w` only grow, also when the dialog is deleted and comes back.
 * B3. `top` is the newest message in the box, 0 when there is none.
 */
import type { Placed } from '../../runtime/index.js'
import { type ChatId, type PeerKey, peerKeyOfChat } from '../chat/chat-id.js'
import type { BoxFact, DeletedFact, Lane, TopMessage } from './changes.js'
import { isMentioned, type PackedMessage } from './entry.js'
import type { UserState } from './state.js'

/** What one account keeps in memory of one chat. Small: an account may have thousands. */
export interface DialogState {
  /** The number of the last chat entry taken (CORE D1). */
  w: number
  top: number
  topN: number
  topAtMs: number
  total: number
  readIn: number
  readInN: number
  readOut: number
  unread: number
  mentions: number
  pins: number
  /** The block of the newest entry that was a message, and what is left of it in the box (counts.ts, C1). */
  block: number
  blockTotal: number
  blockIncoming: number
  /** Bits below. */
  flags: number
  draft?: { readonly atMs: number; readonly replyTo?: number } | undefined
}

/** The owner marked it as unread. */
export const UNREAD_MARK = 1
/** Some message was edited, has had reactions, was deleted: only then are there rows to look for. */
export const HAS_EDITS = 2
export const HAS_REACTIONS = 4
export const HAS_GAPS = 8
/** The owner cleared it and kept it: it is listed also while it is empty, until it is deleted. */
const KEPT = 16

/** A dialog that lists show: one with a message, a draft, pinned, or kept when it was cleared. */
export function isListed(state: UserState, key: PeerKey, dialog: DialogState): boolean {
  const isKept = (dialog.flags & KEPT) !== 0
  return dialog.top > 0 || isKept || dialog.draft !== undefined || (state.pinned?.includes(key) ?? false)
}

export function dialogOfChat(state: UserState, chat: ChatId): DialogState | undefined {
  return state.dialogs?.get(peerKeyOfChat(state.id, chat))
}

/** The box's w for the chat; 0 for none. */
export function laneOf(state: UserState, chat: ChatId): number {
  return dialogOfChat(state, chat)?.w ?? 0
}

function dialogAt(state: UserState, key: PeerKey): DialogState {
  state.dialogs ??= new Map()
  let dialog = state.dialogs.get(key)
  if (!dialog) {
    dialog = {
      w: 0,
      top: 0,
      topN: 0,
      topAtMs: 0,
      total: 0,
      readIn: 0,
      readInN: 0,
      readOut: 0,
      unread: 0,
      mentions: 0,
      pins: 0,
      block: 0,
      blockTotal: 0,
      blockIncoming: 0,
      flags: 0,
    }
    state.dialogs.set(key, dialog)
  }
  return dialog
}

export function moveLane(state: UserState, { chat, n }: Lane): void {
  const dialog = dialogAt(state, peerKeyOfChat(state.id, chat))
  if (n > dialog.w) dialog.w = n
}

export function foldMessage(state: UserState, message: PackedMessage, { pts }: Placed): void {
  const [chat, n, from, atMs] = message
  const dialog = dialogAt(state, peerKeyOfChat(state.id, chat))
  if (n > dialog.w) dialog.w = n
  setTop(dialog, { id: pts, n, atMs })
  dialog.total++
  enterBlock(state, dialog, chat, n)
  dialog.blockTotal++
  if (from === state.id) return
  dialog.blockIncoming++
  dialog.unread++
  state.unread++
  if (isMentioned(message)) dialog.mentions++
}

/** Entries in a block. */
const BLOCK = 512

export function blockOf(n: number): number {
  return Math.floor(n / BLOCK)
}

export function firstOf(block: number): number {
  return block * BLOCK
}

export function lastOf(block: number): number {
  return block * BLOCK + BLOCK - 1
}

function enterBlock(state: UserState, dialog: DialogState, chat: ChatId, n: number): void {
  const block = blockOf(n)
  if (state.left) state.left = undefined
  if (block === dialog.block) return
  if (dialog.blockTotal > 0) state.left = { chat, count: [dialog.block, dialog.blockTotal, dialog.blockIncoming] }
  dialog.block = block
  dialog.blockTotal = 0
  dialog.blockIncoming = 0
}

type FactOf<Type extends BoxFact['type']> = Extract<BoxFact, { type: Type }>
export type DialogFact = FactOf<
  | 'edited'
  | 'deleted'
  | 'readInbox'
  | 'readOutbox'
  | 'pinned'
  | 'mentionsRead'
  | 'reacted'
  | 'draft'
  | 'dialogPinned'
  | 'dialogsReordered'
  | 'dialogMarked'
  | 'dialogDeleted'
>

export function foldDialogFact(state: UserState, fact: DialogFact, at: Placed): void {
  switch (fact.type) {
    case 'edited':
      dialogAt(state, fact.peer).flags |= HAS_EDITS
      return
    case 'reacted':
      dialogAt(state, fact.peer).flags |= HAS_REACTIONS
      return
    case 'deleted':
      foldDeleted(state, fact)
      return
    case 'readInbox':
      foldReadInbox(state, fact)
      return
    case 'readOutbox': {
      const dialog = dialogAt(state, fact.peer)
      dialog.readOut = Math.max(dialog.readOut, fact.maxId)
      return
    }
    case 'pinned':
      dialogAt(state, fact.peer).pins += fact.pinned ? fact.ids.length : -fact.ids.length
      return
    case 'mentionsRead':
      dialogAt(state, fact.peer).mentions -= fact.ids.length
      return
    default:
      foldListFact(state, fact, at)
  }
}

function foldListFact(
  state: UserState,
  fact: FactOf<'draft' | 'dialogPinned' | 'dialogsReordered' | 'dialogMarked' | 'dialogDeleted'>,
  at: Placed,
): void {
  switch (fact.type) {
    case 'draft': {
      const { replyTo } = fact
      const draft = { atMs: at.atMs, ...(replyTo !== undefined && { replyTo }) }
      dialogAt(state, fact.peer).draft = fact.cleared ? undefined : draft
      return
    }
    case 'dialogPinned':
      setPinned(state, [...(fact.pinned ? [fact.peer] : []), ...unpinned(state, fact.peer)])
      return
    case 'dialogsReordered':
      setPinned(state, [...fact.order])
      return
    case 'dialogMarked': {
      const dialog = dialogAt(state, fact.peer)
      dialog.flags = fact.unread ? dialog.flags | UNREAD_MARK : dialog.flags & ~UNREAD_MARK
      return
    }
    case 'dialogDeleted': {
      const dialog = dialogAt(state, fact.peer)
      dialog.draft = undefined
      dialog.flags &= ~(UNREAD_MARK | KEPT)
      setPinned(state, unpinned(state, fact.peer))
    }
  }
}

function foldDeleted(state: UserState, fact: DeletedFact): void {
  const dialog = dialogAt(state, fact.peer)
  dialog.total -= fact.ids.length
  dialog.unread -= fact.unread
  state.unread -= fact.unread
  dialog.mentions -= fact.mentions
  dialog.pins -= fact.pins
  dialog.flags |= HAS_GAPS
  for (const [block, total, incoming] of fact.blocks) {
    if (block !== dialog.block) continue
    dialog.blockTotal = total
    dialog.blockIncoming = incoming
  }
  if (fact.keepsDialog && fact.top.id === 0) dialog.flags |= KEPT
  // An empty dialog that is kept stays where it was in the list.
  const staysAt = (dialog.flags & KEPT) !== 0 && fact.top.id === 0
  setTop(dialog, staysAt ? { ...fact.top, atMs: dialog.topAtMs } : fact.top)
}

function foldReadInbox(state: UserState, fact: FactOf<'readInbox'>): void {
  const dialog = dialogAt(state, fact.peer)
  state.unread += fact.stillUnread - dialog.unread
  dialog.unread = fact.stillUnread
  dialog.readIn = fact.maxId
  dialog.readInN = fact.maxN
}

function setTop(dialog: DialogState, { id, n, atMs }: TopMessage): void {
  dialog.top = id
  dialog.topN = n
  dialog.topAtMs = atMs
}

function unpinned(state: UserState, key: PeerKey): PeerKey[] {
  return (state.pinned ?? []).filter((other) => other !== key)
}

function setPinned(state: UserState, order: PeerKey[]): void {
  state.pinned = order.length > 0 ? order : undefined
}
