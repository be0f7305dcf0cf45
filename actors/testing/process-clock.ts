import type { Clock, Timer } from '../../runtime/index.js'

/**
 * A process's view of a clock: once it is killed none of its timers fires any more. In whole milliseconds, although the
 * simulated disk takes fractions of one.
 */
export class ProcessClock implements Clock {
  readonly #clock: Clock
  #isAlive = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return Math.floor(this.#clock.now())
  }

  monotonic(): number {
    return Math.floor(this.#clock.monotonic())
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#clock.setTimer(Math.ceil(delayMs), () => {
      if (this.#isAlive) fire()
    })
  }

  kill(): void {
    this.#isAlive = false
  }
}
