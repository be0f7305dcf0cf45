import type { Clock, Timer } from './clock.js'

/** The longest delay that the platform's timer takes; longer ones are waited for in legs. */
const MAX_LEG_MS = 2 ** 31 - 1

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | undefined
  readonly #dueMs: number
  readonly #fire: () => void

  constructor(delayMs: number, fire: () => void) {
    this.#dueMs = performance.now() + delayMs
    this.#fire = fire
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }

  #arm(): void {
    const leftMs = Math.max(0, this.#dueMs - performance.now())
    this.#handle = setTimeout(() => this.#elapsed(), Math.min(Math.ceil(leftMs), MAX_LEG_MS))
  }

  #elapsed(): void {
    // The platform rounds: a timer may come a fraction of a millisecond early.
    if (performance.now() < this.#dueMs) this.#arm()
    else this.#fire()
  }
}

/** The machine's clocks: the only place of the program, the edge of the gateway apart, that has real timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, fire) => new SystemTimer(delayMs, fire),
}
