import { refuse } from '../../runtime/index.js'
import type { Peer, PeerKey } from '../chat/chat-id.js'
import { peerKey } from '../chat/chat-id.js'
import { rowPages } from './box-rows.js'
import { isListed, UNREAD_MARK } from './dialogs.js'
import { limits } from './limits.js'
import type { Written } from './pen.js'
import type { Box } from './shape.js'
import type { UserState } from './state.js'

export interface DraftRequest {
  readonly peer: Peer
  readonly body?: Uint8Array
  readonly replyTo?: number
}

/** No body clears the draft. */
export function draftEntries(state: UserState, { peer, body, replyTo }: DraftRequest): Written[] {
  const key = peerKey(peer)
  const known = state.dialogs?.get(key)
  if (!body) return known?.draft ? [{ entry: { type: 'draft', peer: key, cleared: true } }] : []
  // Groups need no access hash: whoever named numbers at random could fill his box with dialogs for ever.
  if (peer.kind === 'chat' && !known) refuse('PEER_ID_INVALID', 'one never was in this group')
  if (!known?.draft && draftsIn(state) >= limits.drafts) refuse('DRAFTS_TOO_MUCH')
  return [{ entry: { type: 'draft', peer: key, ...(replyTo !== undefined && { replyTo }) }, body }]
}

function draftsIn(state: UserState): number {
  let drafts = 0
  for (const { draft } of state.dialogs?.values() ?? []) if (draft) drafts++
  return drafts
}

export function noDraftEntries(state: UserState): Written[] {
  const withDraft = [...(state.dialogs ?? [])].filter(([, { draft }]) => draft)
  return withDraft.map(([peer]) => ({ entry: { type: 'draft', peer, cleared: true } }))
}

export function pinEntries(state: UserState, peer: Peer, pinned: boolean): Written[] {
  const key = peerKey(peer)
  const isPinned = state.pinned?.includes(key) ?? false
  if (isPinned === pinned) return []
  if (pinned) requireListed(state, key)
  if (pinned && (state.pinned?.length ?? 0) >= limits.pinnedDialogs) refuse('PINNED_DIALOGS_TOO_MUCH')
  return [{ entry: { type: 'dialogPinned', peer: key, pinned } }]
}

function requireListed(state: UserState, key: PeerKey): void {
  const dialog = state.dialogs?.get(key)
  if (!dialog || !isListed(state, key, dialog)) refuse('PEER_HISTORY_EMPTY', 'there is no such dialog')
}

/** With `force` those that are not named are unpinned, otherwise they follow. */
export function orderEntries(state: UserState, order: readonly Peer[], force: boolean): Written[] {
  const before = state.pinned ?? []
  const named = [...new Set(order.map(peerKey))].filter((key) => force || before.includes(key))
  for (const key of named) requireListed(state, key)
  const next = force ? named : [...named, ...before.filter((key) => !named.includes(key))]
  if (next.length > limits.pinnedDialogs) refuse('PINNED_DIALOGS_TOO_MUCH')
  const isSame = next.length === before.length && next.every((key, index) => key === before[index])
  return isSame ? [] : [{ entry: { type: 'dialogsReordered', order: next } }]
}

export function markEntries(state: UserState, peer: Peer, unread: boolean): Written[] {
  const key = peerKey(peer)
  const isMarked = ((state.dialogs?.get(key)?.flags ?? 0) & UNREAD_MARK) !== 0
  if (isMarked === unread) return []
  if (unread) requireListed(state, key)
  return [{ entry: { type: 'dialogMarked', peer: key, unread } }]
}

/** All unread mentions of the dialog, a fact for each `limits.deletedAFact`. */
export async function mentionsReadEntries(box: Box, peer: Peer): Promise<Written[]> {
  const key = peerKey(peer)
  if (!box.state.dialogs?.get(key)?.mentions) return []
  const written: Written[] = []
  const ids: number[] = []
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: limits.deletedADelivery }
  for await (const page of rowPages(box, 'mention', key, range)) ids.push(...page.map(({ order }) => order))
  for (let start = 0; start < ids.length; start += limits.deletedAFact) {
    written.push({ entry: { type: 'mentionsRead', peer: key, ids: ids.slice(start, start + limits.deletedAFact) } })
  }
  return written
}
