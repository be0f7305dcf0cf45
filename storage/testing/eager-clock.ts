import type { Clock, Timer } from '../../runtime/index.js'

interface Pending {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

/**
 * Virtual time that passes by itself: as soon as nothing is left to run, it jumps to the next timer. Timers fire in the
 * order of their time, then in that of their making. A wait of an hour costs a test nothing.
 */
export class EagerClock implements Clock {
  #nowMs = 1_700_000_000_000
  #made = 0
  #pending: Pending[] = []
  #isRunning = false

  now(): number {
    return Math.floor(this.#nowMs)
  }

  monotonic(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#made++, fire }
    this.#pending.push(pending)
    this.#run()
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending)
      },
    }
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    setImmediate(() => {
      this.#isRunning = false
      const next = this.#pending.reduce<Pending | undefined>(
        (first, each) => (isEarlier(each, first) ? each : first),
        undefined,
      )
      if (!next) return
      this.#pending = this.#pending.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#run()
      next.fire()
    })
  }
}

function isEarlier(one: Pending, other: Pending | undefined): boolean {
  if (!other) return true
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order)
}
