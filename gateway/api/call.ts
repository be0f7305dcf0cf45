import type { ChatId } from '../../actors/chat/chat-id.js'
import { Chat, type Origin } from '../../actors/chat/contract.js'
import { User } from '../../actors/user/contract.js'
import type { ActorType, Ref } from '../../runtime/index.js'
import type { RpcCall, Session } from '../mtproto/index.js'
import { refuseCall } from './errors.js'
import { type Long, longToHex, ZERO_LONG } from './long.js'
import type { Method } from './method.js'
import { originOf } from './origin.js'
import type { Services } from './services.js'

/** Whose calls are counted together: the account's, or the auth key's that no account is signed in on. */
export function callerOf({ userId, permanentAuthKeyId }: Pick<Session, 'userId' | 'permanentAuthKeyId'>): string {
  return userId === 0 ? longToHex(permanentAuthKeyId) : String(userId)
}

/** One call of one client: who asks, by when, as what operation. Actors are reached through it alone. */
export class Call {
  readonly services: Services
  readonly session: Session
  /** The account that asks; 0 when nobody is signed in (methods with `auth: 'any'` only). */
  readonly self: number
  /** The client's layer: some answers have another type in older ones. */
  readonly layer: number
  readonly deadlineMs: number
  readonly traceId: string
  readonly withoutUpdates: boolean
  /** The ids that `invokeWithMessagesRange` lets the call see, both ends among them. */
  readonly messagesRange: RpcCall['messagesRange']
  readonly #msgId: Long
  readonly #method: Method | undefined

  constructor(services: Services, call: RpcCall, method?: Method) {
    this.#method = method
    this.services = services
    this.session = call.session
    this.self = call.session.userId
    this.layer = call.session.layer
    this.deadlineMs = call.deadlineMs
    this.traceId = call.traceId
    this.withoutUpdates = call.withoutUpdates
    this.messagesRange = call.messagesRange
    this.#msgId = call.msgId
  }

  /** The session that asks, which gets the answer and needs no push. */
  get origin(): Origin {
    return originOf(this.session)
  }

  /** Hex of the permanent auth key. */
  get authKey(): string {
    return this.origin.authKey
  }

  /** The operation's id of a call without random_id (CORE D3). */
  get op(): string {
    const { authKey, session } = this.origin
    return `m${authKey}${session}${longToHex(this.#msgId)}`
  }

  /** The operation's id of a send. Refused: RANDOM_ID_EMPTY. */
  opOf(randomId: Long): string {
    // Zero is what a client says that chose none: as an id, its second message would be a repeat of its first.
    if (randomId === ZERO_LONG) refuseCall('RANDOM_ID_EMPTY')
    return `r${longToHex(randomId)}`
  }

  get nowMs(): number {
    return this.services.clock.now()
  }

  /** Seconds since the Unix epoch. */
  get now(): number {
    return Math.floor(this.nowMs / 1000)
  }

  /** This call cost as much as so many more of its method: they count against its flood limit. */
  spend(calls: number): void {
    if (this.#method === undefined || calls < 1) return
    this.services.flood.spend(callerOf(this.session), this.#method.name, calls, this.#method.flood)
  }

  /** An actor, under this call's deadline and trace; unknown outcomes are found out (actor-calls.ts). */
  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>): Ref<Contract> {
    return this.services.actors.ref(type, id, this)
  }

  user(id: number): Ref<User> {
    return this.ref(User, id)
  }

  /** The caller's own actor. */
  get me(): Ref<User> {
    return this.ref(User, this.self)
  }

  chat(id: ChatId): Ref<Chat> {
    return this.ref(Chat, id)
  }
}
