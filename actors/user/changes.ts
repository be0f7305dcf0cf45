import type { Position } from '../../runtime/index.js'
import type { ChatId, PeerKey } from '../chat/chat-id.js'
import type { Origin, ServiceAction } from '../chat/contract.js'

/**
 * What happens to an account: the entries of its journal, as devices learn them. The journal is the account's pts
 * sequence (CORE J2): `count` numbers each; those marked (0) have none and stand under the pts before them.
 * Message ids are the pts of the entry that created the message.
 */
export type BoxFact =
  | MessageFact
  | {
      readonly type: 'edited'
      readonly id: number
      readonly peer: PeerKey
      readonly chat: ChatId
      readonly n: number
      readonly editedAtMs: number
      readonly mentioned: boolean
      /** The pts whose body this one replaces: the message's own, or that of the edit before. */
      readonly supersedes: number
      readonly lane: Lane
    } // body: the new one
  | DeletedFact // counts ids.length
  | {
      readonly type: 'readInbox'
      readonly peer: PeerKey
      readonly maxId: number
      /** The chat entry behind maxId. */
      readonly maxN: number
      readonly stillUnread: number
      readonly lane?: Lane
    }
  | { readonly type: 'readOutbox'; readonly peer: PeerKey; readonly maxId: number; readonly lane: Lane }
  | {
      readonly type: 'pinned'
      readonly peer: PeerKey
      readonly ids: readonly number[]
      readonly pinned: boolean
      readonly lane?: Lane
    }
  | { readonly type: 'mentionsRead'; readonly peer: PeerKey; readonly ids: readonly number[] } // as updateReadMessagesContents
  /** A number and nothing else: a difference may end here (milestone.ts). */
  | { readonly type: 'milestone' }
  // (0) from here on
  | {
      readonly type: 'reacted'
      readonly id: number
      readonly peer: PeerKey
      readonly reactions: readonly ReactionCount[]
      readonly recent: readonly RecentReaction[]
      readonly lane: Lane
    }
  /** A message was scheduled, or such a one changed: the chat has it, so that nothing of one that was dropped stays here. */
  | {
      readonly type: 'scheduled'
      readonly peer: PeerKey
      readonly id: number
      readonly dueAtMs: number
      readonly lane: Lane
    }
  | {
      readonly type: 'unscheduled'
      readonly peer: PeerKey
      readonly ids: readonly number[]
      readonly sentIds?: readonly number[]
      readonly lane: Lane
    }
  | {
      readonly type: 'groupChanged'
      readonly peer: PeerKey
      readonly what: 'members' | 'about' | 'admins' | 'title'
      readonly version: number
      readonly lane: Lane
    }
  /** A draft; clearing one on sending is a change of its own, right after the message. */
  | { readonly type: 'draft'; readonly peer: PeerKey; readonly replyTo?: number; readonly cleared?: true } // body, unless cleared
  | { readonly type: 'dialogPinned'; readonly peer: PeerKey; readonly pinned: boolean }
  | { readonly type: 'dialogsReordered'; readonly order: readonly PeerKey[] }
  | { readonly type: 'dialogMarked'; readonly peer: PeerKey; readonly unread: boolean }
  | { readonly type: 'dialogDeleted'; readonly peer: PeerKey }
  | { readonly type: 'contact'; readonly user: number; readonly contact?: ContactCard } // none: removed
  | { readonly type: 'blocked'; readonly user: number; readonly blocked: boolean }
  | { readonly type: 'blockedBy'; readonly user: number; readonly blocked: boolean } // another blocks this account
  | { readonly type: 'notify'; readonly scope: NotifyScope; readonly settings?: NotifySettings }
  | { readonly type: 'profile'; readonly profile: AccountProfile }
  | {
      readonly type: 'username'
      readonly username: string
      readonly token: number
      /** No token of the username before it is good any more, up to this one. */
      readonly dropsUpTo?: number
    }
  | { readonly type: 'usernameVoided'; readonly username: string; readonly upTo: number }
  | { readonly type: 'authorized'; readonly authorization: Authorization }
  | { readonly type: 'revoked'; readonly authKeys: readonly string[] }
  | { readonly type: 'seen'; readonly atMs: number } // last seen, kept coarsely
  | {
      readonly type: 'deviceActive'
      readonly authKey: string
      readonly atMs: number
      readonly layer: number
      readonly address: string
    } // kept coarsely
  | { readonly type: 'delivered'; readonly devices: readonly { readonly authKey: string; readonly pts: number }[] }
  | { readonly type: 'registered'; readonly phone: string; readonly profile: AccountProfile; readonly homeDc?: number }
  /** The directory, the account row and the search index show what stood here up to this position. */
  | { readonly type: 'recorded'; readonly upTo: Position }
  | { readonly type: 'closed' } // the account was deleted

export interface MessageFact {
  readonly type: 'message'
  readonly peer: PeerKey
  readonly chat: ChatId
  readonly n: number
  readonly from: number
  /** When the chat took it, milliseconds. */
  readonly atMs: number
  readonly out: boolean
  readonly silent?: boolean
  readonly noForwards?: boolean
  readonly mentioned?: boolean
  /** The box id of the message replied to, in this box; absent when this box never had it. */
  readonly replyTo?: number
  readonly action?: ServiceAction
  /** With action 'pin': this box's id of the pinned message. */
  readonly pinnedId?: number
  readonly groupedId?: string
  readonly fromScheduled?: boolean
  /** The sender's own copy: its operation id, for updateMessageID. */
  readonly op?: string
  readonly lane: Lane
}

/** Own copies of one dialog that are gone, at most 1000 a fact. What follows `ids` is the fold's, not the devices'. */
export interface DeletedFact {
  readonly type: 'deleted'
  readonly peer: PeerKey
  readonly ids: readonly number[]
  readonly chat: ChatId
  /** The chat's entries behind `ids`, in the same order. */
  readonly ns: readonly number[]
  /** The pts of edits whose bodies go with them. */
  readonly bodies?: readonly number[]
  /** How many of them were unread, unread mentions, pinned. */
  readonly unread: number
  readonly mentions: number
  readonly pins: number
  /** The dialog's newest message afterwards; id 0: none. */
  readonly top: TopMessage
  /** The dialog is listed also when this empties it. */
  readonly keepsDialog?: true
  /** What is left in the blocks that they were in (counts.ts). */
  readonly blocks: readonly BlockCount[]
  readonly lane?: Lane
}

/** Messages of a chat in one block of its entries, and how many of these are incoming. */
export type BlockCount = readonly [block: number, total: number, incoming: number]

export interface TopMessage {
  readonly id: number
  readonly n: number
  readonly atMs: number
}

/** Where a fact stands in its chat's lane to this box (CORE D1): the last fact of an entry moves the box's w to `n`. */
export interface Lane {
  readonly chat: ChatId
  readonly n: number
}

/** A journal entry as a device learns it. */
export interface BoxChange {
  readonly pts: number
  readonly ordinal: number
  readonly count: number
  readonly atMs: number
  readonly fact: BoxFact
  readonly body?: Uint8Array
  /** The session that caused it and has its answer: not pushed there. */
  readonly origin?: Origin
}

export interface ReactionCount {
  readonly reaction: string
  readonly count: number
  readonly mine: boolean
}

export interface RecentReaction {
  readonly user: number
  readonly reaction: string
  readonly atMs: number
}

export interface ContactCard {
  readonly firstName: string
  readonly lastName: string
  /** Digits only, as the owner of the list wrote it; '' when unknown. */
  readonly phone: string
  readonly atMs: number
}

export interface AccountProfile {
  readonly firstName: string
  readonly lastName: string
  readonly about: string
}

/** One signed-in device. */
export interface Authorization {
  /** Hex of the permanent auth key id. */
  readonly authKey: string
  /** What account.getAuthorizations shows instead of the key, a Long as hex; never 0. */
  readonly hash: string
  readonly createdAtMs: number
  readonly activeAtMs: number
  readonly layer: number
  readonly apiId: number
  readonly deviceModel: string
  readonly systemVersion: string
  readonly appVersion: string
  readonly langCode: string
  readonly address: string
}

/** `u17`, `c4`, or the defaults of all private chats, groups, channels. */
export type NotifyScope = string

export interface NotifySettings {
  readonly showPreviews?: boolean
  readonly silent?: boolean
  /** Seconds since the Unix epoch. */
  readonly muteUntil?: number
}
