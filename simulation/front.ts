import type { ChatId } from '../actors/chat/chat-id.js'
import { Chat } from '../actors/chat/contract.js'
import type { BoxChange } from '../actors/user/changes.js'
import { type PushFrame, User } from '../actors/user/contract.js'
import { ActorCalls } from '../gateway/api/actor-calls.js'
import type { Session } from '../gateway/mtproto/index.js'
import { Attachment, type AttachmentPort } from '../gateway/updates/attachment.js'
import { Pending, PendingBytes } from '../gateway/updates/pending.js'
import { slotOf } from '../gateway/updates/session-slot.js'
import type { ActorSystem, Clock, Ref } from '../runtime/index.js'
import type { Connection } from './connection.js'
import type { Dice } from './dice.js'
import type { Settings } from './settings.js'

/** What a device is told without asking. */
export interface Listener {
  readonly user: number
  /** Hex of its auth key. */
  readonly authKey: string
  pushed(changes: readonly BoxChange[]): void
  tooLong(): void
}

/** A device's session on this gateway; to the gateway's own code a session of MTProto. */
export interface FrontSession {
  readonly device: Listener
  readonly name: string
  readonly connection: Connection
  attachment: unknown
}

/** What a request of a device may do. */
export interface Scope {
  readonly session: FrontSession
  readonly me: Ref<User>
  chat(id: ChatId): Ref<Chat>
  /** The state that the device is told of, so that the gateway knows from where on it counts on pushes. */
  pushedPts(): number
  sawState(pts: number): void
}

const REQUEST_MS = 5_000
const RENEW_LOOK_MS = 250

/**
 * The gateway without its protocol: the very attachments and repeated calls of gateway/, on one node's system.
 */
export class Front {
  readonly #clock: Clock
  readonly #dice: Dice
  readonly #settings: Settings
  readonly #calls: ActorCalls
  readonly #attachments = new Map<number, Attachment>()
  readonly #attachedAtMs = new Map<number, number>()
  readonly #bytes = new PendingBytes()
  readonly #port: AttachmentPort
  readonly #sessions = new Set<FrontSession>()
  #requests = 0
  readonly enter: (run: () => void) => void
  /** Its process runs. */
  isAlive = true
  /** CORE D5; switched off by a mutation. */
  attachesAgain = true

  /** `enter`: what comes from devices comes through it, so that a gateway that is paused hears of it later. */
  constructor(
    system: ActorSystem,
    clock: Clock,
    dice: Dice,
    settings: Settings,
    enter: (run: () => void) => void = (run) => run(),
  ) {
    this.enter = enter
    this.#clock = clock
    this.#dice = dice
    this.#settings = settings
    this.#calls = new ActorCalls(system, clock, { attemptMs: 2_000, findOutMs: 3_000 })
    this.#port = this.#makePort()
    this.#renewLater()
  }

  /** A frame of the sink `push`. */
  receive(frame: unknown): void {
    const { user } = frame as PushFrame
    this.#attachments.get(user)?.receive(frame as PushFrame)
  }

  connect(device: Listener, sessionId: string, connection: Connection): FrontSession {
    const name = `${device.authKey} ${sessionId}`
    const session: FrontSession = { device, name, connection, attachment: undefined }
    this.#sessions.add(session)
    connection.onGone = () => this.enter(() => this.#gone(session))
    const { user } = device
    let attachment = this.#attachments.get(user)
    if (attachment === undefined) {
      const limits = { changesPerAccount: this.#settings.pendingChanges, newsPerAccount: 4, bytes: 1024 * 1024 }
      attachment = new Attachment(user, this.#port, new Pending(limits, this.#bytes))
      this.#attachments.set(user, attachment)
    }
    attachment.join(asSession(session))
    return session
  }

  /** The process is gone. */
  die(): void {
    this.isAlive = false
    for (const { connection } of this.#sessions) connection.closeByGateway()
    this.#sessions.clear()
  }

  /** Accounts changed hands (CORE D5). */
  ownersChanged(isMoved: (user: number) => boolean = () => true): void {
    for (const user of [...this.#attachedAtMs.keys()]) if (isMoved(user)) this.#attachedAtMs.delete(user)
    this.#renew()
  }

  scope(session: FrontSession): Scope {
    const deadlineMs = this.#clock.now() + REQUEST_MS
    const scope = { deadlineMs, traceId: `${session.name}#${++this.#requests}` }
    const slot = () => slotOf(asSession(session))
    return {
      session,
      me: this.#calls.ref(User, session.device.user, scope),
      chat: (id) => this.#calls.ref(Chat, id, scope),
      pushedPts: () => Math.max(slot()?.coveredFrom ?? -1, slot()?.pushedPts ?? -1),
      sawState: (pts) => {
        const known = slot()
        if (known) known.statePts = Math.max(known.statePts, pts)
      },
    }
  }

  #gone(session: FrontSession): void {
    if (!this.#sessions.delete(session)) return
    slotOf(asSession(session))?.attachment.leave(asSession(session))
  }

  #renewLater(): void {
    this.#clock.setTimer(RENEW_LOOK_MS, () => {
      this.#renew()
      this.#renewLater()
    })
  }

  #renew(): void {
    if (!this.attachesAgain) return
    const dueBeforeMs = this.#clock.monotonic() - this.#settings.renewAfterMs
    for (const [user, attachment] of this.#attachments) {
      const atMs = this.#attachedAtMs.get(user)
      if (attachment.pts >= 0 && (atMs === undefined || atMs <= dueBeforeMs)) attachment.attach()
    }
  }

  #account(user: number): Ref<User> {
    return this.#calls.ref(User, user, { deadlineMs: this.#clock.now() + 2_000, traceId: `push#${user}` })
  }

  #makePort(): AttachmentPort {
    const gateway = () => this.#calls.system.node
    return {
      attach: async (user, authKeys, last) => {
        this.#attachedAtMs.set(user, this.#clock.monotonic())
        const leaseMs = this.#settings.renewAfterMs * 3
        return this.#account(user).attach({ gateway: gateway(), authKeys, ...last, leaseMs })
      },
      detach: async (user) => {
        this.#attachedAtMs.delete(user)
        await this.#account(user)
          .detach({ gateway: gateway() })
          .catch(() => undefined)
      },
      idle: (attachment) => {
        if (this.#attachments.get(attachment.user) === attachment) this.#attachments.delete(attachment.user)
      },
      pushChanges: (_user, sessions, changes) => this.#push(sessions, changes),
      pushNews: async () => undefined,
      pushTooLong: (sessions) => {
        for (const session of sessions) this.#tell(session, (device) => device.tooLong())
      },
      unauthorized: () => undefined,
      authKeyOf: (session) => asFront(session).device.authKey,
      idOf: (session) => asFront(session).name,
      retryLater: (failures, then) => {
        this.#clock.setTimer(Math.min(1_000, 50 * 2 ** Math.min(5, failures)), then)
      },
    }
  }

  async #push(sessions: readonly Session[], changes: readonly BoxChange[]): Promise<void> {
    // Presenting takes time: names and edited messages are asked for.
    if (this.#dice.chance(0.3)) {
      await new Promise<void>((resolve) => this.#clock.setTimer(this.#dice.within(0, 5), resolve))
    }
    const pts = changes.at(-1)?.pts ?? -1
    for (const session of sessions) {
      const { name } = asFront(session)
      const told = changes.filter(
        ({ origin }) => origin === undefined || `${origin.authKey} ${origin.session}` !== name,
      )
      if (told.length > 0) this.#tell(session, (device) => device.pushed(told))
      const slot = slotOf(session)
      if (slot) slot.pushedPts = Math.max(slot.pushedPts, pts)
    }
  }

  #tell(session: Session, tell: (device: Listener) => void): void {
    const { connection, device } = asFront(session)
    connection.toDevice(() => tell(device))
  }
}

// The attachment never looks into a session: it keeps its slot there and asks the port for the rest.
const asSession = (session: FrontSession) => session as unknown as Session
const asFront = (session: Session) => session as unknown as FrontSession
