import type { Activation } from './activation.js'
import { ActorError, type ErrorCode, type ErrorDetails } from './errors.js'
import type { Kind, Method } from './kind.js'
import type { Sender } from './sender.js'
import type { Gate } from './shard-gates.js'
import { Alarm, type TimerWheel } from './timer-wheel.js'

/** The actors that wait for a call, innermost first. */
export interface Chain {
  readonly kind: string
  readonly key: string
  readonly up: Chain | undefined
}

const NO_PATH: readonly string[] = []

/** Outermost first, as `kind/key`. */
export function chainPath(chain: Chain | undefined): readonly string[] {
  if (chain === undefined) return NO_PATH
  const path: string[] = []
  for (let link: Chain | undefined = chain; link !== undefined; link = link.up) path.push(`${link.kind}/${link.key}`)
  return path.reverse()
}

/**
 * Where a call comes from.
 * - `outside`: through the system; refused once the system stops.
 * - `inside`: a turn, or an effect that somebody waits for; served while the system stops, so that turns can end.
 * - `background`: an effect that nobody waits for; refused once the system stops, as `resume` finds its work again.
 * - `own`: a turn of the runtime's own (resume, reminder, timer): on this node or not at all.
 */
export type Origin = 'outside' | 'inside' | 'background' | 'own'

/** Whom a reference calls, and what each of its calls carries. */
export interface Target {
  readonly kind: Kind
  readonly key: string
  readonly deadlineMs: number | undefined
  readonly traceId: string | undefined
  readonly chain: Chain | undefined
  /** The actor that calls, and those that wait for it. */
  readonly from: Sender | undefined
  readonly ifActive: boolean
  readonly origin: Origin
  /** Another node made the call: it goes on to no third one. */
  readonly isReceived: boolean
}

/** An outcome that is an error: made cheaply where no caller's stack is at hand, thrown where there is one. */
export class Failure {
  readonly #error: Error | undefined
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
  readonly cause: unknown

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown, error?: Error) {
    this.code = code
    this.message = message
    this.details = details
    this.cause = cause
    this.#error = error
  }

  /** Keeps the error itself, with its stack. */
  static of(error: ActorError): Failure {
    return new Failure(error.code, error.message, error.details, error.cause, error)
  }

  toError(): Error {
    return this.#error ?? new ActorError(this.code, this.message, this.details, this.cause)
  }
}

/** Keeps the books of calls. */
export interface CallKeeper {
  readonly wheel: TimerWheel
  /** Higher for each call. */
  nextOrder(): number
  /** The call's deadline passed before it started. */
  expired(call: Call): void
  settled(call: Call): void
}

const NO_ARGS: readonly unknown[] = []

function unwrapped(outcome: unknown): unknown {
  if (outcome instanceof Failure) throw outcome.toError()
  return outcome
}

const WAITING = 0
const STARTED = 1
const DONE = 2

/**
 * A call that did not answer at once. It waits in the wheel for its deadline.
 *
 * C1. A call settles exactly once; what comes after its deadline is dropped.
 * C2. At its deadline a call that has not started fails with DEADLINE_EXCEEDED and never starts; one that has started,
 *     or left this node, fails with OUTCOME_UNKNOWN.
 */
export class Call extends Alarm {
  readonly target: Target
  readonly method: Method
  readonly deadlineMs: number
  readonly arrivedMs: number
  readonly bytes: number
  args: readonly unknown[]
  /** In whose mailbox it waits. */
  place: Activation | undefined = undefined
  /** Calls of this node by the order in which they were made. */
  readonly order: number
  /** Where it is parked. */
  gate: Gate | undefined = undefined
  readonly #keeper: CallKeeper
  readonly #outcome: Promise<unknown>
  #resolve!: (outcome: unknown) => void
  #status = WAITING

  constructor(
    keeper: CallKeeper,
    target: Target,
    method: Method,
    args: readonly unknown[],
    deadlineMs: number,
    arrivedMs: number,
    bytes: number,
  ) {
    super()
    this.target = target
    this.method = method
    this.args = args
    this.deadlineMs = deadlineMs
    this.arrivedMs = arrivedMs
    this.bytes = bytes
    this.order = keeper.nextOrder()
    this.#keeper = keeper
    this.#outcome = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get isWaiting(): boolean {
    return this.#status === WAITING
  }

  /** From now on the outcome is unknown until it is known. */
  start(): void {
    if (this.#status === WAITING) this.#status = STARTED
  }

  /** It turned out that nothing happened: the call waits again. */
  unstart(): void {
    if (this.#status === STARTED) this.#status = WAITING
  }

  /** A value, or a Failure. */
  settle(outcome: unknown): void {
    if (this.#status === DONE) return
    this.#status = DONE
    this.#keeper.wheel.cancel(this)
    this.args = NO_ARGS
    this.#resolve(outcome)
    this.#keeper.settled(this)
  }

  override ring(): void {
    const name = `${this.target.kind.name}/${this.target.key}.${this.method.name}`
    if (this.#status === WAITING) {
      this.#keeper.expired(this)
      this.settle(new Failure('DEADLINE_EXCEEDED', `${name} did not start before its deadline; nothing happened`))
    } else {
      this.settle(
        new Failure('OUTCOME_UNKNOWN', `${name} started and did not answer by its deadline; it may still happen`),
      )
    }
  }

  override drop(): void {
    if (this.#status === WAITING) this.settle(new Failure('STOPPED', 'this node has stopped; nothing happened'))
    else this.settle(new Failure('OUTCOME_UNKNOWN', 'this node has stopped before the answer; it may still happen'))
  }

  /** An error that is made in a reaction of the caller's promise shows the stack of the awaiting caller, at no cost before. */
  answer(): Promise<unknown> {
    return this.#outcome.then(unwrapped)
  }
}
