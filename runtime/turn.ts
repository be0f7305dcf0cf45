/**
 * What a method is given: one object a turn, read or effect.
 *
 * U1. Frames and effects of a turn wait in its outbox, and leave in the order in which they were asked for once all that
 *     the turn saw is durable and the shard's ownership was checked after that (CORE R1).
 * U2. A turn that throws changes only its answer: what it appended before is whole entries and is committed, and its
 *     frames and effects leave with them. `refuse` before the first append therefore does nothing at all.
 * U3. A turn that has ended appends nothing more.
 */

import type { Activation } from './activation.js'
import type { ActorLog, Effect, Later, OwnReads, Placed } from './actor.js'
import { type Call, type Chain, chainPath, type Failure, type Origin, type Target } from './call.js'
import type { ActorType, CallOptions, Ref } from './contract.js'
import { ActorError } from './errors.js'
import type { Host } from './host.js'
import type { Position } from './journal-store.js'
import type { Method } from './kind.js'
import { OwnJournal } from './own-reads.js'
import type { NodeId } from './ownership.js'
import type { Reading } from './pace.js'
import type { Sender } from './sender.js'
import type { Soon } from './soon.js'

/** What `later` returns: recognised when the method returns it. */
export class LaterAnswer {
  readonly later: (effect: Effect) => Soon<unknown>

  constructor(effect: (effect: Effect) => Soon<unknown>) {
    this.later = effect
  }
}

export type Outgoing = LaterAnswer | (() => void)

export class TurnContext {
  readonly host: Host
  readonly activation: Activation
  readonly method: Method
  readonly target: Target
  /** Undefined while the turn runs in its caller's own stack. */
  call: Call | undefined
  /** Monotonic, milliseconds. */
  readonly arrivedMs: number
  readonly startedMs: number
  ended = false
  /** The turn put entries into the journal. */
  hasAppended = false
  outbox: Outgoing[] | undefined = undefined
  /** `Activation.folded` when it ended: what it may have seen. */
  saw = 0
  answer: unknown = undefined
  failure: Failure | undefined = undefined
  #deadlineMs: number | undefined
  #traceId: string | undefined
  #chain: Chain | undefined = undefined
  #sender: Sender | undefined = undefined
  #log: ActorLog | undefined = undefined
  #reading: Reading | undefined = undefined

  constructor(
    host: Host,
    activation: Activation,
    method: Method,
    target: Target,
    call: Call | undefined,
    nowMs: number,
  ) {
    this.host = host
    this.activation = activation
    this.method = method
    this.target = target
    this.call = call
    this.arrivedMs = call === undefined ? nowMs : call.arrivedMs
    this.startedMs = nowMs
    this.#deadlineMs = call === undefined ? target.deadlineMs : call.deadlineMs
    this.#traceId = target.traceId
  }

  get id(): unknown {
    return this.activation.id
  }

  get address(): string {
    return this.activation.address
  }

  get state(): unknown {
    return this.activation.state
  }

  get memory(): unknown {
    return this.activation.memory
  }

  get head(): Position {
    return this.activation.head
  }

  get nowMs(): number {
    // A time that was told is not gone back behind, whatever the clock does: what is appended later is not older.
    this.activation.lastAtMs = Math.max(this.host.nowMs(), this.activation.lastAtMs)
    return this.activation.lastAtMs
  }

  get datedMs(): number {
    const datedMs = Math.min(this.nowMs, this.activation.latestDateMs)
    this.host.latestDateMs = Math.max(this.host.latestDateMs, datedMs)
    return datedMs
  }

  get own(): OwnReads<unknown> {
    if (!this.method.readOnly) return new OwnJournal(this.activation)
    this.#reading ??= this.host.pace.reading()
    return new OwnJournal(this.activation, this.#reading)
  }

  get traceId(): string {
    this.#traceId ??= this.host.newTraceId()
    return this.#traceId
  }

  get deadlineMs(): number {
    this.#deadlineMs ??= this.host.clock.now() + this.host.limits.callTimeoutMs
    return this.#deadlineMs
  }

  get log(): ActorLog {
    this.#log ??= this.host.logFor({ actor: this.address, traceId: this.traceId })
    return this.#log
  }

  get node(): NodeId {
    return this.host.ownership.self
  }

  /** The chain that calls of this turn carry. */
  get chain(): Chain {
    this.#chain ??= { kind: this.activation.kind.name, key: this.activation.key, up: this.target.chain }
    return this.#chain
  }

  /** What calls and frames of this turn are sent under. */
  get sender(): Sender {
    this.#sender ??= { shard: this.activation.shard, epoch: this.activation.epoch, up: this.target.from }
    return this.#sender
  }

  /** Nobody waits for it. */
  get isBackground(): boolean {
    return this.target.origin === 'background' || this.target.origin === 'own'
  }

  /** As it stands in errors and logs. */
  get path(): string {
    return [...chainPath(this.target.chain), `${this.address}.${this.method.name}`].join(' > ')
  }

  ref<Contract, Id>(type: ActorType<Contract, Id>, id: Id, options?: CallOptions): Ref<Contract> {
    const deadlineMs = Math.min(this.deadlineMs, options?.deadlineMs ?? Number.POSITIVE_INFINITY)
    const { traceId, chain } = this
    return this.host.reference(type, id, {
      deadlineMs,
      traceId: options?.traceId ?? traceId,
      chain,
      from: this.sender,
      ifActive: options?.ifActive ?? false,
      origin: this.isBackground ? 'background' : 'inside',
      isReceived: false,
    })
  }

  send(node: NodeId, sink: string, payload: unknown): void {
    const value = this.host.carry(payload)
    this.leave(() => this.host.frames.send(node, sink, value, this.sender))
  }

  broadcast(sink: string, payload: unknown): void {
    const value = this.host.carry(payload)
    this.leave(() => this.host.frames.broadcast(sink, value, this.sender))
  }

  later<T>(effect: (effect: Effect) => Soon<T>): Later<T> {
    const later = new LaterAnswer(effect)
    this.leave(later)
    return later as unknown as Later<T>
  }

  afterwards(effect: (effect: Effect) => Soon<void>): void {
    this.leave(() => this.host.turns.runInBackground(this, effect))
  }

  append(entry: unknown, body?: Uint8Array): Placed {
    this.#mayChange('append')
    return this.host.appends.append(this, entry, body)
  }

  remind(name: string, dueAtMs: number, payload?: unknown): void {
    this.#mayChange('remind')
    this.host.appends.remind(this, name, dueAtMs, payload)
  }

  cancelReminder(name: string): void {
    this.#mayChange('cancelReminder')
    this.host.appends.endReminder(this, name)
  }

  async erase(): Promise<void> {
    this.#mayChange('erase')
    await this.host.turns.erase(this)
  }

  setTimer(name: string, delayMs: number): void {
    this.#mayChange('setTimer')
    this.host.turns.setTimer(this.activation, name, delayMs)
  }

  /** Puts something into the outbox. */
  leave(outgoing: Outgoing): void {
    if (this.ended) throw new ActorError('INTERNAL', `${this.path} has ended; it can send and start nothing more`)
    if (this.outbox === undefined) this.outbox = [outgoing]
    else this.outbox.push(outgoing)
  }

  #mayChange(what: string): void {
    if (this.method.readOnly) throw new ActorError('INTERNAL', `${this.path} is a read: it must not ${what}`)
    if (this.ended) throw new ActorError('INTERNAL', `${this.path} has ended: it must not ${what} any more`)
    if (this.activation.phase !== 'active') {
      throw new ActorError('STORE_UNAVAILABLE', `${this.path}: its activation is over`, { retryAfterMs: 100 })
    }
  }
}

/** What an effect is given. */
export class EffectContext implements Effect {
  readonly #host: Host
  readonly #chain: Chain | undefined
  readonly #sender: Sender
  readonly #origin: Origin
  readonly #callerDeadlineMs: number | undefined
  readonly traceId: string
  readonly deadlineMs: number

  /**
   * `later`: somebody waits, so its calls carry the caller's deadline and the chain above this actor.
   * `afterwards`: nobody does, so each of its calls has the whole time-out from when it is made, and no chain.
   */
  constructor(turn: TurnContext, somebodyWaits: boolean) {
    this.#host = turn.host
    this.traceId = turn.traceId
    this.#chain = somebodyWaits ? turn.target.chain : undefined
    const { shard, epoch } = turn.activation
    this.#sender = somebodyWaits ? turn.sender : { shard, epoch, up: undefined }
    this.#origin = somebodyWaits && !turn.isBackground ? 'inside' : 'background'
    this.#callerDeadlineMs = somebodyWaits ? turn.deadlineMs : undefined
    this.deadlineMs = this.#callerDeadlineMs ?? this.#host.clock.now() + this.#host.limits.callTimeoutMs
  }

  ref<Contract, Id>(type: ActorType<Contract, Id>, id: Id, options?: CallOptions): Ref<Contract> {
    const deadlineMs =
      this.#callerDeadlineMs === undefined
        ? options?.deadlineMs
        : Math.min(this.#callerDeadlineMs, options?.deadlineMs ?? Number.POSITIVE_INFINITY)
    return this.#host.reference(type, id, {
      deadlineMs,
      traceId: options?.traceId ?? this.traceId,
      chain: this.#chain,
      from: this.#sender,
      ifActive: options?.ifActive ?? false,
      origin: this.#origin,
      isReceived: false,
    })
  }

  send(node: NodeId, sink: string, payload: unknown): void {
    this.#host.frames.send(node, sink, this.#host.carry(payload), this.#sender)
  }

  broadcast(sink: string, payload: unknown): void {
    this.#host.frames.broadcast(sink, this.#host.carry(payload), this.#sender)
  }
}
