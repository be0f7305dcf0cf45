import type { NodeId, Position } from '../../runtime/index.js'
import { actorType, numberKey } from '../../runtime/index.js'
import type { AccountRow, AccountStore } from '../../storage/ports/account-store.js'
import type { ChatId, Peer, PeerKey } from '../chat/chat-id.js'
import type { Origin, ServiceAction } from '../chat/contract.js'
import type { NameKey } from '../name/contract.js'
import type {
  AccountProfile,
  Authorization,
  BoxChange,
  ContactCard,
  MessageFact,
  NotifyScope,
  NotifySettings,
  ReactionCount,
  RecentReaction,
} from './changes.js'
import type { AttachAnswer, AttachRequest } from './live-sessions.js'

export type { AttachAnswer, AttachRequest, MovedFrame, PushFrame } from './live-sessions.js'

/**
 * An account: its box (message ids, pts, dialogs, cursors, drafts), its contacts, its devices and their live sessions.
 * Its journal is the account's pts sequence. Refusals are Telegram's error texts.
 */
export interface User extends BoxOfUser, ReadingOfUser, AccountOfUser, ContactsOfUser, DevicesOfUser {}

/** Lanes: what chats append (CORE D1). */
export interface BoxOfUser {
  /**
   * Appends what a chat's entries mean to this box, in the chat's order. Refused as data, not as an error, when
   * `after` is above this box's w for the chat (a gap): then nothing is appended and the answer carries w.
   * Items at or below w are known: they are not appended, their first changes are answered (`[]` where these are so
   * old that they are not looked for). What is too much for one commit is taken in part: a w below the last item says
   * that the rest is to be sent again, also when not one item was finished.
   */
  deliver(append: LaneAppend): Promise<LaneAnswer>
  /** This box's w for the chat: the number of the last chat entry it took; 0 for none. */
  lane(chat: ChatId): Promise<number>

  /** Deletes own copies only; answers with the change, or none when there was nothing. */
  deleteOwn(request: { readonly ids: readonly number[]; readonly origin: Origin }): Promise<readonly BoxChange[]>
  /** Own copies of a dialog up to `maxId` (0: all), at most 1000 a call: repeat while `more`. Without `keepDialog` the dialog goes too. */
  clearHistory(request: {
    peer: Peer
    maxId: number
    keepDialog: boolean
    origin: Origin
  }): Promise<{ readonly changes: readonly BoxChange[]; readonly more: boolean }>
  /** Many, but not all: to be repeated until it changes nothing. */
  readMentions(request: { readonly peer: Peer; readonly origin: Origin }): Promise<readonly BoxChange[]>
  saveDraft(request: { peer: Peer; body?: Uint8Array; replyTo?: number; origin: Origin }): Promise<readonly BoxChange[]>
  clearDrafts(request: { readonly origin: Origin }): Promise<readonly BoxChange[]>
  pinDialog(request: { peer: Peer; pinned: boolean; origin: Origin }): Promise<readonly BoxChange[]>
  reorderPinned(request: { order: readonly Peer[]; force: boolean; origin: Origin }): Promise<readonly BoxChange[]>
  markDialog(request: { peer: Peer; unread: boolean; origin: Origin }): Promise<readonly BoxChange[]>
}

/** Reads for the account's own devices; served from memory and a few range reads. */
export interface ReadingOfUser {
  boxState(): Promise<BoxState>
  difference(request: DifferenceRequest): Promise<Difference>
  /** In the order asked; undefined where the box has (or had) none or it was deleted. */
  messages(ids: readonly number[]): Promise<readonly (BoxMessage | undefined)[]>
  history(request: HistoryRequest): Promise<MessagePage>
  search(request: SearchRequest): Promise<MessagePage>
  dialogs(request: DialogsRequest): Promise<DialogPage>
  dialogsOf(peers: readonly Peer[]): Promise<DialogPage>
  pinnedDialogs(): Promise<DialogPage>
  drafts(): Promise<readonly BoxChange[]>
  unreadMentions(request: HistoryRequest): Promise<MessagePage>
  /** Where messages stand in their chats; undefined for unknown or deleted ones. */
  locate(ids: readonly number[]): Promise<readonly (Located | undefined)[]>
  /** The box's ids of entries of a chat, in the order asked; undefined for those that it has not. */
  idsAt(request: {
    readonly chat: ChatId
    readonly entries: readonly number[]
  }): Promise<readonly (number | undefined)[]>
  /** The newest message of the dialog at or below `maxId` (0: the newest of all), for read and deleteHistory. */
  locateUpTo(peer: Peer, maxId: number): Promise<Located | undefined>
  /** For operators: what this box and its devices have of a chat's entry. */
  whereabouts(request: { readonly chat: ChatId; readonly n: number }): Promise<EntryInBox>
  /** Which of these users share a private dialog with, or are contacts of, this account. */
  knows(users: readonly number[]): Promise<readonly number[]>
}

export interface AccountOfUser {
  /** The first entry of an account. Refused with PHONE_NUMBER_OCCUPIED when it exists. */
  register(request: {
    readonly phone: string
    readonly profile: AccountProfile
    /** Where the account lives. */
    readonly homeDc?: number
  }): Promise<void>
  /** What others may see of the account; undefined for one that was never registered. */
  profile(): Promise<UserProfile | undefined>
  updateProfile(request: { profile: Partial<AccountProfile>; origin: Origin }): Promise<UserProfile>
  /** Takes or drops ('') a username that was reserved under `token`; refused with a void token (see Names). */
  setUsername(request: {
    username: string
    token: number
    origin: Origin
  }): Promise<{ readonly previous: string; readonly profile: UserProfile }>
  /** What the journal says of a name: it is `held`, or no token up to this one can set it any more. */
  settleName(request: NameKey & { readonly token: number }): Promise<'held' | 'void'>
  /** Deletes the account: profile emptied, devices revoked, contacts and drafts dropped. */
  close(): Promise<{ readonly phone: string; readonly username: string; readonly revoked: readonly string[] }>
  notifySettings(scope: NotifyScope): Promise<NotifySettings>
  setNotifySettings(request: { scope: NotifyScope; settings: NotifySettings; origin: Origin }): Promise<void>
}

export interface ContactsOfUser {
  contacts(): Promise<readonly Contact[]>
  /** How this account sees these users: contact cards, blocks. One record a user asked, in order. */
  relations(users: readonly number[]): Promise<readonly Relation[]>
  putContacts(request: {
    contacts: readonly { user: number; card: Omit<ContactCard, 'atMs'> }[]
    origin: Origin
  }): Promise<void>
  deleteContacts(request: { readonly users: readonly number[]; readonly origin: Origin }): Promise<void>
  setBlocked(request: { user: number; blocked: boolean; origin: Origin }): Promise<void>
  /** `user` blocks this account, or does so no more: see `Relation.blocksMe`. The account's devices learn nothing. */
  noteBlockedBy(request: { readonly user: number; readonly blocked: boolean }): Promise<void>
  blocked(request: {
    readonly offset: number
    readonly limit: number
  }): Promise<{ readonly total: number; readonly users: readonly { user: number; atMs: number }[] }>
}

export interface DevicesOfUser {
  authorize(authorization: Authorization): Promise<void>
  authorizations(): Promise<readonly Authorization[]>
  isAuthorized(authKey: string): Promise<boolean>
  /**
   * A login that the device `from` may carry over to one other auth key, by whoever names `transfer`, a secret number. It
   * ends with the activation at the latest: then the client offers another.
   */
  offerTransfer(request: { readonly transfer: string; readonly from: string; readonly untilMs: number }): Promise<void>
  /** True for the first auth key that asks, however often, as long as the device that offered it is signed in. */
  takeTransfer(request: { readonly transfer: string; readonly by: string }): Promise<boolean>
  /** Signs devices out; answers with the auth keys that were. Live gateways are told at once (sink `revoked`). */
  revoke(request: { authKeys?: readonly string[]; hash?: string; allExcept?: string }): Promise<readonly string[]>
  /** A device spoke: activity, layer and client info, kept coarsely. */
  touch(request: { authKey: string; layer: number; address: string }): Promise<void>
  /** What devices acknowledged (MTProto msgs_ack of pushes), the internal figure; kept coarsely. */
  acknowledged(request: { readonly devices: readonly { authKey: string; pts: number }[] }): Promise<void>
  deliveredTo(): Promise<readonly { authKey: string; pts: number }[]>

  /**
   * A gateway says which live sessions it holds and the last pts it sent them; it repeats this before the lease ends
   * (CORE D5). Answers with what follows `lastPts`, to be pushed first; later changes come as PushFrames to the
   * gateway's sink `push`, in order and without a hole after what was answered.
   */
  attach(request: AttachRequest): Promise<AttachAnswer>
  detach(request: { readonly gateway: NodeId }): Promise<void>

  /**
   * Presence: online until `untilMs`, or gone now (0). Tells contacts and dialog partners that are awake. Answers with
   * what holds now, for caches; `seenAtMs` is 0 for an account that is not there or was never seen.
   */
  setPresence(request: { readonly onlineUntilMs: number }): Promise<{
    readonly onlineUntilMs: number
    readonly seenAtMs: number
  }>
  presence(): Promise<Presence>
  /** One-way news from others: typing, presence. Pushed to live sessions, never stored. */
  hear(news: LiveNews): Promise<void>
}

export interface LaneAppend {
  readonly chat: ChatId
  /** The last entry before the first item that concerns this box. */
  readonly after: number
  readonly items: readonly LaneItem[]
}

/** What one chat entry means to this box; named by chat entries, the box finds its own ids. */
export type LaneItem = { readonly n: number; readonly atMs: number; readonly origin?: Origin } & (
  | {
      readonly type: 'message'
      readonly from: number
      readonly body: Uint8Array
      readonly silent?: boolean
      readonly noForwards?: boolean
      readonly mentioned?: boolean
      readonly replyTo?: number
      readonly action?: ServiceAction
      readonly clearDraft?: boolean
      readonly groupedId?: string
      readonly fromScheduled?: boolean
      readonly op?: string
    }
  | { readonly type: 'edit'; readonly target: number; readonly body: Uint8Array; readonly mentioned: boolean }
  | { readonly type: 'delete'; readonly targets: readonly number[] }
  | { readonly type: 'deleteHistory'; readonly upTo: number }
  | { readonly type: 'readInbox'; readonly upTo: number }
  | { readonly type: 'readOutbox'; readonly upTo: number }
  | { readonly type: 'pin'; readonly targets: readonly number[]; readonly pinned: boolean }
  | {
      readonly type: 'react'
      readonly target: number
      readonly reactions: readonly ReactionCount[]
      readonly recent: readonly RecentReaction[]
    }
  | {
      readonly type: 'schedule'
      readonly id: number
      readonly dueAtMs: number
      readonly clearDraft?: boolean
    }
  | { readonly type: 'unschedule'; readonly ids: readonly number[]; readonly sent?: readonly number[] }
  | { readonly type: 'groupChanged'; readonly what: 'members' | 'about' | 'admins' | 'title'; readonly version: number }
)

export type LaneAnswer =
  | {
      readonly taken: true
      readonly w: number
      readonly changes: readonly { readonly n: number; readonly changes: readonly BoxChange[] }[]
    }
  | { readonly taken: false; readonly w: number }

export interface BoxState {
  readonly pts: number
  readonly atMs: number
  readonly unread: number
}

export interface DifferenceRequest {
  readonly pts: number
  /** Seconds since the Unix epoch: changes without a number under the same pts count from here on. */
  readonly date: number
  /** Changes a slice carries at most. */
  readonly limit: number
  /** More than this behind: too long. */
  readonly totalLimit: number
}

export type Difference =
  | { readonly kind: 'empty'; readonly pts: number; readonly atMs: number }
  | { readonly kind: 'tooLong'; readonly pts: number; readonly atMs: number }
  | {
      readonly kind: 'full' | 'slice'
      /** The state after these changes (slice: intermediate). */
      readonly pts: number
      readonly atMs: number
      /** New messages with their final text; those deleted since are absent. */
      readonly messages: readonly BoxMessage[]
      /** The rest, in order, reads of the inbox last: edits and deletions of earlier messages, pins, drafts, ... */
      readonly others: readonly BoxChange[]
    }

/** A message as the box holds it now. */
export interface BoxMessage {
  readonly id: number
  readonly fact: MessageFact
  readonly body: Uint8Array
  readonly editedAtMs?: number
  readonly reactions?: readonly ReactionCount[]
  readonly recentReactions?: readonly RecentReaction[]
  readonly pinned?: boolean
  readonly mentionUnread?: boolean
}

export interface HistoryRequest {
  readonly peer: Peer
  readonly offsetId: number
  /** Seconds; 0: none. */
  readonly offsetDate: number
  readonly addOffset: number
  /** 1 to 100. */
  readonly limit: number
  readonly maxId: number
  readonly minId: number
}

export interface SearchRequest extends Omit<HistoryRequest, 'peer'> {
  /** None: all dialogs. */
  readonly peer?: Peer
  readonly query: string
  readonly from?: number
  readonly minDate: number
  readonly maxDate: number
  readonly pinnedOnly?: boolean
}

export interface MessagePage {
  /** Newest first. */
  readonly messages: readonly BoxMessage[]
  /** All that match, without offsets, unless it is `inexact`. */
  readonly total: number
  /** How many newer ones lie before the page; absent where that is not known without counting. */
  readonly offsetIdOffset?: number
  /** Of a search: messages that were looked at for it. */
  readonly looked?: number
  /** `total` is no more than what is known. */
  readonly inexact?: true
  /** Nothing was found so far, and there is more to look through: the same request goes on from there. */
  readonly unfinished?: true
}

export interface Located {
  readonly id: number
  readonly chat: ChatId
  readonly peer: PeerKey
  readonly n: number
  readonly from: number
  readonly out: boolean
  readonly atMs: number
}

/** `lane`: its w. `id`: of a message that is there. `gateways`: with live sessions. `devices`: and what they acknowledged. */
export interface EntryInBox {
  readonly lane: number
  readonly id?: number
  readonly gateways: readonly NodeId[]
  readonly devices: readonly { readonly authKey: string; readonly pts: number }[]
}

export interface DialogsRequest {
  readonly offsetDate: number
  readonly offsetId: number
  readonly offsetPeer?: Peer
  readonly excludePinned: boolean
  /** 1 to 100. */
  readonly limit: number
}

export interface Dialog {
  readonly peer: PeerKey
  readonly topId: number
  readonly readInboxMaxId: number
  readonly readOutboxMaxId: number
  readonly unread: number
  readonly unreadMentions: number
  readonly pinned: boolean
  readonly unreadMark: boolean
  readonly draft?: { readonly body: Uint8Array; readonly replyTo?: number; readonly atMs: number }
  readonly notify?: NotifySettings
}

export interface DialogPage {
  readonly dialogs: readonly Dialog[]
  /** The top message of each dialog that has one. */
  readonly messages: readonly BoxMessage[]
  readonly total: number
  readonly pts: number
}

export interface UserProfile extends AccountProfile {
  readonly id: number
  readonly phone: string
  readonly username: string
  readonly closed: boolean
  readonly presence: Presence
}

/** `online`: until `atMs`; `offline`: last seen at `atMs`; `empty`: never seen. */
export interface Presence {
  readonly kind: 'online' | 'offline' | 'empty'
  readonly atMs: number
}

export interface Contact {
  readonly user: number
  readonly card: ContactCard
}

export interface Relation {
  readonly user: number
  readonly contact?: ContactCard
  readonly blocked: boolean
  /** The user blocks this account: when he is there is not shown to it. */
  readonly blocksMe?: true
}

export type LiveNews =
  | { readonly type: 'typing'; readonly chat: ChatId; readonly by: number; readonly action: string }
  | { readonly type: 'presence'; readonly user: number; readonly presence: Presence }
  | { readonly type: 'profile'; readonly user: number }

/** Payload of the sink `revoked` (broadcast to gateways): these auth keys are signed out. */
export interface RevokedFrame {
  readonly user: number
  readonly authKeys: readonly string[]
}

/** Payload of the sink `profile` (broadcast to gateways): what they cached of this user or group is stale. */
export interface StaleFrame {
  readonly user?: number
  /** With `user`: the position of the change; an account row that is older does not show it. */
  readonly version?: Position
  readonly group?: number
}

/** Rows derived from accounts' journals, for those who look at people without waking their actors. */
export type AccountRows = Pick<AccountStore, 'get'>
export type { AccountRow }

/** The account that service messages come from; it has a profile and no box. */
export const SERVICE_USER_ID = 777000

export const User = actorType<User, number>('user', {
  methods: {
    deliver: 'turn',
    lane: 'read',
    deleteOwn: 'turn',
    clearHistory: 'turn',
    readMentions: 'turn',
    saveDraft: 'turn',
    clearDrafts: 'turn',
    pinDialog: 'turn',
    reorderPinned: 'turn',
    markDialog: 'turn',
    boxState: 'read',
    difference: 'read',
    messages: 'read',
    history: 'read',
    search: 'read',
    dialogs: 'read',
    dialogsOf: 'read',
    pinnedDialogs: 'read',
    drafts: 'read',
    unreadMentions: 'read',
    locate: 'read',
    idsAt: 'read',
    locateUpTo: 'read',
    whereabouts: 'read',
    knows: 'read',
    register: 'turn',
    profile: 'read',
    updateProfile: 'turn',
    setUsername: 'turn',
    settleName: 'turn',
    close: 'turn',
    notifySettings: 'read',
    setNotifySettings: 'turn',
    contacts: 'read',
    relations: 'read',
    putContacts: 'turn',
    deleteContacts: 'turn',
    setBlocked: 'turn',
    noteBlockedBy: 'turn',
    blocked: 'read',
    authorize: 'turn',
    authorizations: 'read',
    isAuthorized: 'read',
    offerTransfer: 'turn',
    takeTransfer: 'turn',
    revoke: 'turn',
    touch: 'turn',
    acknowledged: 'turn',
    deliveredTo: 'read',
    attach: 'turn',
    detach: 'turn',
    setPresence: 'turn',
    presence: 'read',
    hear: 'turn',
  },
  ...numberKey,
})
