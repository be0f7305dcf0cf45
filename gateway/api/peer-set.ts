import { type ChatId, type PeerKey, parseChatId, parsePeerKey } from '../../actors/chat/chat-id.js'
import type { ServiceAction } from '../../actors/chat/contract.js'
import type { MessageBody } from '../../actors/message/body.js'
import type { MessageFact, RecentReaction } from '../../actors/user/changes.js'

const NO_GROUPS: ReadonlySet<number> = new Set()

/** The users and groups that an answer names: each must be in its `users` and `chats`, or clients crash. */
export class PeerSet {
  readonly users = new Set<number>()
  #groups: Set<number> | undefined

  get groups(): ReadonlySet<number> {
    return this.#groups ?? NO_GROUPS
  }

  user(id: number | undefined): this {
    if (id) this.users.add(id)
    return this
  }

  group(id: number | undefined): this {
    if (!id) return this
    this.#groups ??= new Set()
    this.#groups.add(id)
    return this
  }

  peer(key: PeerKey): this {
    const { kind, id } = parsePeerKey(key)
    return kind === 'user' ? this.user(id) : this.group(id)
  }

  chat(id: ChatId): this {
    const chat = parseChatId(id)
    return chat.kind === 'group' ? this.group(chat.id) : this.user(chat.low).user(chat.high)
  }

  message(fact: MessageFact, body: MessageBody, reactions: readonly RecentReaction[] = []): this {
    this.peer(fact.peer).user(fact.from)
    if (fact.action) this.action(fact.action)
    this.body(body)
    for (const { user } of reactions) this.user(user)
    return this
  }

  body(body: MessageBody): this {
    const { entities, quote, forward } = body
    if (entities !== undefined) for (const { userId } of entities) this.user(userId)
    if (quote?.entities !== undefined) for (const { userId } of quote.entities) this.user(userId)
    if (forward !== undefined) {
      this.user(forward.fromUser).user(forward.savedFrom?.user).group(forward.savedFrom?.group)
    }
    return this
  }

  action(action: ServiceAction): this {
    if (action.type === 'create' || action.type === 'add') for (const user of action.users) this.user(user)
    if (action.type === 'remove') this.user(action.user)
    if (action.type === 'joinByLink') this.user(action.inviter)
    return this
  }
}
