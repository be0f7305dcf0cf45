/**
 * The half of a stream that asks.
 *
 * H1. Every call and question settles once: with its answer, with its failure, with OUTCOME_UNKNOWN when it left and the
 *     stream ended or its time is over, with NOT_OWNER when it certainly never left.
 * H2. What waits to leave is bounded: beyond it OVERLOADED. Frames beyond it are dropped and counted (they are best
 *     effort: whoever sends them has another way to repair, CORE D5).
 * H3. How long a call took where it ran is known only from a node that says so (TIMED_ANSWERS).
 */
import {
  ActorError,
  type CallEnvelope,
  type CallOutcome,
  type Clock,
  decodeError,
  type Frame,
  type Timer,
} from '../../runtime/index.js'
import type { BatchCodec } from './batch-codec.js'
import { Outbox, type OutboxLimits, type OutboxPort } from './outbox.js'
import { WaitingCalls } from './waiting-calls.js'
import {
  ANSWER,
  type AnsweringMessage,
  ASK,
  type AskMessage,
  broken,
  CALL,
  CANCEL,
  type CallingMessage,
  type CallMessage,
  FRAME,
  type FrameMessage,
  ROUTE,
} from './wire.js'

export interface CallingPort extends Omit<OutboxPort<CallingMessage>, 'unsendable'> {
  readonly clock: Clock
  /** A view number that the other node knows. */
  saw(view: number): void
  /** A frame was dropped (H2). */
  dropped(frame: Frame): void
  readonly traffic: Traffic
}

/** Calls that were answered so far, or failed by the other node. */
export interface Traffic {
  calls: number
  /** Of these: with the time that they took where they ran (H3). */
  timed: number
  /** Of the timed ones: from arrival to answer where they ran. */
  thereMs: number
  /** Of the timed ones: all the rest, which is the way there and back and waiting for both event loops. */
  betweenMs: number
}

const SWEEP_MS = 500

export class CallingHalf {
  readonly #port: CallingPort
  readonly #outbox: Outbox<CallingMessage>
  readonly #waiting = new WaitingCalls()
  /** Numbers of the methods that were called on this stream, by kind and name. */
  readonly #routes = new Map<string, Map<string, number>>()
  #lastRoute = 0
  #codec: BatchCodec | undefined
  #sweep: Timer | undefined

  constructor(port: CallingPort, limits: OutboxLimits) {
    this.#port = port
    this.#outbox = new Outbox(
      {
        write: (batch) => port.write(batch),
        atTickEnd: port.atTickEnd,
        view: () => port.view(),
        unsendable: ([kind, id], error) => {
          if (kind === CALL || kind === ASK) this.#waiting.take(id)?.failed(error)
        },
      },
      limits,
    )
  }

  /** Calls and questions without an answer. */
  get underWay(): number {
    return this.#waiting.size
  }

  call(call: CallEnvelope, outcome: CallOutcome): void {
    const { kind, key, method, args, deadlineMs, traceId, chain, ifActive, from } = call
    const leftMs = Math.ceil(deadlineMs - this.#port.clock.now())
    const route = this.#routeTo(kind, method)
    const id = route === undefined ? undefined : this.#await(outcome, leftMs)
    if (id === undefined || route === undefined) this.#overloaded(outcome)
    else if (from !== undefined) this.#put([CALL, id, route, key, args, leftMs, traceId, chain, ifActive, from])
    else if (chain.length === 0 && !ifActive) this.#put([CALL, id, route, key, args, leftMs, traceId])
    else this.#put([CALL, id, route, key, args, leftMs, traceId, chain, ifActive])
  }

  ask(topic: string, payload: Uint8Array, leftMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const outcome = { answered: (answer: unknown) => resolve(answer as Uint8Array), failed: reject }
      const id = this.#await(outcome, leftMs)
      if (id === undefined) this.#overloaded(outcome)
      else this.#put([ASK, id, topic, payload, leftMs])
    })
  }

  send(frame: Frame): void {
    const { sink, payload, from } = frame
    const message: FrameMessage = from === undefined ? [FRAME, sink, payload] : [FRAME, sink, payload, from]
    if (!this.#outbox.put(message)) this.#port.dropped(frame)
  }

  /** The other half said hello; this is how both write their batches. */
  open(codec: BatchCodec): void {
    this.#codec = codec
    this.#outbox.open(codec)
  }

  /** A batch of the other half. Throws CORRUPT; the stream is then of no use. */
  received(bytes: Uint8Array): void {
    if (this.#codec === undefined) throw broken('a hello')
    const { view, credit, messages } = this.#codec.decode<AnsweringMessage>(bytes)
    this.#outbox.granted(credit)
    this.#port.saw(view)
    const nowMs = messages.length > 0 ? this.#port.clock.monotonic() : 0
    for (const message of messages) {
      const id = message[1]
      const outcome = this.#waiting.take(id)
      if (outcome === undefined) continue
      this.#count(nowMs - this.#waiting.sentMs(id), message[3])
      if (message[0] === ANSWER) outcome.answered(message[2])
      else outcome.failed(decodeError(message[2]))
    }
    if (messages.length > 0) this.#outbox.handled(bytes.length)
  }

  /** The stream is over. */
  end(why: string): void {
    for (const [kind, id] of this.#outbox.close()) {
      if (kind !== CALL && kind !== ASK) continue
      this.#waiting.take(id as number)?.failed(new ActorError('NOT_OWNER', `${why}; nothing was sent`))
    }
    for (const id of this.#waiting.overdue(Number.POSITIVE_INFINITY)) {
      this.#waiting.take(id)?.failed(new ActorError('OUTCOME_UNKNOWN', `${why} before the answer`))
    }
    this.#sweep?.cancel()
  }

  /** Undefined: too many wait. */
  #await(outcome: CallOutcome, leftMs: number): number | undefined {
    const sentMs = this.#port.clock.monotonic()
    const id = this.#waiting.add(outcome, sentMs + leftMs, sentMs)
    this.#sweep ??= this.#port.clock.setTimer(SWEEP_MS, () => this.#sweepWaiting())
    return id
  }

  #put(message: CallMessage | AskMessage): void {
    if (this.#outbox.put(message)) return
    const outcome = this.#waiting.take(message[1])
    if (outcome !== undefined) this.#overloaded(outcome)
  }

  #count(tookMs: number, thereUs: number | undefined): void {
    const { traffic } = this.#port
    traffic.calls++
    if (thereUs === undefined) return
    traffic.timed++
    // Two clocks measure: one that is fast cannot make the way shorter than nothing.
    const thereMs = Math.min(thereUs / 1_000, tookMs)
    traffic.thereMs += thereMs
    traffic.betweenMs += tookMs - thereMs
  }

  /** Undefined: too much waits to leave. */
  #routeTo(kind: string, method: string): number | undefined {
    let routes = this.#routes.get(kind)
    if (routes === undefined) {
      routes = new Map()
      this.#routes.set(kind, routes)
    }
    let route = routes.get(method)
    if (route === undefined) {
      route = this.#lastRoute + 1
      if (!this.#outbox.put([ROUTE, route, kind, method])) return undefined
      this.#lastRoute = route
      routes.set(method, route)
    }
    return route
  }

  #overloaded(outcome: CallOutcome): void {
    const waits = `${this.#outbox.waitingMessages} messages wait to leave for that node`
    failLater(outcome, new ActorError('OVERLOADED', waits, { retryAfterMs: 200 }))
  }

  /** One timer for all calls: who waits longer than its deadline is told so, and the other half need not answer. */
  #sweepWaiting(): void {
    this.#sweep = undefined
    const nowMs = this.#port.clock.monotonic()
    for (const id of this.#waiting.overdue(nowMs)) {
      this.#outbox.put([CANCEL, id])
      const late = new ActorError('OUTCOME_UNKNOWN', 'no answer of another node within the deadline')
      this.#waiting.giveUp(id)?.failed(late)
    }
    if (this.#waiting.size > 0) this.#sweep = this.#port.clock.setTimer(SWEEP_MS, () => this.#sweepWaiting())
  }
}

/** Never within the caller's own stack. */
export function failLater(outcome: CallOutcome, error: ActorError): void {
  queueMicrotask(() => outcome.failed(error))
}
