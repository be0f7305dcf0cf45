/**
 * What a chat's log says that each member's box holds, worked out anew from the stored entries, apart from the actors'
 * own code.
 */
import type { ChatId } from '../actors/chat/chat-id.js'
import { parseChatId } from '../actors/chat/chat-id.js'
import type { ServiceAction } from '../actors/chat/contract.js'
import type { JournalEntry } from '../runtime/index.js'
import { textOf } from './replica.js'
import { factOf } from './stored-journals.js'

/** An entry as far as the checker reads it. */
interface Fact {
  readonly type: string
  readonly by: number
  readonly op: string
  readonly to?: readonly number[]
  readonly action?: ServiceAction
  readonly target?: number
  readonly targets?: readonly number[]
  readonly from?: number
  readonly upTo?: number
  readonly id?: number
  readonly dueAtMs?: number
  readonly ids?: readonly number[]
}

/** A post that says nothing else is written as [by, op]. */
function unpacked(stored: unknown): Fact {
  if (!Array.isArray(stored)) return stored as Fact
  const [by, op] = stored as [number, string]
  return { type: 'post', by, op }
}

export interface Expected {
  /** '' for a service message; undefined: not known any more, as the body was erased. */
  text: string | undefined
  /** May be missing: its body was erased before it can have been delivered. */
  isDoubtful: boolean
}

export class ChatLog {
  readonly chat: ChatId
  /** user -> n -> what his box has */
  readonly boxes = new Map<number, Map<number, Expected>>()
  /** text -> entries that post it */
  readonly posts = new Map<string, number[]>()
  readonly byNumber = new Map<number, { readonly by: number; readonly text: string | undefined }>()
  /** id -> who scheduled it; and when it is due of what still waits */
  readonly scheduled = new Map<number, number>()
  readonly waiting = new Map<number, number>()
  readonly #members = new Set<number>()

  constructor(chat: ChatId, entries: readonly JournalEntry[]) {
    this.chat = chat
    const parsed = parseChatId(chat)
    if (parsed.kind === 'private') for (const user of [parsed.low, parsed.high]) this.#members.add(user)
    for (const entry of entries) if (entry.count > 0) this.#fold(entry)
  }

  isMember(user: number): boolean {
    return this.#members.has(user)
  }

  #fold(entry: JournalEntry): void {
    const { pts: n, body } = entry
    const fact = unpacked(factOf(entry))
    const { action } = fact
    if (action?.type === 'create') for (const user of [fact.by, ...action.users]) this.#members.add(user)
    if (action?.type === 'add') for (const user of action.users) this.#members.add(user)
    if (action?.type === 'joinByLink') this.#members.add(fact.by)
    for (const user of fact.to ?? this.#members) this.#foldFor(this.#box(user), n, fact, body)
    if (fact.type === 'post' && !action) this.#post(n, fact, body)
    if (fact.type === 'schedule') this.#schedule(fact)
    if (fact.type === 'unschedule') for (const id of fact.ids ?? []) this.waiting.delete(id)
    if (action?.type === 'remove') this.#members.delete(action.user)
  }

  #post(n: number, { by }: Fact, body: Uint8Array | undefined): void {
    const text = body && textOf(body)
    this.byNumber.set(n, { by, text })
    if (text === undefined) return
    // What was changed before it was sent is the same message still.
    const [sent = ''] = text.split('~')
    const entries = this.posts.get(sent)
    if (entries === undefined) this.posts.set(sent, [n])
    else entries.push(n)
  }

  #schedule({ by, id = 0, dueAtMs = 0 }: Fact): void {
    this.scheduled.set(id, by)
    this.waiting.set(id, dueAtMs)
  }

  #foldFor(box: Map<number, Expected>, n: number, fact: Fact, body: Uint8Array | undefined): void {
    switch (fact.type) {
      case 'post':
        box.set(n, { text: fact.action ? '' : body && textOf(body), isDoubtful: body === undefined && !fact.action })
        return
      case 'edit': {
        const message = box.get(fact.target ?? 0)
        if (message) message.text = body && textOf(body)
        return
      }
      case 'delete':
        for (const target of fact.targets ?? []) box.delete(target)
        return
      case 'deleteHistory':
        for (const target of [...box.keys()]) if (target <= (fact.upTo ?? 0)) box.delete(target)
    }
  }

  #box(user: number): Map<number, Expected> {
    let box = this.boxes.get(user)
    if (box === undefined) {
      box = new Map()
      this.boxes.set(user, box)
    }
    return box
  }
}
