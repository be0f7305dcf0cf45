import { type Clock, systemClock, type Timer } from '../../runtime/index.js'

/** A clock that can run faster than time does, so that idle minutes pass in seconds. */
export class HastyClock implements Clock {
  readonly #startMs = Date.now()
  #times = 1
  #passedMs = 0
  #sinceMs = performance.now()

  /** From now on it runs `times` as fast. Timers that are set keep their real delay. */
  run(times: number): void {
    this.#passedMs = this.monotonic()
    this.#sinceMs = performance.now()
    this.#times = times
  }

  now(): number {
    return Math.floor(this.#startMs + this.monotonic())
  }

  monotonic(): number {
    return this.#passedMs + (performance.now() - this.#sinceMs) * this.#times
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return systemClock.setTimer(delayMs / this.#times, fire)
  }
}
