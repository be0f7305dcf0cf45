/**
 * How turns run.
 *
 * R1. Turns of one activation run one at a time, in the order of their calls; a read starts as soon as it comes, beside
 *     a turn that awaits something, and must not append. A read that saw entries of a turn that goes on is answered after
 *     that turn's commit.
 * R2. Before a turn starts, its deadline and the ownership of the shard are checked.
 * R3. What a turn answers, sends or starts leaves through `release` only: when what it saw is durable, and the ownership
 *     was checked after that (CORE R1).
 * R4. A turn of an activation that is over is answered with a failure, whatever it returns; nothing of it is stored.
 */

import type { Activation } from './activation.js'
import type { Effect } from './actor.js'
import { ActorTimer } from './actor-timer.js'
import { type Call, Failure, type Target } from './call.js'
import { ActorError } from './errors.js'
import type { Host } from './host.js'
import { type Method, ownTurn } from './kind.js'
import type { Soon } from './soon.js'
import type { TracedTurn } from './system.js'
import { EffectContext, LaterAnswer, TurnContext } from './turn.js'

/** Errors that say that nothing happened: not true any more of a turn that has appended. */
const NOTHING_HAPPENED = new Set([
  'OVERLOADED',
  'DEADLINE_EXCEEDED',
  'NOT_OWNER',
  'OVERTAKEN',
  'STORE_UNAVAILABLE',
  'STOPPED',
])

export class Turns {
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  /** True when a call may start in its caller's own stack, ahead of nobody. */
  mayRunNow(activation: Activation, method: Method): boolean {
    const { work } = activation
    if (method.readOnly) {
      return work === undefined || work.reads + work.unreleased.length < activation.kind.limits.mailboxCalls
    }
    if (activation.running !== undefined) return false
    return (work === undefined || work.waiting === 0) && this.#hasRoom(activation)
  }

  /** Runs a call at once; for one that ends at once and waits for nothing this is all there is to it. */
  runNow(activation: Activation, method: Method, target: Target, args: readonly unknown[]): Soon<unknown> {
    const nowMs = this.#host.clock.monotonic()
    const turn = new TurnContext(this.#host, activation, method, target, undefined, nowMs)
    if (!method.readOnly) activation.running = turn
    let result: unknown
    let failed = false
    try {
      result = method.run(turn, ...args)
    } catch (error) {
      result = error
      failed = true
    }
    if (failed || !isPromise(result)) {
      const { outbox } = turn
      const { work } = activation
      if (!failed && outbox === undefined && work === undefined) return this.#answerNow(turn, result)
    }
    const call = this.#host.dispatcher.newCall(target, method, [], nowMs, 0)
    call.start()
    turn.call = call
    if (method.readOnly) this.#host.workOf(activation).reads++
    if (!failed && isPromise(result)) {
      this.#host.workOf(activation)
      this.#follow(turn, result)
    } else this.#finish(turn, failed, result)
    return call.answer()
  }

  #answerNow(turn: TurnContext, result: unknown): Soon<unknown> {
    const { activation, method } = turn
    const host = this.#host
    turn.ended = true
    if (!method.readOnly) activation.running = undefined
    const nowMs = host.clock.monotonic()
    activation.lastUsedMs = Math.floor(nowMs)
    host.metrics.turn(activation.kind.name, 0, nowMs - turn.startedMs)
    if (host.onTurn) trace(host.onTurn, turn, nowMs, false)
    if (!host.ownership.holds(activation.shard, activation.epoch)) {
      this.lose(activation)
      return Promise.reject(notOwner(activation).toError())
    }
    return host.passes ? result : host.carryAsync(result)
  }

  /** Starts what waits, as far as it may start. */
  pump(activation: Activation): void {
    const { work } = activation
    if (work === undefined || work.pumping) return
    work.pumping = true
    while (activation.phase === 'active') {
      const call = work.queue.peek()
      if (call === undefined) break
      if (call.isWaiting) {
        if (!this.#mayStart(activation)) break
        if (!call.method.readOnly && (activation.running !== undefined || !this.#hasRoom(activation))) break
        this.#host.dispatcher.unqueued(call)
      }
      work.queue.shift()
      if (call.isWaiting) this.#start(activation, call)
    }
    work.pumping = false
    this.#host.rest(activation)
  }

  /** Starts all reads that waited while the actor was opened. */
  startReads(activation: Activation): void {
    const { work } = activation
    if (work === undefined || !this.#mayStart(activation)) return
    for (const call of work.queue.drain()) {
      if (!call.isWaiting) continue
      if (call.method.readOnly && activation.phase === 'active') {
        this.#host.dispatcher.unqueued(call)
        this.#start(activation, call)
      } else work.queue.push(call)
    }
  }

  /** Asked before a call leaves the mailbox, so that an activation that ends here passes on its calls in order. */
  #mayStart(activation: Activation): boolean {
    if (this.#host.ownership.holds(activation.shard, activation.epoch)) return true
    this.lose(activation)
    return false
  }

  #start(activation: Activation, call: Call): void {
    const host = this.#host
    if (host.clock.now() >= call.deadlineMs) {
      call.ring()
      return
    }
    const { method, args } = call
    const turn = new TurnContext(host, activation, method, call.target, call, host.clock.monotonic())
    call.start()
    if (method.readOnly) host.workOf(activation).reads++
    else activation.running = turn
    let result: unknown
    try {
      result = method.run(turn, ...args)
    } catch (error) {
      this.#finish(turn, true, error)
      return
    }
    if (isPromise(result)) this.#follow(turn, result)
    else this.#finish(turn, false, result)
  }

  #follow(turn: TurnContext, result: PromiseLike<unknown>): void {
    result.then(
      (value) => this.#finish(turn, false, value),
      (error) => this.#finish(turn, true, error),
    )
  }

  #finish(turn: TurnContext, failed: boolean, result: unknown): void {
    const { activation, method } = turn
    const host = this.#host
    const nowMs = host.clock.monotonic()
    turn.ended = true
    host.metrics.turn(activation.kind.name, turn.startedMs - turn.arrivedMs, nowMs - turn.startedMs)
    if (host.onTurn) trace(host.onTurn, turn, nowMs, failed)
    if (activation.running === turn) activation.running = undefined
    if (activation.phase === 'dead') {
      turn.call?.settle(host.releases.failureOf(activation) ?? activationOver(activation))
      return
    }
    const work = host.workOf(activation)
    activation.lastUsedMs = Math.floor(nowMs)
    if (method.readOnly) work.reads--
    else if (activation.phase === 'dying') {
      turn.outbox = undefined
      turn.call?.settle(this.#failureOf(turn, failed ? result : new ActorError('INTERNAL', `${turn.path} failed`)))
      this.endIfDying(activation)
      return
    } else work.seal(activation.folded)
    turn.saw = activation.folded
    this.#keepOutcome(turn, failed, result)
    if (activation.isDurable && work.unreleased.length === 0) this.#releaseNow(turn)
    else work.unreleased.push(turn)
    host.commits.kick(activation)
    this.pump(activation)
  }

  #keepOutcome(turn: TurnContext, failed: boolean, result: unknown): void {
    if (failed) {
      turn.failure = this.#failureOf(turn, result)
      return
    }
    try {
      turn.answer = result instanceof LaterAnswer ? result : this.#host.carry(result)
    } catch (error) {
      turn.failure = this.#failureOf(turn, error)
    }
  }

  #releaseNow(turn: TurnContext): void {
    const { activation } = turn
    if (this.#host.ownership.holds(activation.shard, activation.epoch)) this.release(turn)
    else {
      turn.call?.settle(notOwner(activation))
      this.lose(activation)
    }
  }

  /** Answers, and sends and starts what the turn asked for (R3). */
  release(turn: TurnContext): void {
    if (turn.failure !== undefined) turn.call?.settle(turn.failure)
    else if (!(turn.answer instanceof LaterAnswer)) turn.call?.settle(turn.answer)
    if (turn.outbox === undefined) return
    for (const outgoing of turn.outbox) {
      if (outgoing instanceof LaterAnswer) {
        if (outgoing === turn.answer) this.#runLater(turn, outgoing)
      } else this.#leave(turn, outgoing)
    }
  }

  #leave(turn: TurnContext, outgoing: () => void): void {
    try {
      outgoing()
    } catch (error) {
      this.#host.log.error({ actor: turn.address, traceId: turn.traceId, error }, 'a frame or effect failed to leave')
    }
  }

  #runLater(turn: TurnContext, answer: LaterAnswer): void {
    this.#runEffect(
      turn,
      answer.later,
      true,
      (value) => this.#settleLater(turn, false, value),
      (error) => this.#settleLater(turn, true, error),
    )
  }

  #settleLater(turn: TurnContext, failed: boolean, result: unknown): void {
    const { activation } = turn
    if (!this.#host.ownership.holds(activation.shard, activation.epoch)) {
      turn.call?.settle(unknownOutcome(turn, notOwner(activation)))
      return
    }
    this.#keepOutcome(turn, failed, result)
    turn.call?.settle(turn.failure ?? turn.answer)
  }

  /** An effect that nobody waits for: its errors are only logged. */
  runInBackground(turn: TurnContext, effect: (effect: Effect) => Soon<void>): void {
    this.#runEffect(
      turn,
      effect,
      false,
      () => undefined,
      (error) => this.#host.log.warn({ actor: turn.address, traceId: turn.traceId, error }, 'an effect failed'),
    )
  }

  /** Effects that wait for nothing end here; whoever releases the turn pumps after it. */
  #runEffect(
    turn: TurnContext,
    effect: (effect: Effect) => Soon<unknown>,
    somebodyWaits: boolean,
    ended: (value: unknown) => void,
    failed: (error: unknown) => void,
  ): void {
    const { activation } = turn
    const isCounted = activation.phase !== 'dead'
    if (isCounted) this.#countEffect(activation, somebodyWaits, 1)
    const over = () => {
      if (isCounted && activation.phase !== 'dead') this.#countEffect(activation, somebodyWaits, -1)
    }
    let result: unknown
    try {
      result = effect(new EffectContext(turn, somebodyWaits))
    } catch (error) {
      over()
      failed(error)
      return
    }
    if (!isPromise(result)) {
      over()
      ended(result)
      return
    }
    result.then(
      (value) => {
        over()
        this.pump(activation)
        ended(value)
      },
      (error) => {
        over()
        this.pump(activation)
        failed(error)
      },
    )
  }

  #countEffect(activation: Activation, somebodyWaits: boolean, change: 1 | -1): void {
    const work = this.#host.workOf(activation)
    work.effects += change
    if (!somebodyWaits) work.backgroundEffects += change
  }

  /** A turn of the runtime's own kind, through the mailbox: a timer. */
  setTimer(activation: Activation, name: string, delayMs: number): void {
    const run = ownTurn(activation.kind.definition.timers, name)
    if (run === undefined) throw new TypeError(`${activation.kind.name} has no timer ${name}`)
    activation.timers ??= new Map()
    let timer = activation.timers.get(name)
    if (timer === undefined) {
      const method: Method = { name: `timer:${name}`, readOnly: false, run: (turn) => run(turn, undefined) }
      timer = new ActorTimer(this.#host, activation, name, method)
      activation.timers.set(name, timer)
    }
    this.#host.wheel.set(timer, delayMs)
  }

  #hasRoom(activation: Activation): boolean {
    const { work } = activation
    if (work !== undefined && !work.hasRoom(activation.kind.limits)) return false
    return !this.#host.checkpoints.mustWait(activation)
  }

  /** Ends an activation whose state is spoilt, once what it committed before is known. */
  endIfDying(activation: Activation): void {
    const { work } = activation
    if (activation.phase !== 'dying' || activation.running !== undefined) return
    if (work?.inFlight !== undefined || work?.sending || (work?.sealed.length ?? 0) > 0) return
    const failure = new Failure(
      'INTERNAL',
      `${activation.address}: the state was spoilt by a turn that failed; try again`,
    )
    this.discard(activation, failure, true)
  }

  /**
   * Erases the actor and ends its activation, in a turn of its own: others wait for the next activation. Whatever became
   * of the journal when it fails, the next activation reads it.
   */
  async erase(turn: TurnContext): Promise<void> {
    const { activation } = turn
    const { work } = activation
    // Such a turn comes when nothing else goes on; if something does, the reminder comes again.
    if (!activation.isDurable || turn.hasAppended || work?.inFlight !== undefined || work?.checkpointing)
      throw new ActorError('OVERLOADED', `${turn.path}: the actor is not at rest`, { retryAfterMs: 1_000 })
    if (!this.#host.ownership.holds(activation.shard, activation.epoch)) throw notOwner(activation).toError()
    const failure = new Failure('STORE_UNAVAILABLE', `${activation.address} was erased; try again`, { retryAfterMs: 1 })
    try {
      await activation.use((journal) => journal.erase())
      activation.isErased = true
      turn.call?.settle(undefined)
    } finally {
      this.discard(activation, failure, activation.isErased)
    }
  }

  /** This node does not own the shard any more. */
  lose(activation: Activation): void {
    this.discard(activation, notOwner(activation), true)
  }

  /**
   * Ends an activation at once. What has not started goes to the next one; what has started fails with `failure`, or
   * with OUTCOME_UNKNOWN where its entries are, or may be, stored. `clean`: nothing of it is in flight (CORE J3).
   */
  discard(activation: Activation, failure: Failure, clean: boolean): void {
    if (activation.phase === 'dead') return
    const { work, running } = activation
    this.#host.residency.remove(activation)
    if (!clean || work?.inFlight !== undefined || work?.checkpointing) this.#host.uncleanEnds.add(activation.address)
    const storedUpTo = Math.max(activation.durable, work?.inFlight?.upTo ?? 0)
    const waiting = work?.queue.drain() ?? []
    for (const turn of work?.unreleased.drain() ?? []) {
      const isStored = turn.hasAppended && turn.saw <= storedUpTo
      turn.call?.settle(isStored ? unknownOutcome(turn, failure) : failure)
    }
    running?.call?.settle(failure)
    activation.close()
    for (const call of waiting) {
      if (!call.isWaiting) continue
      this.#host.dispatcher.unqueued(call)
      this.#host.dispatcher.dispatch(call)
    }
  }

  #failureOf(turn: TurnContext, error: unknown): Failure {
    if (error instanceof ActorError) {
      // Who is told NOT_OWNER or STOPPED calls again by himself; what this turn has called must not happen twice then.
      const isOfAnother = error.code === 'NOT_OWNER' || error.code === 'STOPPED'
      if (isOfAnother || (turn.hasAppended && NOTHING_HAPPENED.has(error.code))) {
        return unknownOutcome(turn, Failure.of(error))
      }
      if (error.code !== 'INTERNAL' && error.code !== 'CORRUPT') return this.#host.carryFailure(Failure.of(error))
    }
    this.#host.lastErrors.note(turn.address, error)
    this.#host.log.error(
      { actor: turn.address, method: turn.method.name, traceId: turn.traceId, error },
      'a turn failed',
    )
    if (error instanceof ActorError) return this.#host.carryFailure(Failure.of(error))
    return this.#host.carryFailure(
      new Failure('INTERNAL', `${turn.path} failed; the log has the cause under trace ${turn.traceId}`, {}, error),
    )
  }
}

function notOwner(activation: Activation): Failure {
  return new Failure('NOT_OWNER', `this node does not own shard ${activation.shard} of ${activation.address} any more`)
}

function activationOver(activation: Activation): Failure {
  return new Failure(
    'STORE_UNAVAILABLE',
    `the activation of ${activation.address} ended before the answer; try again`,
    {
      retryAfterMs: 100,
    },
  )
}

function unknownOutcome(turn: TurnContext, cause: Failure): Failure {
  const message = `${turn.path} has begun and then failed (${cause.code}): what it did is, or may be, stored`
  return new Failure('OUTCOME_UNKNOWN', message, {}, cause.toError())
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}

function trace(tell: (turn: TracedTurn) => void, turn: TurnContext, nowMs: number, failed: boolean): void {
  const { activation, method, traceId, startedMs, arrivedMs } = turn
  tell({
    actor: activation.address,
    method: method.name,
    traceId,
    waitMs: startedMs - arrivedMs,
    runMs: nowMs - startedMs,
    failed,
  })
}
