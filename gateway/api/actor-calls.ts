/**
 * Calls from the gateway to actors:
 *
 * A1. A call whose outcome is unknown is made again with the same arguments until the outcome is known: every change
 *     carries its operation's id, so that repeating it is harmless (CORE D3). Only `findOutMs` after the call's
 *     deadline it is given up.
 * A2. A call that found its actor moving (NOT_OWNER, OVERTAKEN) is made again until the deadline.
 * A3. Every other error is passed on as it is, at once.
 */
import type { ActorSystem, ActorType, Clock, Ref } from '../../runtime/index.js'
import { errorCode } from '../../runtime/index.js'

export interface ActorCallLimits {
  /** What one attempt may take; a call's own deadline shortens it. */
  readonly attemptMs: number
  /** How long after the deadline an unknown outcome is still asked for. */
  readonly findOutMs: number
  readonly firstPauseMs: number
  readonly longestPauseMs: number
}

const defaultActorCallLimits: ActorCallLimits = {
  attemptMs: 8000,
  findOutMs: 4000,
  firstPauseMs: 20,
  longestPauseMs: 1000,
}

export interface CallScope {
  /** Absolute, wall clock, milliseconds. */
  readonly deadlineMs: number
  readonly traceId: string
  /** Only if the actor is awake: see CallOptions. */
  readonly ifActive?: boolean
}

/** What the gateway uses of the actor system. */
export type ActorPort = Pick<ActorSystem, 'node' | 'ref' | 'receive'>

type AnyType = ActorType<unknown, unknown>
type AnyMethod = (...args: unknown[]) => Promise<unknown>
type Target = Record<string, AnyMethod>
type Repeater = new (calls: ActorCalls, id: unknown, scope: CallScope) => object

export class ActorCalls {
  readonly system: ActorPort
  readonly #clock: Clock
  readonly #limits: ActorCallLimits
  readonly #repeaters = new Map<string, Repeater>()

  constructor(system: ActorPort, clock: Clock, limits: Partial<ActorCallLimits> = {}) {
    this.system = system
    this.#clock = clock
    this.#limits = { ...defaultActorCallLimits, ...limits }
  }

  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>, scope: CallScope): Ref<Contract> {
    const known = this.#repeaters.get(type.kind)
    const repeater = known ?? repeaterOf(type as ActorType<unknown, unknown>)
    if (!known) this.#repeaters.set(type.kind, repeater)
    return new repeater(this, id, scope) as Ref<Contract>
  }

  /** @internal For the repeaters below. */
  call(type: AnyType, id: unknown, scope: CallScope, name: string, args: unknown[]): Promise<unknown> {
    return this.#attempt(type, id, scope, name, args).catch((error) => this.#again(error, type, id, scope, name, args))
  }

  async #again(first: unknown, type: AnyType, id: unknown, scope: CallScope, name: string, args: unknown[]) {
    let pauseMs = this.#limits.firstPauseMs
    for (let error = first; ; ) {
      const last = scope.deadlineMs
      const code = errorCode(error)
      const until = code === 'OUTCOME_UNKNOWN' ? last + this.#limits.findOutMs : last
      const again = code === 'OUTCOME_UNKNOWN' || code === 'NOT_OWNER' || code === 'OVERTAKEN'
      if (!again || this.#clock.now() + pauseMs >= until) throw error
      await this.#pause(pauseMs)
      pauseMs = Math.min(this.#limits.longestPauseMs, pauseMs * 2)
      try {
        return await this.#attempt(type, id, scope, name, args)
      } catch (next) {
        error = next
      }
    }
  }

  #attempt(type: AnyType, id: unknown, scope: CallScope, name: string, args: unknown[]): Promise<unknown> {
    const now = this.#clock.now()
    // Past the deadline only unknown outcomes are asked for again: they need time of their own.
    const end = now < scope.deadlineMs ? scope.deadlineMs : scope.deadlineMs + this.#limits.findOutMs
    const deadlineMs = Math.min(end, now + this.#limits.attemptMs)
    const { traceId } = scope
    const options = scope.ifActive ? { deadlineMs, traceId, ifActive: true } : { deadlineMs, traceId }
    try {
      const target = this.system.ref(type, id, options) as unknown as Target
      return target[name]!(...args)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(ms, resolve))
  }
}

/** A class with the contract's methods, made once a kind: a reference then costs one small object. */
function repeaterOf(type: ActorType<unknown, unknown>): Repeater {
  class RepeatingRef {
    readonly calls: ActorCalls
    readonly id: unknown
    readonly scope: CallScope

    constructor(calls: ActorCalls, id: unknown, scope: CallScope) {
      this.calls = calls
      this.id = id
      this.scope = scope
    }
  }
  for (const name of Object.keys(type.methods)) {
    Object.defineProperty(RepeatingRef.prototype, name, {
      value(this: RepeatingRef, ...args: unknown[]) {
        return this.calls.call(type, this.id, this.scope, name, args)
      },
    })
  }
  return RepeatingRef
}
