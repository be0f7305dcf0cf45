import type { Ref } from '../../../runtime/index.js'
import type { ChatId } from '../../chat/chat-id.js'
import { groupChat, peerKey, peerOfChat, privateChat } from '../../chat/chat-id.js'
import { encodeBody } from '../../message/body.js'
import type { BoxChange } from '../changes.js'
import type { LaneItem, User } from '../contract.js'

export const ME = 1
export const ORIGIN = { authKey: 'a'.repeat(16), session: 'b'.repeat(16) }

type Content<T = LaneItem> = T extends LaneItem ? Omit<T, 'n' | 'atMs' | 'origin'> : never

/** Chats that deliver to one box, and what the box must hold then: the plain model that the actor is compared with. */
export class World {
  readonly chats: readonly WorldChat[] = [
    new WorldChat(privateChat(ME, 7)),
    new WorldChat(privateChat(ME, 8)),
    new WorldChat(privateChat(ME, ME)),
    new WorldChat(groupChat(9)),
    new WorldChat(groupChat(10)),
  ]

  chat(index: number): WorldChat {
    return this.chats[index % this.chats.length] as WorldChat
  }
}

export interface Expected {
  readonly n: number
  readonly id: number
  readonly out: boolean
  text: string
  mention: boolean
  pinned: boolean
}

export class WorldChat {
  readonly id: ChatId
  readonly peer
  readonly key
  /** The chat's log, as far as it concerns the box. */
  readonly log: LaneItem[] = []
  /** What was answered to each first delivery. */
  readonly answers = new Map<number, readonly BoxChange[]>()
  /** Messages that must be in the box. */
  messages: Expected[] = []
  readIn = 0
  readOut = 0
  #n = 0

  constructor(id: ChatId) {
    this.id = id
    this.peer = peerOfChat(ME, id)
    this.key = peerKey(this.peer)
  }

  get unread(): number {
    return this.messages.filter(({ id, out }) => !out && id > this.readIn).length
  }

  /** The number of some message that the chat once had. */
  pick(index: number): number {
    const posted = this.log.filter(({ type }) => type === 'message')
    return posted[index % Math.max(posted.length, 1)]?.n ?? index
  }

  /** Puts entries into the log without delivering them; `skip` numbers concern others only. */
  write(contents: readonly Content[], atMs: number, skip = 0): LaneItem[] {
    this.#n += skip
    const items = contents.map((content) => ({ ...content, n: ++this.#n, atMs, origin: ORIGIN }) as LaneItem)
    this.log.push(...items)
    return items
  }

  /** Delivers what follows the box's mark, after repeating `overlap` items that it has. */
  async deliver(user: Ref<User>, overlap: number): Promise<void> {
    const w = await user.lane(this.id)
    const first = this.log.findIndex(({ n }) => n > w)
    const start = Math.max(0, (first === -1 ? this.log.length : first) - overlap)
    const items = this.log.slice(start)
    if (items.length === 0) return
    const after = this.log[start - 1]?.n ?? 0
    const answer = await user.deliver({ chat: this.id, after, items })
    if (!answer.taken) throw new Error(`refused at ${answer.w}`)
    if (answer.w !== (this.log.at(-1)?.n ?? 0)) throw new Error('w is not at the last item')
    for (const { n, changes } of answer.changes) {
      const before = this.answers.get(n)
      if (before) continue
      this.answers.set(n, changes)
      this.#expect(items.find((item) => item.n === n) as LaneItem, changes)
    }
  }

  #expect(item: LaneItem, changes: readonly BoxChange[]): void {
    switch (item.type) {
      case 'message': {
        const id = changes[0]?.pts ?? 0
        const out = item.from === ME
        const text = item.body.length > 0 ? new TextDecoder().decode(item.body) : ''
        this.messages.push({ n: item.n, id, out, text, mention: (item.mentioned ?? false) && !out, pinned: false })
        return
      }
      case 'delete':
        this.messages = this.messages.filter(({ n }) => !item.targets.includes(n))
        return
      case 'deleteHistory':
        this.messages = this.messages.filter(({ n }) => n > item.upTo)
        return
      case 'readInbox':
        this.readIn = Math.max(this.readIn, this.#idUpTo(item.upTo))
        return
      case 'readOutbox':
        this.readOut = Math.max(this.readOut, this.#idUpTo(item.upTo))
        return
      case 'pin':
        for (const message of this.messages) if (item.targets.includes(message.n)) message.pinned = item.pinned
    }
  }

  #idUpTo(n: number): number {
    return this.messages.findLast((message) => message.n <= n)?.id ?? 0
  }
}

export const text = (content: string): Uint8Array => encodeBody({ text: content })
