import { actorType } from '../../runtime/index.js'
import type { BoxChange } from '../user/changes.js'
import type { ChatId } from './chat-id.js'
import { parseChatId } from './chat-id.js'

export { groupOfInvite } from './invite-hash.js'

/**
 * A chat orders what happens in a private pair or a basic group of up to 200 members, and delivers it to the members'
 * boxes (CORE D1-D4). `n` is an entry's number in the chat, the only name that actors have for a message.
 *
 * Refusals are Telegram's error texts (`CHAT_ADMIN_REQUIRED`, `MESSAGE_ID_INVALID`, ...).
 */
export interface Chat {
  /** Posts in order, in one commit; a repeat (same `op`) is answered with its first outcome and changes nothing. */
  post(request: PostRequest): Promise<readonly Outcome[]>
  edit(request: EditRequest): Promise<Outcome>
  /** Deletes for everyone. Private: either party, anything. Group: own messages; admins anything. */
  delete(request: Asked & { readonly targets: readonly number[] }): Promise<Outcome>
  /** Deletes all up to `upTo` for everyone (private chats; groups: creator only), a bounded part a call: see `more`. */
  deleteHistory(request: Asked & { readonly upTo: number }): Promise<Outcome>
  /** Moves the caller's read cursor to the entry; the authors read of learn it. */
  read(request: Asked & { readonly upTo: number }): Promise<Outcome>
  /** Replaces the caller's reactions to a message; at most 1 (`[]` removes). */
  react(request: Asked & { readonly target: number; readonly reactions: readonly string[] }): Promise<Outcome>
  reactions(request: {
    by: number
    target: number
    reaction?: string
    offset: number
    limit: number
  }): Promise<ReactionList>
  pin(request: Asked & { target: number; pinned: boolean; silent: boolean; onlyForMe: boolean }): Promise<Outcome>
  unpinAll(request: Asked): Promise<Outcome>

  schedule(request: Asked & { readonly draft: Draft; readonly dueAtMs: number }): Promise<Outcome>
  /** Another time, or another text too, for one that the author has scheduled; it keeps its id. */
  reschedule(request: RescheduleRequest): Promise<Outcome>
  scheduled(request: { readonly by: number }): Promise<readonly ScheduledMessage[]>
  /** Posts now (`post`) or drops the author's scheduled messages. */
  settleScheduled(request: Asked & { ids: readonly number[]; action: 'post' | 'drop' }): Promise<readonly Outcome[]>

  /**
   * Private chats: whether `by` has blocked the other party. What a blocked party posts, edits, pins or reacts with
   * reaches his own box only.
   */
  setBlocked(request: Asked & { readonly blocked: boolean }): Promise<void>

  /** Groups. The id is fresh from the allocator; a repeat of the same `op` answers with the first outcome. */
  create(request: Asked & { title: string; members: readonly number[] }): Promise<Outcome>
  /**
   * Adding oneself is coming back, for those who left by themselves; the creator is creator again. A new member's box
   * begins with the entry of his joining.
   */
  addMember(request: Asked & { readonly user: number }): Promise<Outcome>
  /**
   * Removing oneself is leaving; what the member has scheduled is dropped. `revokeHistory` deletes the removed member's
   * box copies of all that came before.
   */
  removeMember(request: Asked & { readonly user: number; readonly revokeHistory: boolean }): Promise<Outcome>
  setTitle(request: Asked & { readonly title: string }): Promise<Outcome>
  setAbout(request: Asked & { readonly about: string }): Promise<Outcome>
  setAdmin(request: Asked & { readonly user: number; readonly admin: boolean }): Promise<Outcome>
  /** A new link; the caller's earlier permanent one is revoked when `revokePrevious`. */
  exportInvite(request: Asked & InviteOptions): Promise<Invite>
  checkInvite(request: { readonly by: number; readonly hash: string }): Promise<InvitePreview>
  join(request: Asked & { readonly hash: string }): Promise<Outcome>

  /** The group as `viewer` may see it; undefined where there is none. Former members see it as it was when they went, without members. */
  group(request: { readonly viewer: number }): Promise<GroupInfo | undefined>
  /** The other members now, whom typing is told to; none where the other party blocks. Refused for non-members. */
  audience(request: { readonly by: number }): Promise<readonly number[]>
  /** For operators, who trace a message: what is known of entry `n` beside its text; undefined where there is none. */
  whereabouts(request: { readonly n: number }): Promise<Whereabouts | undefined>
}

export interface Whereabouts {
  /** `post`, `edit`, `delete`, ... */
  readonly type: string
  readonly by: number
  readonly op: string
  readonly atMs: number
  /** Whose boxes get it. */
  readonly concerned: readonly number[]
}

/** Every change says who asks, as what operation, and which session must not be pushed to (it has the answer). */
export interface Asked {
  readonly by: number
  /** The operation's id, for deduplication (CORE D3): `r<random_id hex>` or `m<auth key><session><msg_id>`, unique per `by`. */
  readonly op: string
  readonly origin: Origin
}

/** The session that asked: hex of the permanent auth key id and of the session id. */
export interface Origin {
  readonly authKey: string
  readonly session: string
}

export interface PostRequest {
  readonly by: number
  readonly origin: Origin
  /** At most 100; each has its own `op`. */
  readonly drafts: readonly (Draft & { readonly op: string })[]
}

export interface Draft {
  /** An encoded MessageBody (actors/message/body.ts), at most 64 KiB. */
  readonly body: Uint8Array
  readonly silent?: boolean
  readonly noForwards?: boolean
  /** The entry replied to. */
  readonly replyTo?: number
  /** Users mentioned by name or id; only members count. */
  readonly mentions?: readonly number[]
  readonly clearDraft?: boolean
  readonly groupedId?: string
}

export interface EditRequest extends Asked {
  readonly target: number
  readonly body: Uint8Array
  readonly mentions?: readonly number[]
}

export interface RescheduleRequest extends Asked {
  readonly id: number
  readonly dueAtMs: number
  /** None: text and mentions stay. */
  readonly body?: Uint8Array
  readonly mentions?: readonly number[]
}

/** What an operation did: the chat's entry and what it changed in the caller's own box, for the answer. */
export interface Outcome {
  /** The chat entry's number; for `create` and members the service message's. 0: there was nothing to change. */
  readonly n: number
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number
  /** True when `op` was known: `changes` are the first outcome's. */
  readonly repeated: boolean
  readonly changes: readonly BoxChange[]
  /** In groups: the members whom it goes to. */
  readonly reach?: number
  /** `deleteHistory` and `unpinAll` do a bounded part a call: true when the caller must ask again, as a new operation. */
  readonly more?: boolean
}

export interface ReactionList {
  readonly total: number
  readonly items: readonly { readonly user: number; readonly reaction: string; readonly atMs: number }[]
  readonly nextOffset?: number
}

export interface ScheduledMessage {
  /** Its own sequence of ids, a (chat, author). */
  readonly id: number
  readonly dueAtMs: number
  readonly draft: Draft
  /** Changed since it was scheduled. */
  readonly edited: boolean
}

export interface InviteOptions {
  readonly revokePrevious: boolean
  readonly expiresAtMs?: number
  readonly usageLimit?: number
  readonly title?: string
}

export interface Invite extends InviteOptions {
  /** The part of the link after `+`: names the chat, so no directory is asked. */
  readonly hash: string
  readonly by: number
  readonly atMs: number
  readonly usage: number
  readonly permanent: boolean
  readonly revoked: boolean
}

export interface InvitePreview {
  readonly already: boolean
  readonly group: GroupInfo
}

export type Role = 'creator' | 'admin' | 'member'

export interface GroupMember {
  readonly user: number
  readonly role: Role
  readonly inviter: number
  readonly atMs: number
}

export interface GroupInfo {
  readonly id: number
  readonly title: string
  readonly about: string
  readonly creator: number
  readonly atMs: number
  /** Rises with every change of title, members or admins. */
  readonly version: number
  readonly memberCount: number
  /** Empty for those who are not in it. */
  readonly members: readonly GroupMember[]
  readonly membership: Role | 'left' | 'removed' | 'none'
  /** The entry pinned last. */
  readonly pinned?: number
  readonly invite?: Invite
}

/** What a service message tells; the fold of members and title lives on it. */
export type ServiceAction =
  | { readonly type: 'create'; readonly title: string; readonly users: readonly number[] }
  | { readonly type: 'add'; readonly users: readonly number[] }
  | { readonly type: 'remove'; readonly user: number }
  | { readonly type: 'joinByLink'; readonly inviter: number }
  | { readonly type: 'title'; readonly title: string }
  | { readonly type: 'pin'; readonly target: number }

export const MAX_GROUP_MEMBERS = 200

export const Chat = actorType<Chat, ChatId>('chat', {
  methods: {
    post: 'turn',
    edit: 'turn',
    delete: 'turn',
    deleteHistory: 'turn',
    read: 'turn',
    react: 'turn',
    reactions: 'read',
    pin: 'turn',
    unpinAll: 'turn',
    schedule: 'turn',
    reschedule: 'turn',
    scheduled: 'read',
    settleScheduled: 'turn',
    setBlocked: 'turn',
    create: 'turn',
    addMember: 'turn',
    removeMember: 'turn',
    setTitle: 'turn',
    setAbout: 'turn',
    setAdmin: 'turn',
    exportInvite: 'turn',
    checkInvite: 'read',
    join: 'turn',
    group: 'read',
    audience: 'read',
    whereabouts: 'read',
  },
  key: (id) => id,
  parse: (key) => {
    parseChatId(key)
    return key as ChatId
  },
})
