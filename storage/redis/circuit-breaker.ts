/**
 * B1. After `failures` in a row nothing is let through but one trial every `retryAfterMs`.
 * B2. One success lets everything through again.
 */
import type { Clock } from '../../runtime/index.js'

export interface BreakerLimits {
  readonly failures: number
  readonly retryAfterMs: number
}

export class CircuitBreaker {
  readonly #clock: Clock
  readonly #limits: BreakerLimits
  #failed = 0
  /** Monotonic. */
  #trialAtMs = 0

  constructor(clock: Clock, limits: BreakerLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get isOpen(): boolean {
    return this.#failed >= this.#limits.failures
  }

  /** Whether to try now; while it is open, asking takes the trial. */
  lets(): boolean {
    if (!this.isOpen) return true
    const nowMs = this.#clock.monotonic()
    if (nowMs < this.#trialAtMs) return false
    this.#trialAtMs = nowMs + this.#limits.retryAfterMs
    return true
  }

  /** Gives true when this changed whether it is open. */
  succeeded(): boolean {
    const wasOpen = this.isOpen
    this.#failed = 0
    return wasOpen
  }

  failed(): boolean {
    const wasOpen = this.isOpen
    this.#failed = Math.min(this.#failed + 1, this.#limits.failures)
    this.#trialAtMs = this.#clock.monotonic() + this.#limits.retryAfterMs
    return !wasOpen && this.isOpen
  }
}
