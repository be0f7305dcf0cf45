import type { ServiceAction } from './contract.js'

/**
 * The entries of a chat's journal. Each takes one number but `blocked`, `settled` and `forgotten`, which concern no box. An entry with `to`
 * concerns those accounts alone; one without concerns all who are members at it (CORE D1).
 */
export type ChatFact =
  | Post
  | Edit
  | Deletion
  | HistoryDeletion
  | Read
  | React
  | Pin
  | Schedule
  | Unschedule
  | GroupFact
  | Settled
  | Forgotten

interface Change {
  readonly by: number
  /** The operation's id (CORE D3). */
  readonly op: string
  /** Of its receipt, where it is not 0 (receipts.ts). */
  readonly slot?: number
  /** The second of the operation's two entries; it stands right after the first. */
  readonly second?: true
  readonly to?: readonly number[]
}

/** Body: the message's, none with an action. */
export interface Post extends Change {
  readonly type: 'post'
  readonly silent?: boolean
  readonly noForwards?: boolean
  readonly replyTo?: number
  /** Members who are mentioned, by name or as the author replied to. */
  readonly mentions?: readonly number[]
  readonly clearDraft?: boolean
  readonly groupedId?: string
  readonly fromScheduled?: boolean
  readonly action?: ServiceAction
  /** With an action that changes members: former stays of these users are delivered and need not be remembered. */
  readonly delivered?: readonly number[]
  /** With action 'joinByLink': the link's hash. */
  readonly invite?: string
}

/** Body: the new one. */
export interface Edit extends Change {
  readonly type: 'edit'
  readonly target: number
  /** The edit before, whose body nobody needs any more. */
  readonly previous?: number
  readonly mentions?: readonly number[]
}

export interface Deletion extends Change {
  readonly type: 'delete'
  readonly targets: readonly number[]
  /** Edits of the targets. */
  readonly edits: readonly number[]
}

/** All of (from, upTo]; with `to`, only in those boxes. */
export interface HistoryDeletion extends Change {
  readonly type: 'deleteHistory'
  readonly from: number
  readonly upTo: number
  /** Later edits of what is deleted. */
  readonly edits: readonly number[]
}

/** `to`: the reader, then the authors of what nobody had read before. */
export interface Read extends Change {
  readonly type: 'read'
  readonly upTo: number
}

export type Reacted = readonly [user: number, reaction: string, atMs: number]

export interface React extends Change {
  readonly type: 'react'
  readonly target: number
  /** All reactions to the message after this one, oldest first. */
  readonly all: readonly Reacted[]
}

/** `to`: a pin for oneself. */
export interface Pin extends Change {
  readonly type: 'pin'
  readonly targets: readonly number[]
  readonly pinned: boolean
}

/** Body: the draft's. */
export interface Schedule extends Change {
  readonly type: 'schedule'
  readonly id: number
  readonly dueAtMs: number
  /** An edit: the entry that had the message before, whose body nobody needs any more. */
  readonly replaces?: number
  readonly clearDraft?: boolean
  readonly silent?: boolean
  readonly noForwards?: boolean
  readonly replyTo?: number
  readonly mentions?: readonly number[]
}

export interface Unschedule extends Change {
  readonly type: 'unschedule'
  readonly ids: readonly number[]
  /** The posts that they became, in the order of `ids`. */
  readonly sent?: readonly number[]
  /** The entries that scheduled them. */
  readonly entries: readonly number[]
}

/** All that came before is delivered: the next activation need not ask the boxes. Takes no number. */
export interface Settled {
  readonly type: 'settled'
  readonly by: 0
  readonly op: ''
  readonly to?: undefined
  readonly slot?: undefined
  readonly second?: undefined
}

/** Receipts of the window that are too old to be asked for; with no keys, there are none left. Takes no number. */
export interface Forgotten extends Omit<Settled, 'type'> {
  readonly type: 'forgotten'
  readonly window: number
  readonly keys: readonly number[]
}

export type GroupFact =
  | (Change & { readonly type: 'about'; readonly about: string; readonly version: number })
  | (Change & { readonly type: 'admin'; readonly user: number; readonly admin: boolean; readonly version: number })
  | (Change & { readonly type: 'invite'; readonly invite: StoredInvite; readonly revoked: readonly string[] })
  | (Change & { readonly type: 'blocked'; readonly blocked: boolean })

/** A link, by its hash; what `Invite` shows, as the group keeps it. */
export interface StoredInvite {
  readonly hash: string
  readonly by: number
  readonly atMs: number
  readonly permanent: boolean
  readonly expiresAtMs?: number
  readonly usageLimit?: number
  readonly title?: string
}

/** An entry as delivery handles it. */
export interface ChatEntry {
  readonly n: number
  readonly atMs: number
  readonly fact: ChatFact
  readonly body?: Uint8Array
}

/** A post that says no more than who posted it, under which operation: nearly all there is in a chat's journal. */
type PackedPost = readonly [by: number, op: string]

/** As it is written: everything else stands as it is. */
export function packFact(fact: ChatFact): PackedPost | ChatFact {
  return fact.type === 'post' && isBare(fact) ? [fact.by, fact.op] : fact
}

export function unpackFact(stored: unknown): ChatFact {
  if (!Array.isArray(stored)) return stored as ChatFact
  const [by, op] = stored as unknown as PackedPost
  return { type: 'post', by, op }
}

function isBare(fact: Post): boolean {
  for (const field in fact) if (field !== 'type' && field !== 'by' && field !== 'op') return false
  return true
}
