/**
 * Lists of dialogs: pinned ones first, in their order, then the others by the time of the newest message, newest first;
 * equal times by message id, then by peer. Where there is no message, the draft's time counts, or that of the last message
 * of a dialog that was cleared and kept.
 */
import type { Peer, PeerKey } from '../chat/chat-id.js'
import { peerKey } from '../chat/chat-id.js'
import type { BoxMessage, Dialog, DialogPage, DialogsRequest } from './contract.js'
import { type DialogState, isListed, UNREAD_MARK } from './dialogs.js'
import { limits } from './limits.js'
import { messagesAt } from './messages.js'
import type { Box } from './shape.js'
import type { UserState } from './state.js'

interface Place {
  readonly key: PeerKey
  readonly dialog: DialogState
  readonly seconds: number
  readonly top: number
}

/** A page of all dialogs; see DialogsRequest. */
export function dialogPage(box: Box, request: DialogsRequest): Promise<DialogPage> {
  const limit = Math.min(Math.max(request.limit, 0), limits.pageDialogs)
  return readPage(box, () => {
    const pinned = pinnedPlaces(box.state)
    const others = sortedPlaces(box.state)
    const rest = request.excludePinned
      ? afterOffset(others, request)
      : [...pinnedAfter(pinned, request), ...afterOffset(others, isPinnedOffset(pinned, request) ? START : request)]
    const total = others.length + (request.excludePinned ? 0 : pinned.length)
    return { places: rest.slice(0, limit), total }
  })
}

/** Those of the peers that have a dialog, listed or not, in the order asked. */
export function dialogsOf(box: Box, peers: readonly Peer[]): Promise<DialogPage> {
  return readPage(box, () => {
    const places = [...new Set(peers.map(peerKey))].flatMap((key) => placeOf(box.state, key) ?? [])
    return { places, total: places.length }
  })
}

export function pinnedDialogs(box: Box): Promise<DialogPage> {
  return readPage(box, () => {
    const places = pinnedPlaces(box.state)
    return { places, total: places.length }
  })
}

type Offset = Pick<DialogsRequest, 'offsetDate' | 'offsetId' | 'offsetPeer'>
const START: Offset = { offsetDate: 0, offsetId: 0 }

function placeOf(state: UserState, key: PeerKey): Place | undefined {
  const dialog = state.dialogs?.get(key)
  if (!dialog) return undefined
  const atMs = dialog.top > 0 ? dialog.topAtMs : (dialog.draft?.atMs ?? dialog.topAtMs)
  return { key, dialog, seconds: Math.floor(atMs / 1000), top: dialog.top }
}

function pinnedPlaces(state: UserState): Place[] {
  return (state.pinned ?? []).flatMap((key) => placeOf(state, key) ?? [])
}

function sortedPlaces(state: UserState): Place[] {
  const pinned = new Set(state.pinned)
  const places: Place[] = []
  for (const [key, dialog] of state.dialogs ?? []) {
    const place = !pinned.has(key) && isListed(state, key, dialog) && placeOf(state, key)
    if (place) places.push(place)
  }
  return places.sort((one, other) => other.seconds - one.seconds || other.top - one.top || byKey(one.key, other.key))
}

function byKey(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? 1 : -1
}

/** The rest of the list behind the dialog that the offset describes, wherever that one is now. */
function afterOffset(places: readonly Place[], { offsetDate, offsetId, offsetPeer }: Offset): Place[] {
  const key = offsetPeer && peerKey(offsetPeer)
  // A client knows no date of a dialog without a message: the peer alone says where it was.
  const empty =
    offsetId <= 0 && key !== undefined ? places.findIndex((place) => place.key === key && place.top === 0) : -1
  if (empty >= 0) return places.slice(empty + 1)
  if (offsetDate <= 0 && offsetId <= 0) return [...places]
  return places.filter((place) => {
    if (offsetDate > 0 && place.seconds !== offsetDate) return place.seconds < offsetDate
    if (place.top !== offsetId) return place.top < offsetId
    return key !== undefined && byKey(place.key, key) > 0
  })
}

/** The offset describes a pinned dialog: the page goes on in the order of pins. */
function isPinnedOffset(pinned: readonly Place[], { offsetPeer }: Offset): boolean {
  return offsetPeer !== undefined && pinned.some(({ key }) => key === peerKey(offsetPeer))
}

function pinnedAfter(pinned: readonly Place[], offset: Offset): Place[] {
  const { offsetDate, offsetId, offsetPeer } = offset
  if (offsetPeer && isPinnedOffset(pinned, offset) && (offsetId > 0 || offsetDate > 0)) {
    return pinned.slice(pinned.findIndex(({ key }) => key === peerKey(offsetPeer)) + 1)
  }
  return offsetDate <= 0 && offsetId <= 0 ? [...pinned] : []
}

/** A new message or a deletion may come while the top messages are read: then the page is made again. */
const ATTEMPTS = 4

async function readPage(
  box: Box,
  choose: () => { readonly places: readonly Place[]; readonly total: number },
): Promise<DialogPage> {
  for (let attempt = 1; ; attempt++) {
    const { pts } = box.head
    const { places, total } = choose()
    const dialogs = places.map((place) => shown(box.state, place))
    const tops = dialogs.flatMap(({ topId }) => (topId > 0 ? [topId] : []))
    const [messages, drafts] = await Promise.all([messagesAt(box, tops), draftBodies(box, places)])
    const found: BoxMessage[] = messages.filter((message) => message !== undefined)
    if (found.length < tops.length && attempt < ATTEMPTS) continue
    return { dialogs: dialogs.map((each) => withDraft(each, drafts.get(each.peer))), messages: found, total, pts }
  }
}

type ShownDialog = Omit<Dialog, 'draft'> & { readonly draft?: Omit<NonNullable<Dialog['draft']>, 'body'> }

/** A copy: the state goes on changing. */
function shown(state: UserState, { key, dialog }: Place): ShownDialog {
  const notify = state.notify?.get(key)
  return {
    peer: key,
    topId: dialog.top,
    readInboxMaxId: dialog.readIn,
    readOutboxMaxId: dialog.readOut,
    unread: dialog.unread,
    unreadMentions: dialog.mentions,
    pinned: state.pinned?.includes(key) ?? false,
    unreadMark: (dialog.flags & UNREAD_MARK) !== 0,
    ...(dialog.draft && { draft: dialog.draft }),
    ...(notify && { notify }),
  }
}

async function draftBodies(box: Box, places: readonly Place[]): Promise<Map<PeerKey, Uint8Array>> {
  const keys = places.filter(({ dialog }) => dialog.draft !== undefined).map(({ key }) => key)
  const bodies = await Promise.all(keys.map((key) => box.own.row('draft', key, 0)))
  return new Map(
    keys.flatMap((key, index) => (bodies[index] === undefined ? [] : [[key, bodies[index] as Uint8Array]])),
  )
}

function withDraft({ draft, ...dialog }: ShownDialog, body: Uint8Array | undefined): Dialog {
  return draft && body ? { ...dialog, draft: { ...draft, body } } : dialog
}

/** Dialogs with a draft, each as the change that would tell of it. */
export async function draftsOf(
  box: Box,
): Promise<{ peer: PeerKey; atMs: number; replyTo?: number; body: Uint8Array }[]> {
  const found: { peer: PeerKey; atMs: number; replyTo?: number; body: Uint8Array }[] = []
  for (const [peer, { draft }] of [...(box.state.dialogs ?? [])].filter(([, dialog]) => dialog.draft)) {
    const body = (await box.own.row('draft', peer, 0)) as Uint8Array | undefined
    if (draft && body) found.push({ peer, ...draft, body })
  }
  return found
}
