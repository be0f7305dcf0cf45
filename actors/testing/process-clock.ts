import type { Clock, Timer } from '../../runtime/index.js'

/** A process's view of a clock: once it is killed none of its timers fires any more. */
export class ProcessClock implements Clock {
  readonly #clock: Clock
  #isAlive = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    // The simulated disk takes fractions of a millisecond; a wall clock does not show them.
    return Math.floor(this.#clock.now())
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    // As a machine's timers, none is finer than a millisecond: what is left by rounding must not stop time.
    return this.#clock.setTimer(Math.ceil(delayMs), () => {
      if (this.#isAlive) fire()
    })
  }

  kill(): void {
    this.#isAlive = false
  }
}
