import { type ChatId, parseChatId } from './chat-id.js'
import type { Role } from './contract.js'
import type { ChatFact, Post, StoredInvite } from './fact.js'
import type { ReceiptFilter } from './receipt-filter.js'

/** The fold of a chat's journal. Pure, and never larger than its bounds, however long the chat lives. */
export interface ChatState {
  /** 0 in private chats. */
  readonly groupId: number
  readonly members: Map<number, Member>
  /** There are entries after the last one that says `settled`. */
  owes: boolean
  /** The last entry that concerned all members. */
  lastForAll: number
  /** Receipts (receipts.ts), oldest first: key of (by, op) to the operation's first entry. */
  readonly receipts: Map<number, number>
  /** Windows of which receipts lie in the table `receipt`, oldest first. */
  windows: readonly number[]
  /** Of the oldest of them: the keys that are forgotten already. */
  forgotten?: { readonly window: number; readonly upTo: number }
  /** There are rows of receipts as format 1 wrote them. */
  readonly hasFirstReceipts?: true
  /** Receipts that the latest entry pushed out of the fold; not stored. */
  evicted: readonly (readonly [key: number, n: number])[]
  /** Keys of receipts in rows, while the chat is busy (receipts.ts); not stored. */
  filter?: ReceiptFilter
  /** Everything up to here was deleted for everyone. */
  cut: number
  /** Entries pinned for everyone, oldest first; the latest ones. */
  pins: readonly number[]
  scheduled?: Map<number, Scheduled>
  lastScheduled: number
  /** Private chats: who has blocked the other. */
  blockedBy?: readonly number[]
  group?: Group
}

export interface Member {
  role: Role
  inviter: number
  atMs: number
  /** The entry with which he joined; 0 in private chats. */
  from: number
  /** The last entry that concerned him by name. */
  last: number
  readUpTo: number
  /** A bound from below for his first post that nobody has read; 0: there is none. */
  unreadFrom: number
  lastPost: number
  /** Earlier stays that may not be delivered. */
  past?: readonly Stay[]
}

/** From the entry of joining to that of leaving, both inclusive. */
export type Stay = readonly [from: number, to: number]

export interface Former {
  readonly why: 'left' | 'removed'
  /** Those that may not be delivered. */
  stays: readonly Stay[]
  last: number
  readUpTo: number
  /** The group as it was then: what came later is not for them. Unknown of those who went before this was kept. */
  readonly asOf?: { readonly title: string; readonly version: number; readonly memberCount: number }
}

export interface Group {
  readonly creator: number
  readonly atMs: number
  title: string
  about: string
  version: number
  former?: Map<number, Former>
  invites?: Map<string, StoredInvite & { revoked: boolean; usage: number }>
}

export interface Scheduled {
  readonly by: number
  readonly dueAtMs: number
  /** The entry that has its body. */
  readonly n: number
}

export const FORMER_MEMBERS = 1_000
export const PINS_IN_FOLD = 100
export const INVITES = 100

export function emptyChat(id: ChatId): ChatState {
  const parsed = parseChatId(id)
  const members = new Map<number, Member>()
  if (parsed.kind === 'private') {
    for (const user of [parsed.low, parsed.high]) members.set(user, newMember('member', 0, 0, 0))
  }
  return {
    groupId: parsed.kind === 'group' ? parsed.id : 0,
    members,
    owes: false,
    lastForAll: 0,
    receipts: new Map(),
    windows: [],
    evicted: [],
    cut: 0,
    pins: [],
    lastScheduled: 0,
  }
}

export function newMember(role: Role, inviter: number, from: number, atMs: number): Member {
  return { role, inviter, atMs, from, last: from, readUpTo: 0, unreadFrom: 0, lastPost: 0 }
}

export function countOf(fact: ChatFact): number {
  return fact.type === 'blocked' || fact.type === 'settled' || fact.type === 'forgotten' ? 0 : 1
}

/** Whom the entry concerns when it is next: `state` is the one before it. */
export function recipientsOf(state: ChatState, fact: ChatFact): Iterable<number> {
  if (fact.to) return fact.to
  const joining = fact.type === 'post' ? joinedBy(fact) : []
  return joining.length === 0 ? state.members.keys() : new Set([...state.members.keys(), ...joining])
}

function joinedBy(post: Post): readonly number[] {
  switch (post.action?.type) {
    case 'create':
      return [post.by, ...post.action.users]
    case 'add':
      return post.action.users
    case 'joinByLink':
      return [post.by]
    default:
      return []
  }
}

/** Whether entry `n` concerns the user: decided by the log at that entry, whoever is a member now. */
export function concerns(state: ChatState, user: number, n: number, fact: ChatFact): boolean {
  if (fact.to) return fact.to.includes(user)
  const member = state.members.get(user)
  if (member && member.from <= n) return true
  const stays = member ? member.past : state.group?.former?.get(user)?.stays
  return stays?.some(([from, to]) => from <= n && n <= to) ?? false
}

/** The last entry so far that concerns the user; 0: none that is remembered. */
export function lastFor(state: ChatState, user: number): number {
  const member = state.members.get(user)
  if (!member) return state.group?.former?.get(user)?.last ?? 0
  return state.lastForAll >= member.from ? Math.max(state.lastForAll, member.last) : member.last
}

/** Everyone whose box may lack something. */
export function everyoneConcerned(state: ChatState): number[] {
  const users = [...state.members.keys()]
  for (const [user, former] of state.group?.former ?? []) if (former.stays.length > 0) users.push(user)
  return users
}

export function isGroup(state: ChatState): boolean {
  return state.groupId !== 0
}
