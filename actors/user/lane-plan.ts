/**
 * What a chat's entries mean to this box (CORE D1, D3).
 *
 * V1. An entry's facts are appended without an await between them, and the last one moves w: a delivery that stops
 *     anywhere, and every read that runs meanwhile, finds whole entries.
 * V2. What an entry names by chat entries is looked up right before its facts are appended. Turns run alone, so nothing
 *     changes in between, and what an earlier entry of the same delivery made is found too.
 * V3. An entry that changes nothing here still moves w.
 */
import type { ChatId, PeerKey } from '../chat/chat-id.js'
import { type EditRow, type MessageRow, messageRow, messageRows, valuesOf } from './box-rows.js'
import type { Lane } from './changes.js'
import type { LaneItem } from './contract.js'
import { countBetween } from './counts.js'
import { deletedFact } from './deletion.js'
import { type DialogState, HAS_EDITS, UNREAD_MARK } from './dialogs.js'
import { type MessageExtras, packMessage } from './entry.js'
import { limits } from './limits.js'
import type { Written } from './pen.js'
import type { Box } from './shape.js'

type Item<Type extends LaneItem['type']> = Extract<LaneItem, { type: Type }>

/** The facts of an item; `unfinished`: there is more of it, and w stays below it. */
export interface Plan {
  readonly written: readonly Written[]
  readonly unfinished?: true
}

/** Where an item is delivered, and the dialog as it is before. */
export interface Place {
  readonly box: Box
  readonly chat: ChatId
  readonly peer: PeerKey
  readonly lane: Lane
  readonly dialog: DialogState | undefined
}

const NO_EXTRAS: MessageExtras = {}

/** The plan of an item that needs no reads: nearly every message. */
export function planAtOnce(place: Place, item: LaneItem): readonly Written[] | undefined {
  if (item.type !== 'message' || item.replyTo !== undefined || item.action?.type === 'pin') return undefined
  return planMessage(place, item, NO_EXTRAS)
}

export async function plan(place: Place, item: LaneItem): Promise<Plan> {
  const { lane, peer } = place
  switch (item.type) {
    case 'message':
      return { written: planMessage(place, item, await resolvedExtras(place, item)) }
    case 'edit':
      return done(place, await planEdit(place, item))
    case 'delete':
      return planDelete(place, await rowsAt(place, item.targets))
    case 'deleteHistory':
      return planDelete(place, await rowsUpTo(place, item.upTo, limits.deletedAFact + 1))
    case 'readInbox':
      return done(place, await planReadInbox(place, item))
    case 'readOutbox':
      return done(place, await planReadOutbox(place, item))
    case 'pin':
      return done(place, await planPin(place, item))
    case 'react':
      return done(place, await planReact(place, item))
    case 'schedule':
      return { written: planSchedule(place, item) }
    case 'unschedule':
      return { written: [await planUnschedule(place, item)] }
    case 'groupChanged': {
      const { what, version } = item
      return { written: [{ entry: { type: 'groupChanged', peer, what, version, lane } }] }
    }
  }
}

export function placeOf(box: Box, chat: ChatId, peer: PeerKey, { n }: LaneItem): Place {
  return { box, chat, peer, lane: { chat, n }, dialog: box.state.dialogs?.get(peer) }
}

/** V3. */
function done({ lane }: Place, written: readonly Written[]): Plan {
  return { written: written.length > 0 ? written : [{ entry: { type: 'lane', lane } }] }
}

function planMessage({ chat, peer, dialog }: Place, item: Item<'message'>, extras: MessageExtras): Written[] {
  const written: Written[] = [{ entry: packMessage(chat, item, extras), body: item.body }]
  if (item.clearDraft && dialog?.draft) written.push(clearedDraft(peer))
  return written
}

function clearedDraft(peer: PeerKey): Written {
  return { entry: { type: 'draft', peer, cleared: true } }
}

async function resolvedExtras(place: Place, { replyTo, action }: Item<'message'>): Promise<MessageExtras> {
  const reply = replyTo === undefined ? undefined : await idAt(place, replyTo)
  const pinned = action?.type === 'pin' ? await idAt(place, action.target) : undefined
  return { ...(reply !== undefined && { replyTo: reply }), ...(pinned !== undefined && { pinnedId: pinned }) }
}

async function idAt({ box, chat }: Place, n: number): Promise<number | undefined> {
  return (await messageRow(box, chat, n))?.id
}

async function planEdit({ box, chat, peer, lane, dialog }: Place, item: Item<'edit'>): Promise<Written[]> {
  const row = await messageRow(box, chat, item.target)
  if (!row) return []
  const { id } = row
  const before =
    ((dialog?.flags ?? 0) & HAS_EDITS) !== 0 && ((await box.own.row('edit', peer, id)) as EditRow | undefined)
  const { target: n, mentioned, atMs: editedAtMs } = item
  const supersedes = before ? before.pts : id
  const entry = { type: 'edited', id, peer, chat, n, editedAtMs, mentioned, supersedes, lane } as const
  return [{ entry, body: item.body }]
}

async function rowsAt({ box, chat }: Place, ns: readonly number[]): Promise<MessageRow[]> {
  const rows = await Promise.all([...new Set(ns)].map((n) => messageRow(box, chat, n)))
  return rows.filter((row) => row !== undefined).sort((one, other) => one.n - other.n)
}

async function rowsUpTo({ box, chat }: Place, upTo: number, limit: number): Promise<MessageRow[]> {
  return messageRows(box, chat, { from: 1, to: upTo, limit })
}

/** In pieces: the item is planned again, for what is left, until it is finished. */
async function planDelete(place: Place, found: readonly MessageRow[]): Promise<Plan> {
  if (found.length === 0) return done(place, [])
  const { box, chat, peer, lane } = place
  const unfinished = found.length > limits.deletedAFact
  const rows = found.slice(0, limits.deletedAFact)
  const written = [{ entry: await deletedFact(box, chat, peer, rows, unfinished ? undefined : lane) }]
  return unfinished ? { written, unfinished } : { written }
}

async function planReadInbox(place: Place, item: Item<'readInbox'>): Promise<Written[]> {
  const { box, chat, peer, lane, dialog } = place
  if (!dialog) return []
  const unmark: Written[] =
    (dialog.flags & UNREAD_MARK) === 0 ? [] : [{ entry: { type: 'dialogMarked', peer, unread: false }, toAll: true }]
  const [row] = await messageRows(box, chat, { from: 1, to: item.upTo, limit: 1, descending: true })
  if (!row || row.id <= dialog.readIn) return unmark.length > 0 ? [...unmark, { entry: { type: 'lane', lane } }] : []
  const stillUnread = row.id >= dialog.top ? 0 : await unreadAbove(place, dialog, row.n)
  return [...unmark, { entry: { type: 'readInbox', peer, maxId: row.id, maxN: row.n, stillUnread, lane } }]
}

/** Counted where there is less to count: what is read now, or what is left. */
async function unreadAbove({ box, chat }: Place, dialog: DialogState, n: number): Promise<number> {
  const { readInN, topN, unread } = dialog
  if (topN - n < n - readInN) return (await countBetween(box, chat, n + 1, topN)).incoming
  return unread - (await countBetween(box, chat, readInN + 1, n)).incoming
}

async function planReadOutbox({ box, chat, peer, lane, dialog }: Place, item: Item<'readOutbox'>): Promise<Written[]> {
  const [row] = await messageRows(box, chat, { from: 1, to: item.upTo, limit: 1, descending: true })
  if (!row || !dialog || row.id <= dialog.readOut) return []
  return [{ entry: { type: 'readOutbox', peer, maxId: row.id, lane } }]
}

async function planPin(place: Place, { targets, pinned }: Item<'pin'>): Promise<Written[]> {
  const { box, peer, lane } = place
  const ids = (await rowsAt(place, targets)).map(({ id }) => id)
  if (ids.length === 0) return []
  const already = await valuesOf(box, 'pinned', peer, ids)
  const changed = ids.filter((id) => already.has(id) !== pinned)
  return changed.length === 0 ? [] : [{ entry: { type: 'pinned', peer, ids: changed, pinned, lane } }]
}

async function planReact(place: Place, { target, reactions, recent }: Item<'react'>): Promise<Written[]> {
  const id = await idAt(place, target)
  const { peer, lane } = place
  return id === undefined ? [] : [{ entry: { type: 'reacted', id, peer, reactions, recent, lane } }]
}

function planSchedule({ peer, lane, dialog }: Place, { id, dueAtMs, clearDraft }: Item<'schedule'>): Written[] {
  const scheduled: Written = { entry: { type: 'scheduled', peer, id, dueAtMs, lane } }
  return clearDraft && dialog?.draft ? [clearedDraft(peer), scheduled] : [scheduled]
}

/** `sentIds` only as a whole: it stands beside `ids`, one for one. */
async function planUnschedule(place: Place, { ids, sent }: Item<'unschedule'>): Promise<Written> {
  const { peer, lane } = place
  const found = sent ? (await Promise.all(sent.map((n) => idAt(place, n)))).filter((id) => id !== undefined) : []
  const sentIds = sent && found.length === sent.length ? { sentIds: found } : {}
  return { entry: { type: 'unscheduled', peer, ids, ...sentIds, lane }, toAll: true }
}
