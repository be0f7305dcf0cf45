import type { Clock } from '../../../runtime/index.js'

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000
  #timers: { atMs: number; fire: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs - 1_000_000_000
  }

  setTimer(delayMs: number, fire: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, fire }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (!due) break
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.fire()
    }
    this.#nowMs = endMs
  }
}
