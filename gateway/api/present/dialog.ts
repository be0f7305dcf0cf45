import { decodeBody } from '../../../actors/message/body.js'
import type { NotifySettings } from '../../../actors/user/changes.js'
import type { Dialog } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import type { PeerSet } from '../peer-set.js'
import { presentEntities } from './entity.js'
import { presentPeer } from './peer.js'
import { seconds } from './time.js'

/** TL `dialog`; whom it names is added to `people`. */
export function presentDialog(dialog: Dialog, people: PeerSet): tl.RawDialog {
  people.peer(dialog.peer)
  return {
    _: 'dialog',
    pinned: dialog.pinned,
    unreadMark: dialog.unreadMark,
    peer: presentPeer(dialog.peer),
    topMessage: dialog.topId,
    readInboxMaxId: dialog.readInboxMaxId,
    readOutboxMaxId: dialog.readOutboxMaxId,
    unreadCount: dialog.unread,
    unreadMentionsCount: dialog.unreadMentions,
    unreadReactionsCount: 0,
    unreadPollVotesCount: 0,
    notifySettings: presentNotifySettings(dialog.notify),
    draft: dialog.draft && presentDraft(dialog.draft, people),
  }
}

export interface DraftView {
  readonly body: Uint8Array
  readonly replyTo?: number
  readonly atMs: number
}

/** TL `draftMessage`. */
export function presentDraft({ body, replyTo, atMs }: DraftView, people: PeerSet): tl.RawDraftMessage {
  const { text, entities, noWebpage, invertMedia } = decodeBody(body)
  people.body({ text, ...(entities && { entities }) })
  return {
    _: 'draftMessage',
    noWebpage,
    invertMedia,
    replyTo: replyTo === undefined ? undefined : { _: 'inputReplyToMessage', replyToMsgId: replyTo },
    message: text,
    entities: presentEntities(entities),
    date: seconds(atMs),
  }
}

/** TL `draftMessageEmpty`: the draft was cleared. */
export function presentNoDraft(atMs: number): tl.RawDraftMessageEmpty {
  return { _: 'draftMessageEmpty', date: seconds(atMs) }
}

/** TL `peerNotifySettings`. */
export function presentNotifySettings(settings: NotifySettings = {}): tl.RawPeerNotifySettings {
  return {
    _: 'peerNotifySettings',
    showPreviews: settings.showPreviews,
    silent: settings.silent,
    muteUntil: settings.muteUntil,
  }
}
