/** Messages as the box holds them now: what their entries say, under what happened to them since. */
import type { PlacedEntry } from '../../runtime/index.js'
import type { ChatId, PeerKey } from '../chat/chat-id.js'
import { type EditRow, type ReactionRow, valuesOf } from './box-rows.js'
import type { MessageFact } from './changes.js'
import type { BoxMessage, Located } from './contract.js'
import { type DialogState, HAS_EDITS, HAS_GAPS, HAS_REACTIONS } from './dialogs.js'
import { type Entry, isMessage, unpackMessage } from './entry.js'
import type { Box } from './shape.js'

interface Found {
  readonly id: number
  readonly fact: MessageFact
  readonly body: Uint8Array | undefined
}

/** In the order asked; undefined where the box has none (any more). */
export async function messagesAt(box: Box, ids: readonly number[]): Promise<(BoxMessage | undefined)[]> {
  if (ids.length === 0) return []
  const known = await messagesOf(box, await box.own.entriesAt(ids))
  return ids.map((id) => known.get(id))
}

/** Those of the entries that are messages in the box, by id. */
export async function messagesOf(
  box: Box,
  entries: readonly (PlacedEntry<Entry> | undefined)[],
): Promise<Map<number, BoxMessage>> {
  const messages = new Map<number, BoxMessage>()
  for (const group of groupByChat(box, entries).values()) {
    for (const message of await presentOf(box, group)) messages.set(message.id, message)
  }
  return messages
}

/** Where messages stand in their chats, in the order asked; undefined for those that are not in the box. */
export async function locate(box: Box, ids: readonly number[]): Promise<(Located | undefined)[]> {
  if (ids.length === 0) return []
  const located = new Map<number, Located>()
  for (const group of groupByChat(box, await box.own.entriesAt(ids)).values()) {
    for (const { id, fact } of await stillThere(box, group)) {
      const { chat, peer, n, from, out, atMs } = fact
      located.set(id, { id, chat, peer, n, from, out, atMs })
    }
  }
  return ids.map((id) => located.get(id))
}

/** Messages of one chat. */
function groupByChat(box: Box, entries: readonly (PlacedEntry<Entry> | undefined)[]): Map<ChatId, Found[]> {
  const groups = new Map<ChatId, Found[]>()
  for (const entry of entries) {
    if (!entry || !isMessage(entry.fact)) continue
    const found = { id: entry.pts, fact: unpackMessage(box.state.id, entry.fact), body: entry.body }
    const group = groups.get(found.fact.chat)
    if (group) group.push(found)
    else groups.set(found.fact.chat, [found])
  }
  return groups
}

function dialogOf(box: Box, group: readonly Found[]): DialogState | undefined {
  const [first] = group
  return first && box.state.dialogs?.get(first.fact.peer)
}

async function stillThere(box: Box, group: readonly Found[]): Promise<readonly Found[]> {
  const [first] = group
  if (!first || ((dialogOf(box, group)?.flags ?? 0) & HAS_GAPS) === 0) return group
  const ns = group.map(({ fact }) => fact.n)
  const rows = await valuesOf(box, 'entry', first.fact.chat, ns)
  return group.filter(({ fact }) => rows.has(fact.n))
}

const NO_EDITS: ReadonlyMap<number, EditRow> = new Map()
const NONE: ReadonlyMap<number, unknown> = new Map()

async function presentOf(box: Box, all: readonly Found[]): Promise<BoxMessage[]> {
  const group = await stillThere(box, all)
  const [first] = group
  if (!first) return []
  const { peer } = first.fact
  const ids = group.map(({ id }) => id)
  const { flags = 0, pins = 0, mentions = 0 } = dialogOf(box, group) ?? {}
  const edits = (flags & HAS_EDITS) === 0 ? NO_EDITS : await editsOf(box, peer, ids)
  const reactions = (flags & HAS_REACTIONS) === 0 ? NONE : await valuesOf(box, 'reaction', peer, ids)
  const pinned = pins === 0 ? NONE : await valuesOf(box, 'pinned', peer, ids)
  const unread = mentions === 0 ? NONE : await valuesOf(box, 'mention', peer, ids)
  return group.flatMap(({ id, fact, body: original }) => {
    const edit = edits.get(id)
    const body = edit?.body ?? original
    // Erased by a deletion that came while this was read.
    if (!body) return []
    const reacted = reactions.get(id) as ReactionRow | undefined
    return {
      id,
      fact: edit ? withMention(fact, edit.mentioned) : fact,
      body,
      ...(edit && { editedAtMs: edit.atMs }),
      ...(reacted && { reactions: reacted.reactions, recentReactions: reacted.recent }),
      ...(pinned.has(id) && { pinned: true }),
      ...(unread.has(id) && { mentionUnread: true }),
    }
  })
}

function withMention(fact: MessageFact, mentioned: boolean): MessageFact {
  const { mentioned: _, ...rest } = fact
  return mentioned ? { ...rest, mentioned } : rest
}

/** The latest edits of those of the messages that were edited. */
export async function editsOf(box: Box, peer: PeerKey, ids: readonly number[]): Promise<Map<number, EditRow>> {
  return (await valuesOf(box, 'edit', peer, ids)) as Map<number, EditRow>
}
