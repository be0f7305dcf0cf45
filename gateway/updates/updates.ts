import { AuthKey } from '../../actors/auth-key/contract.js'
import {
  type MovedFrame,
  type PushFrame,
  type RevokedFrame,
  type StaleFrame,
  User,
} from '../../actors/user/contract.js'
import {
  type Clock,
  DEFAULT_SHARD_COUNT,
  type Random,
  type ShardRange,
  shardOf,
  type Timer,
} from '../../runtime/index.js'
import { type ActorCalls, longFromHex, longToHex, originOf, type People, type PushState } from '../api/index.js'
import type { AuthKeys, Log, MtprotoGateway, Session, SessionHooks } from '../mtproto/index.js'
import { type AttachFacts, Attachment, type AttachmentPort } from './attachment.js'
import { DeliveryAcks } from './delivery-acks.js'
import { defaultPendingLimits, Pending, PendingBytes, type PendingLimits } from './pending.js'
import { Pusher } from './pusher.js'
import { SessionDirectory, type SessionStore } from './session-directory.js'
import { slotOf } from './session-slot.js'

export interface UpdatesLimits extends PendingLimits {
  /** How long an account's actor sends to this gateway without hearing from it. */
  readonly leaseMs: number
  /** Attached again this long after the last time: what a lost frame would have told is late by no more. */
  readonly renewAfterMs: number
  readonly sweepEveryMs: number
  /** Renewals under way at once. */
  readonly renewalsInFlight: number
  readonly callTimeoutMs: number
  readonly firstRetryMs: number
  readonly longestRetryMs: number
  /** A connected device is noted as active again after this long. */
  readonly touchEveryMs: number
  /** A revoked device's connections are closed this long after it was signed out, so that an answer still leaves. */
  readonly closeRevokedAfterMs: number
}

const defaultUpdatesLimits: UpdatesLimits = {
  ...defaultPendingLimits,
  leaseMs: 180_000,
  renewAfterMs: 60_000,
  sweepEveryMs: 5000,
  renewalsInFlight: 256,
  callTimeoutMs: 10_000,
  firstRetryMs: 200,
  longestRetryMs: 10_000,
  touchEveryMs: 900_000,
  closeRevokedAfterMs: 1000,
}

export interface UpdatesOptions {
  readonly actors: ActorCalls
  readonly people: People
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Given late: MTProto is made with this part's hooks. */
  mtproto(): Pick<MtprotoGateway, 'authKeys' | 'movedAway' | 'pushToMany'>
  /** Where other processes look up who is connected here; without it nobody does. */
  readonly sessions?: SessionStore | undefined
  /** Of the actors: shards change hands as a whole. Default: DEFAULT_SHARD_COUNT. */
  readonly shardCount?: number
  readonly limits?: Partial<UpdatesLimits>
}

/** Figures at this moment. */
export interface UpdatesSizes {
  readonly attachments: number
  readonly pendingBytes: number
}

/**
 * What accounts' actors push, on its way to sessions: one attachment an account (attachment.ts). Attachments are as many
 * as accounts with a live session, which MTProto bounds.
 */
export class Updates implements PushState {
  readonly hooks: SessionHooks
  readonly #options: UpdatesOptions
  readonly #limits: UpdatesLimits
  readonly #attachments = new Map<number, Attachment>()
  readonly #attachedAtMs = new Map<number, number>()
  readonly #byShard = new Map<number, Set<Attachment>>()
  readonly #touchedAtMs = new Map<Session, number>()
  readonly #bytes = new PendingBytes()
  readonly #acks: DeliveryAcks
  readonly #pusher: Pusher
  readonly #port: AttachmentPort
  readonly #directory: SessionDirectory | undefined
  readonly #shardCount: number
  #sweep: Timer | undefined
  #due: Attachment[] = []
  #attaching = 0

  constructor(options: UpdatesOptions) {
    const { actors, people, clock, log } = options
    this.#options = options
    this.#limits = { ...defaultUpdatesLimits, ...options.limits }
    if (this.#limits.renewAfterMs * 2 > this.#limits.leaseMs) {
      throw new RangeError('renewAfterMs must be at most half of leaseMs')
    }
    this.#acks = new DeliveryAcks(actors, clock, log)
    this.#pusher = new Pusher({
      actors,
      people,
      clock,
      log,
      pushToMany: (sessions, body, tag) => options.mtproto().pushToMany(sessions, body, tag),
      newTraceId: () => this.#newTraceId(),
    })
    this.#port = this.#makePort()
    this.#shardCount = options.shardCount ?? DEFAULT_SHARD_COUNT
    this.#directory = options.sessions && new SessionDirectory(options.sessions, actors.system.node)
    this.hooks = {
      onSessionReady: (session) => this.#ready(session),
      onSessionGone: (session) => this.#gone(session),
      onUpdateAcked: (session, tag) => this.#acked(session, tag),
    }
  }

  /** Takes the sinks `push`, `moved`, `profile` and `revoked` of this node, and starts renewing. */
  start(): void {
    const { system } = this.#options.actors
    system.receive('push', (frame) => this.#attachments.get((frame as PushFrame).user)?.receive(frame as PushFrame))
    system.receive('moved', (frame) => this.#movedAway(frame as MovedFrame))
    system.receive('profile', (frame) => this.#stale(frame as StaleFrame))
    system.receive('revoked', (frame) => {
      const { user, authKeys } = frame as RevokedFrame
      this.#signedOut(user, authKeys)
    })
    this.#sweepLater()
  }

  /** Tells actors that no session is here any more, as far as they answer in time. */
  async stop(): Promise<void> {
    this.#sweep?.cancel()
    this.#sweep = undefined
    this.#acks.stop()
    await this.#acks.flush()
    const attachments = [...this.#attachments.values()]
    this.#attachments.clear()
    this.#byShard.clear()
    for (const { user, sessions } of attachments) for (const session of sessions) this.#directory?.isGone(user, session)
    await Promise.all([this.#directory?.written(), ...attachments.map(({ user }) => this.#port.detach(user))])
  }

  /**
   * These shards changed hands: their accounts, shard by shard, are asked at once for what follows (CORE D5), as many at
   * a time as may be. Without shards: all.
   */
  ownersChanged(shards?: readonly ShardRange[]): void {
    for (const { from, to } of shards ?? [{ from: 0, to: this.#shardCount - 1 }]) {
      for (let shard = from; shard <= to; shard++) {
        for (const attachment of this.#byShard.get(shard) ?? []) {
          this.#attachedAtMs.delete(attachment.user)
          if (attachment.pts >= 0) this.#due.push(attachment)
        }
      }
    }
    this.#renewDue()
  }

  /** The cache of sessions may have lost what it had. */
  rewriteSessions(): void {
    for (const { user, sessions } of this.#attachments.values()) this.#directory?.isHere(user, sessions)
  }

  pushedPts(session: Session): number {
    const slot = slotOf(session)
    return slot ? Math.max(slot.coveredFrom, slot.pushedPts) : -1
  }

  sawState(session: Session, pts: number): void {
    const slot = slotOf(session)
    if (slot) slot.statePts = Math.max(slot.statePts, pts)
  }

  get sizes(): UpdatesSizes {
    return { attachments: this.#attachments.size, pendingBytes: this.#bytes.held }
  }

  #ready(session: Session): void {
    const before = slotOf(session)?.attachment
    if (before?.user === session.userId) return
    before?.leave(session)
    if (before) this.#directory?.isGone(before.user, session)
    let attachment = this.#attachments.get(session.userId)
    if (!attachment) {
      attachment = new Attachment(session.userId, this.#port, new Pending(this.#limits, this.#bytes))
      this.#keep(attachment)
    }
    attachment.join(session)
    this.#directory?.isHere(session.userId, [session])
  }

  #keep(attachment: Attachment): void {
    this.#attachments.set(attachment.user, attachment)
    const shard = this.#shardOf(attachment)
    const there = this.#byShard.get(shard)
    if (there) there.add(attachment)
    else this.#byShard.set(shard, new Set([attachment]))
  }

  #forget(attachment: Attachment): void {
    this.#attachments.delete(attachment.user)
    const shard = this.#shardOf(attachment)
    const there = this.#byShard.get(shard)
    there?.delete(attachment)
    if (there?.size === 0) this.#byShard.delete(shard)
  }

  #shardOf({ user }: Attachment): number {
    return shardOf(User.kind, User.key(user), this.#shardCount)
  }

  #gone(session: Session): void {
    this.#touchedAtMs.delete(session)
    const attachment = slotOf(session)?.attachment
    if (!attachment) return
    attachment.leave(session)
    this.#directory?.isGone(attachment.user, session)
  }

  /** The devices that are here, coarsely: what the list of devices shows as their last activity. */
  #touch(attachment: Attachment): void {
    const nowMs = this.#options.clock.monotonic()
    for (const session of attachment.sessions) {
      const touchedAtMs = this.#touchedAtMs.get(session)
      if (!session.connected || (touchedAtMs !== undefined && nowMs - touchedAtMs < this.#limits.touchEveryMs)) continue
      this.#touchedAtMs.set(session, nowMs)
      const { layer, remoteAddress: address } = session
      this.#account(attachment.user)
        .touch({ authKey: this.#port.authKeyOf(session), layer, address })
        .catch((error: unknown) => this.#options.log.debug({ err: error }, 'a device was not noted as active'))
    }
  }

  #acked(session: Session, pts: number): void {
    const user = slotOf(session)?.attachment.user
    if (user !== undefined) this.#acks.note(user, originOf(session).authKey, pts)
  }

  /** L4 of the actor's attachments: a copy of a session that stays behind would tell its client all once more. */
  #movedAway({ user, sessions: ids }: MovedFrame): void {
    const sessions = this.#attachments.get(user)?.sessions ?? []
    for (const session of sessions) {
      if (ids.includes(longToHex(session.id))) this.#options.mtproto().movedAway(session)
    }
  }

  #stale({ user, group, version }: StaleFrame): void {
    if (user !== undefined) this.#options.people.forgetUser(user, version)
    if (group !== undefined) this.#options.people.forgetGroup(group)
  }

  #signedOut(user: number, authKeys: readonly string[]): void {
    const { clock, log } = this.#options
    const { authKeys: cached } = this.#options.mtproto()
    const ids = authKeys.map(longFromHex).filter((id) => cached.sessions(id).some(({ userId }) => userId === user))
    for (const id of ids) cached.update(id, { userId: 0 })
    if (ids.length === 0) return
    log.info({ user, devices: ids.length }, 'devices were signed out')
    clock.setTimer(this.#limits.closeRevokedAfterMs, () => {
      for (const id of ids) if (isSignedOut(cached, id)) cached.drop(id)
    })
  }

  #makePort(): AttachmentPort {
    const { log } = this.#options
    return {
      attach: (user, authKeys, facts) => this.#attach(user, authKeys, facts),
      detach: async (user) => {
        this.#attachedAtMs.delete(user)
        const gateway = this.#options.actors.system.node
        await this.#acks.flushOf(user)
        await this.#account(user)
          .detach({ gateway })
          .catch((error: unknown) => log.debug({ err: error, user }, 'detaching failed; the lease ends by itself'))
      },
      idle: (attachment) => {
        if (this.#attachments.get(attachment.user) === attachment) this.#forget(attachment)
      },
      pushChanges: (user, sessions, changes) => this.#pusher.pushChanges(user, sessions, changes),
      pushNews: (user, sessions, news) => this.#pusher.pushNews(user, sessions, news),
      pushTooLong: (sessions) => this.#pusher.pushTooLong(sessions),
      unauthorized: (user, authKeys) => this.#unauthorized(user, authKeys),
      authKeyOf: (session) => longToHex(session.permanentAuthKeyId),
      idOf: (session) => longToHex(session.id),
      retryLater: (failures, then) => {
        const { firstRetryMs, longestRetryMs } = this.#limits
        const pauseMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(20, failures - 1))
        this.#options.clock.setTimer(pauseMs, then)
      },
    }
  }

  async #attach(user: number, authKeys: readonly string[], facts: AttachFacts) {
    const gateway = this.#options.actors.system.node
    const { leaseMs } = this.#limits
    // Counted from before the call: the actor's lease cannot have begun earlier.
    this.#attachedAtMs.set(user, this.#options.clock.monotonic())
    this.#attaching++
    try {
      const answer = await this.#account(user).attach({ gateway, authKeys, leaseMs, ...facts })
      const attachment = this.#attachments.get(user)
      if (attachment) {
        this.#touch(attachment)
        this.#directory?.isHere(user, attachment.sessions)
      }
      return answer
    } catch (error) {
      this.#options.log.debug({ err: error, user }, 'attaching failed')
      throw error
    } finally {
      this.#attaching--
      this.#renewDue()
    }
  }

  /** The journal says that these devices are signed out; the auth key's own record said otherwise. */
  #unauthorized(user: number, authKeys: readonly string[]): void {
    const { actors, clock, log } = this.#options
    this.#signedOut(user, authKeys)
    const deadlineMs = clock.now() + this.#limits.callTimeoutMs
    for (const authKey of authKeys) {
      actors
        .ref(AuthKey, authKey, { deadlineMs, traceId: this.#newTraceId() })
        .signIn(0)
        .catch((error: unknown) => log.warn({ err: error, user }, 'a signed-out auth key still names its account'))
    }
  }

  #account(user: number) {
    const { actors, clock } = this.#options
    const deadlineMs = clock.now() + this.#limits.callTimeoutMs
    return actors.ref(User, user, { deadlineMs, traceId: this.#newTraceId() })
  }

  #sweepLater(): void {
    this.#sweep = this.#options.clock.setTimer(this.#limits.sweepEveryMs, () => {
      this.#renew()
      this.#sweepLater()
    })
  }

  #renew(): void {
    this.#due = [...this.#attachments.values()].filter((attachment) => this.#isDue(attachment))
    this.#renewDue()
  }

  #isDue({ user, pts }: Attachment): boolean {
    const atMs = this.#attachedAtMs.get(user)
    return pts >= 0 && (atMs === undefined || atMs <= this.#options.clock.monotonic() - this.#limits.renewAfterMs)
  }

  /** As many at once as may be; each that ends starts the next. */
  #renewDue(): void {
    while (this.#attaching < this.#limits.renewalsInFlight) {
      const attachment = this.#due.pop()
      if (!attachment) return
      // It may be there twice.
      if (this.#isDue(attachment)) attachment.attach()
    }
  }

  #newTraceId(): string {
    return this.#options.random.bytes(8).toString('hex')
  }
}

function isSignedOut(cached: AuthKeys, id: Parameters<AuthKeys['sessions']>[0]): boolean {
  return cached.sessions(id).every(({ userId }) => userId === 0)
}
