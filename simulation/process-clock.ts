import type { Clock, Timer } from '../runtime/index.js'

/** A clock that stops with its process. */
export class ProcessClock implements Clock {
  readonly #clock: Clock
  isAlive = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#clock.setTimer(delayMs, () => this.isAlive && fire())
  }
}
