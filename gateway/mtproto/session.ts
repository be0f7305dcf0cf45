import { resolveLayer } from '../tl/index.js'
import type { AuthKey } from './auth-key.js'
import type { ClientInfo } from './auth-key-store.js'
import type { Call } from './call.js'
import { addressGroup } from './client-address.js'
import type { HoldingSession } from './holders.js'
import type { PacketLink } from './link.js'
import type { Long } from './long.js'
import { ANSWER, MESSAGE_ID_KEPT_SECONDS, type MessageKind, NOTICE } from './message-id.js'
import { Outbox, Outgoing } from './outbox.js'
import { type Loose, writePackets } from './packet-writer.js'
import { currentSalt } from './salts.js'
import { SeenMessages } from './seen-messages.js'
import { serviceBody } from './service-body.js'
import type { PushOutcome, Session } from './session-view.js'
import type { World } from './world.js'

/** Notices and acknowledgements that may wait for an HTTP client's next request. */
const MAX_QUEUED = 4096
/** Answers that a silent HTTP client may not have received are sent again after this long. */
const LOSSY_RESEND_AFTER_MS = 15_000
/** Clients that are there acknowledge sooner. */
const SETTLED_AFTER_MS = 2_000

/**
 * An MTProto session: the state of one conversation, whatever connection carries it.
 *
 * 1. A message that needs an acknowledgement is in the outbox from its making until it is acknowledged or dropped, and
 *    is sent again on the next connection under its own id.
 * 2. When a push is dropped, `lostPushes` is set, and the client is told to fetch the difference when it comes back.
 * 3. An idle session holds no maps, lists or buffers.
 * 4. After `end` nothing is sent and no hook is called any more.
 */
export class MtprotoSession implements Session, HoldingSession {
  readonly world: World
  readonly key: AuthKey
  readonly id: Long
  /** The lowest message id of the packet that began the session. */
  readonly firstMsgId: Long
  readonly seen = new SeenMessages()
  attachment: unknown = undefined
  link: PacketLink | undefined = undefined
  ended = false
  ready = false
  /** It made a call that a client's main session makes. */
  spoke = false
  /** It said `invokeWithoutUpdates` before anything that entitles it to updates. */
  declinedUpdates = false
  lostPushes = false
  /**
   * The client's session began before this one here, and what it had missed is unknown: it is told to fetch the
   * difference, because some clients do not conclude that from `new_session_created`.
   */
  isOlder = false
  /** Another gateway has it since; a connection still carries it here. */
  livesElsewhere = false
  flushing = false
  callsRunning = 0
  /** Messages that calls of this session wait for and that have not arrived. */
  callsExpected = 0
  lastActiveMs: number
  #address = ''
  #contentCount = 0
  #absent = false
  #resentMs = 0
  #outbox: Outbox | undefined = undefined
  #queued: (Outgoing | Loose)[] | undefined = undefined
  #acks: Long[] | undefined = undefined

  constructor(world: World, key: AuthKey, id: Long, firstMsgId: Long) {
    this.world = world
    this.key = key
    this.id = id
    this.firstMsgId = firstMsgId
    this.lastActiveMs = world.clock.monotonic()
  }

  get authKeyId(): Long {
    return this.key.id
  }

  get permanentAuthKeyId(): Long {
    return this.key.owner.id
  }

  /** It is live, on the key of this id; then that key is still good. */
  isOn(keyId: Long): boolean {
    return !this.ended && this.key.id === keyId
  }

  get layer(): number {
    return resolveLayer(this.key.owner.layer || this.key.layer || this.world.newestLayer)
  }

  get userId(): number {
    return this.key.owner.userId
  }

  get client(): ClientInfo | undefined {
    return this.key.owner.client ?? this.key.client
  }

  get remoteAddress(): string {
    return this.link?.remoteAddress ?? this.#address
  }

  get receivesUpdates(): boolean {
    return this.ready
  }

  get connected(): boolean {
    return this.link !== undefined
  }

  get heldBytes(): number {
    return this.#outbox?.bytes ?? 0
  }

  /** Nothing is on its way to the client or waits for its acknowledgement. */
  get idle(): boolean {
    return this.#queued === undefined && this.#acks === undefined && (this.#outbox?.length ?? 0) === 0
  }

  pushUpdate(body: Buffer, tag?: number): PushOutcome {
    if (this.ended) return 'lost'
    this.world.metrics.count('pushes')
    if (this.world.budget.exhausted && !this.link) {
      this.#losePush()
      return 'lost'
    }
    const message = this.#content(NOTICE, body, { push: true, tag })
    if (!message.held) return 'lost'
    return this.link ? 'sent' : 'held'
  }

  /** The answer to a call: content of its own id, kept until it is acknowledged. */
  answer(call: Call, body: Buffer): void {
    if (this.ended) return
    call.answer = this.#content(ANSWER, body, { call })
  }

  /** A message that needs no acknowledgement; lost when nobody is there to take it. */
  notify(body: Buffer): void {
    if (!this.link || (this.#queued?.length ?? 0) >= MAX_QUEUED) return
    this.world.ids.next(ANSWER)
    const { high, low } = this.world.ids
    this.#enqueue({ high, low, seqNo: this.#contentCount * 2, body, alone: false })
  }

  /** Tells the client that its session is new here. Alone in its packet: some clients handle a container in order and would wait in it. */
  announce(): void {
    const uniqueId = this.world.uniqueId()
    const serverSalt = currentSalt(this.key, this.world.nowSeconds())
    const body = serviceBody({ _: 'mt_new_session_created', firstMsgId: this.firstMsgId, uniqueId, serverSalt })
    this.#content(NOTICE, body, { alone: true })
  }

  /** Tells the client, with the next packet, that these messages arrived. */
  acknowledge(msgId: Long): void {
    if (!this.link || (this.#acks?.length ?? 0) >= MAX_QUEUED) return
    if (this.#acks) this.#acks.push(msgId)
    else this.#acks = [msgId]
    this.world.flushSoon(this)
  }

  /** The client has these messages. */
  acknowledged(ids: readonly Long[]): void {
    for (const id of ids) {
      const message = this.#outbox?.take(id)
      if (!message) continue
      const { call, tag } = message
      if (call) this.seen.replace(call.msgId, call, call.failed ? 'failed' : 'done')
      if (!message.isPush) continue
      this.world.metrics.count('pushes_acked')
      if (tag !== undefined && !this.ended) this.world.hooks.onUpdateAcked?.(this, tag)
    }
  }

  /** Sends a message again. False if it is not held any more. */
  resend(message: Outgoing): boolean {
    if (!message.held) return false
    if (message.sent && this.link && !message.queued) {
      this.world.metrics.count('messages_resent')
      this.#enqueue(message)
    }
    return true
  }

  findOutgoing(id: Long): Outgoing | undefined {
    return this.#outbox?.find(id)
  }

  /** Removes an answer that the client does not want any more. */
  discard(message: Outgoing): void {
    this.acknowledged([message.id])
    if (this.#queued) this.#queued = this.#queued.filter((queued) => queued !== message)
  }

  /** The client speaks on this connection now. What it may have missed on an earlier one is sent again. */
  attach(link: PacketLink): void {
    this.lastActiveMs = this.world.clock.monotonic()
    this.livesElsewhere = false
    if (link.lossy && this.link === link) this.#resendLost()
    if (this.link === link) return
    this.link = link
    this.#address = link.remoteAddress
    this.#changeHolder()
    if (!this.#absent) return
    this.#absent = false
    this.#resendAll(Number.POSITIVE_INFINITY)
    if (this.lostPushes) this.#resync()
  }

  /** A connection that carried the session is closed. */
  detach(link: PacketLink): void {
    if (this.link !== link) {
      // Some of what is unacknowledged may have gone down with the other connection.
      this.#resendAll(Number.POSITIVE_INFINITY)
      return
    }
    this.link = undefined
    this.#dropQueue()
    this.#absent = true
    this.lastActiveMs = this.world.clock.monotonic()
    this.#bound()
    this.#outbox?.settle(Number.POSITIVE_INFINITY)
  }

  /** Whether the session is to receive its account's updates may have changed. */
  updateReadiness(): void {
    const ready = this.spoke && !this.declinedUpdates && this.userId !== 0 && !this.ended
    if (ready === this.ready) return
    this.ready = ready
    if (ready) {
      this.world.hooks.onSessionReady?.(this)
      if (this.isOlder) this.#resync()
      this.isOlder = false
    } else this.world.hooks.onSessionGone?.(this)
  }

  /** Another account, or none, is signed in on the key. */
  userChanged(): void {
    this.#changeHolder()
    if (this.ready) {
      this.ready = false
      this.world.hooks.onSessionGone?.(this)
    }
    this.updateReadiness()
  }

  /** Forgets what has aged out. */
  sweep(): void {
    const nowMs = this.world.clock.monotonic()
    this.seen.trim(this.world.limits.seenMessagesPerSession, this.world.nowSeconds() - MESSAGE_ID_KEPT_SECONDS)
    this.#trim(nowMs - this.world.limits.unackedKeptMs)
    this.#outbox?.settle(nowMs - SETTLED_AFTER_MS)
    this.#releaseOutbox()
  }

  /** Memory is short: what the client has had time to acknowledge goes. */
  relieve(maxBytes: number): void {
    const { unackedMessages } = this.world.limits
    this.#outbox?.trim(unackedMessages, maxBytes, Number.NEGATIVE_INFINITY, (message) => this.#dropped(message))
  }

  end(): void {
    if (this.ended) return
    const wasReady = this.ready
    this.ended = true
    this.ready = false
    this.#outbox?.trim(0, 0, Number.POSITIVE_INFINITY, () => {})
    this.#releaseOutbox()
    this.#queued = undefined
    this.#acks = undefined
    this.link = undefined
    if (wasReady) this.world.hooks.onSessionGone?.(this)
  }

  /** Writes what is queued, in as few packets as the rules allow. */
  flush(): void {
    this.flushing = false
    const link = this.link
    if (!link?.writable || this.ended) return
    this.#queueAcks()
    const queued = this.#queued
    if (!queued) return
    this.#queued = undefined
    const written = writePackets(this.world, link, this, queued, this.#contentCount * 2)
    if (written === queued.length) return
    this.#queued = queued.slice(written)
    // The connection broke while it was written to.
    if (!this.link) this.#dropQueue()
  }

  #content(
    kind: MessageKind,
    body: Buffer,
    about: { readonly call?: Call; readonly push?: true; readonly tag?: number | undefined; readonly alone?: true },
  ): Outgoing {
    const { world } = this
    world.ids.next(kind)
    const seqNo = this.#contentCount++ * 2 + 1
    const message = new Outgoing(world.ids, seqNo, body, world.clock.monotonic(), about)
    this.#outbox ??= new Outbox(world.holders, world.holders.join(this.#holderName, this))
    this.#outbox.add(message)
    if (this.link) this.#enqueue(message)
    else message.settle()
    this.#bound()
    return message
  }

  #enqueue(message: Outgoing | Loose) {
    if (message instanceof Outgoing) message.queued = true
    if (this.#queued) this.#queued.push(message)
    else this.#queued = [message]
    this.world.flushSoon(this)
  }

  #queueAcks() {
    const acks = this.#acks
    if (!acks) return
    this.#acks = undefined
    this.world.ids.next(ANSWER)
    const { high, low } = this.world.ids
    const body = serviceBody({ _: 'mt_msgs_ack', msgIds: acks })
    this.#queued = [...(this.#queued ?? []), { high, low, seqNo: this.#contentCount * 2, body, alone: false }]
  }

  /** Now and then, what an HTTP client may not have received. */
  #resendLost() {
    const sinceMs = this.world.clock.monotonic() - LOSSY_RESEND_AFTER_MS
    if (this.#resentMs > sinceMs) return
    this.#resentMs = this.world.clock.monotonic()
    this.#resendAll(sinceMs)
  }

  /** Queues what was sent before `queuedBeforeMs` and is not acknowledged. */
  #resendAll(queuedBeforeMs: number) {
    if (!this.#outbox || !this.link) return
    for (const message of this.#outbox.messages) {
      if (message.queuedAtMs > queuedBeforeMs || message.queued) continue
      if (message.sent) this.world.metrics.count('messages_resent')
      this.#enqueue(message)
    }
  }

  #dropQueue() {
    for (const message of this.#queued ?? []) if (message instanceof Outgoing) message.queued = false
    this.#queued = undefined
    this.#acks = undefined
  }

  #resync() {
    this.lostPushes = false
    this.#content(NOTICE, serviceBody({ _: 'updatesTooLong' }, this.layer), { push: true })
    this.world.hooks.onSessionResync?.(this)
  }

  get #holderName(): string {
    return this.userId === 0 ? addressGroup(this.remoteAddress) : `account ${this.userId}`
  }

  /** What it holds counts for whoever it is for. */
  #changeHolder() {
    const outbox = this.#outbox
    if (!outbox || outbox.holder.name === this.#holderName) return
    const { holders } = this.world
    const before = outbox.holder
    outbox.moveTo(holders.join(this.#holderName, this))
    holders.leave(before, this)
    holders.bound(outbox.holder)
  }

  #bound() {
    this.#trim(Number.NEGATIVE_INFINITY)
    if (this.#outbox) this.world.holders.bound(this.#outbox.holder)
    if (this.world.budget.exhausted) this.world.relieve()
  }

  #trim(queuedSinceMs: number) {
    const { unackedMessages, unackedBytes, unackedBytesDisconnected } = this.world.limits
    const maxBytes = this.link ? unackedBytes : unackedBytesDisconnected
    this.#outbox?.trim(unackedMessages, maxBytes, queuedSinceMs, (message) => this.#dropped(message))
  }

  #dropped(message: Outgoing) {
    if (message.isPush) this.#losePush()
    const { call } = message
    if (!call || this.seen.get(call.msgId) !== call) return
    if (call.repeatable) this.seen.erase(call.msgId)
    else this.seen.set(call.msgId, 'lost')
  }

  #losePush() {
    this.lostPushes = true
    this.world.metrics.count('pushes_lost')
  }

  /** Not with each last acknowledgement: the next message mostly follows within the time between two sweeps. */
  #releaseOutbox() {
    if (this.#outbox?.length !== 0) return
    this.world.holders.leave(this.#outbox.holder, this)
    this.#outbox = undefined
  }
}
