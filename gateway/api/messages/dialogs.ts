import { peerKey } from '../../../actors/chat/chat-id.js'
import type { Dialog, DialogPage } from '../../../actors/user/contract.js'
import { hasConstructor, type tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { atLeastZero, MAX_IDS, pageOf } from '../input/number.js'
import { dialogPeerOf, dialogPeersOf, optionalPeerOf } from '../input/peer.js'
import { method } from '../method.js'
import { presentDialogPeer } from '../present/peer.js'
import { presentState } from '../updates/state.js'
import { presentDialogs } from './answer.js'

/** Folder 0 is the list itself; others, the archive among them, hold nothing. */
function isMainFolder(folderId: number | undefined): boolean {
  return folderId === undefined || folderId === 0
}

const NO_DIALOGS: DialogPage = { dialogs: [], messages: [], total: 0, pts: 0 }

export const getDialogs = method(
  'messages.getDialogs',
  { auth: 'user' },
  async (request, call): Promise<tl.messages.TypeDialogs> => {
    const offsetPeer = await optionalPeerOf(call, request.offsetPeer)
    const isFirst = request.offsetDate <= 0 && request.offsetId <= 0 && !offsetPeer
    const page = isMainFolder(request.folderId)
      ? await call.me.dialogs({
          offsetDate: atLeastZero(request.offsetDate),
          offsetId: atLeastZero(request.offsetId),
          ...(offsetPeer && { offsetPeer }),
          excludePinned: request.excludePinned === true,
          limit: pageOf(request.limit),
        })
      : NO_DIALOGS
    const answer = await presentDialogs(call, page)
    if (isFirst && page.total <= page.dialogs.length) return { _: 'messages.dialogs', ...answer }
    return { _: 'messages.dialogsSlice', count: page.total, ...answer }
  },
)

async function peerDialogs(call: Call, page: DialogPage): Promise<tl.messages.RawPeerDialogs> {
  const [answer, state] = await Promise.all([presentDialogs(call, page), call.me.boxState()])
  return { _: 'messages.peerDialogs', ...answer, state: presentState(state, state.unread) }
}

export const getPinnedDialogs = method('messages.getPinnedDialogs', { auth: 'user' }, async (request, call) =>
  peerDialogs(call, isMainFolder(request.folderId) ? await call.me.pinnedDialogs() : NO_DIALOGS),
)

export const getPeerDialogs = method('messages.getPeerDialogs', { auth: 'user' }, async (request, call) => {
  const peers = await dialogPeersOf(call, request.peers, MAX_IDS)
  const page = await call.me.dialogsOf(peers)
  const found = new Map(page.dialogs.map((dialog) => [dialog.peer, dialog]))
  const dialogs = peers.map((peer) => found.get(peerKey(peer)) ?? emptyDialog(peerKey(peer)))
  return peerDialogs(call, { ...page, dialogs })
})

/** A peer that one never wrote with has a dialog that says so. */
function emptyDialog(peer: Dialog['peer']): Dialog {
  const nothing = { topId: 0, readInboxMaxId: 0, readOutboxMaxId: 0, unread: 0, unreadMentions: 0 }
  return { peer, ...nothing, pinned: false, unreadMark: false }
}

export const toggleDialogPin = method('messages.toggleDialogPin', { auth: 'user' }, async (request, call) => {
  const peer = await dialogPeerOf(call, request.peer)
  await call.me.pinDialog({ peer, pinned: request.pinned === true, origin: call.origin })
  return true
})

export const reorderPinnedDialogs = method('messages.reorderPinnedDialogs', { auth: 'user' }, async (request, call) => {
  if (!isMainFolder(request.folderId)) return refuseCall('FOLDER_ID_INVALID')
  const order = await dialogPeersOf(call, request.order, MAX_IDS)
  await call.me.reorderPinned({ order, force: request.force === true, origin: call.origin })
  return true
})

/** Dialogs within a channel: there are no channels. */
const OF_A_CHANNEL = { parentPeer: 'CHANNEL_INVALID' } as const

export const markDialogUnread = method(
  'messages.markDialogUnread',
  { auth: 'user', unserved: OF_A_CHANNEL },
  async (request, call) => {
    const peer = await dialogPeerOf(call, request.peer)
    await call.me.markDialog({ peer, unread: request.unread === true, origin: call.origin })
    return true
  },
)

/** Pages of the list that are looked through for marks. */
const MARKS_PAGES = 10

export const getDialogUnreadMarks = method(
  'messages.getDialogUnreadMarks',
  { auth: 'user', unserved: OF_A_CHANNEL },
  async (_request, call) => {
    const marked: Dialog[] = []
    let offset: { offsetDate: number; offsetId: number } = { offsetDate: 0, offsetId: 0 }
    for (let page = 0; page < MARKS_PAGES; page++) {
      const { dialogs, messages } = await call.me.dialogs({ ...offset, excludePinned: page > 0, limit: 100 })
      marked.push(...dialogs.filter(({ unreadMark }) => unreadMark))
      const last = messages.at(-1)
      if (dialogs.length < 100 || !last) break
      offset = { offsetDate: Math.floor(last.fact.atMs / 1000), offsetId: last.id }
    }
    return [...new Set(marked.map(({ peer }) => peer))].map(presentDialogPeer)
  },
)

/** There are no folders of the user's own: the list is the one that every account has. */
export const getDialogFilters = method('messages.getDialogFilters', { auth: 'user' }, async (_request, call) => {
  const filters: tl.TypeDialogFilter[] = [{ _: 'dialogFilterDefault' }]
  const answer: tl.messages.RawDialogFilters = { _: 'messages.dialogFilters', filters }
  return hasConstructor(call.layer, answer._) ? answer : filters
})
