import type { ClientTransport } from '../harness/index.js'

/** The libraries that are held to: `mtcute` 0.30.3 speaks layer 227, `gramjs` 2.26.22 layer 198. */
export type Library = 'mtcute' | 'gramjs'

/** A message as every library shows it. */
export interface Seen {
  readonly id: number
  readonly text: string
  readonly out: boolean
  /** The sender's user id. */
  readonly from: number
  readonly replyTo?: number
  /** First name of whom it was forwarded from. */
  readonly isForward: boolean
  readonly edited: boolean
  readonly silent: boolean
  /** `messageActionChatCreate` and the like. */
  readonly action?: string
}

/** What a device was told without asking, as the library handed it to its user. */
export type Event =
  | { readonly type: 'message'; readonly message: Seen }
  | { readonly type: 'edit'; readonly message: Seen }
  | { readonly type: 'scheduled'; readonly id: number; readonly text: string }
  | { readonly type: 'delete'; readonly ids: readonly number[] }
  | { readonly type: 'read'; readonly by: 'me' | 'other'; readonly maxId: number; readonly stillUnread?: number }
  | { readonly type: 'typing'; readonly user: number; readonly action: string }
  | { readonly type: 'status'; readonly user: number; readonly status: string }
  | { readonly type: 'pinned'; readonly ids: readonly number[]; readonly pinned: boolean }
  | { readonly type: 'reactions'; readonly id: number; readonly emojis: readonly string[] }
  | { readonly type: 'draft'; readonly text: string }
  | { readonly type: 'dialogPinned'; readonly pinned: boolean }
  | { readonly type: 'name'; readonly user: number; readonly firstName: string; readonly username: string }
  | { readonly type: 'other'; readonly name: string }

export interface SeenDialog {
  /** Marked: positive for users, negative for groups. */
  readonly peer: number
  readonly title: string
  readonly unread: number
  readonly topId: number
  readonly topText: string
  readonly pinned: boolean
  readonly draft: string
  readonly readOutboxMaxId: number
}

/** A user by username, a chat by its marked id, or `me`. */
export type Peer = string | number

export interface SendOptions {
  readonly replyTo?: number
  readonly silent?: boolean
  /** Unix time in seconds. */
  readonly at?: number
}

/** One logged-in client, by the high-level methods that its library offers; raw calls stand in for what it lacks. */
export interface Device {
  readonly library: Library
  readonly transport: ClientTransport
  readonly phone: string
  readonly self: number
  /** All that it was told, in the order of arrival. */
  readonly events: readonly Event[]

  send(peer: Peer, text: string, options?: SendOptions): Promise<Seen>
  edit(peer: Peer, id: number, text: string): Promise<Seen>
  forward(from: Peer, ids: readonly number[], to: Peer): Promise<readonly Seen[]>
  delete(peer: Peer, ids: readonly number[], options: { revoke: boolean }): Promise<void>
  read(peer: Peer, maxId: number): Promise<void>
  type(peer: Peer): Promise<void>
  react(peer: Peer, id: number, emoji: string | undefined): Promise<void>
  pin(peer: Peer, id: number, pinned: boolean): Promise<void>
  /** Newest first. */
  history(peer: Peer, limit?: number): Promise<readonly Seen[]>
  /** Newest first. */
  search(peer: Peer, query: string): Promise<readonly Seen[]>
  scheduled(peer: Peer): Promise<readonly Seen[]>
  /** Another time, and another text where one is given; as the library shows it then. */
  reschedule(peer: Peer, id: number, at: number, text?: string): Promise<Seen | undefined>
  settleScheduled(peer: Peer, ids: readonly number[], action: 'send' | 'delete'): Promise<void>
  dialogs(): Promise<readonly SeenDialog[]>
  saveDraft(peer: Peer, text: string): Promise<void>
  pinDialog(peer: Peer, pinned: boolean): Promise<void>
  clearHistory(peer: Peer, options: { revoke: boolean }): Promise<void>
  setUsername(username: string): Promise<void>
  setName(firstName: string, lastName: string): Promise<void>
  setOnline(online: boolean): Promise<void>
  /** The new group's marked id. */
  createGroup(title: string, members: readonly string[]): Promise<number>
  end(): Promise<void>
}
