import type { Clock, Timer } from '../runtime/index.js'

interface Pending {
  readonly dueMs: number
  readonly order: number
  fire: (() => void) | undefined
}

/** Where the wall clock stands at the beginning: some time in 2026. */
const START_MS = 1_770_000_000_000

/**
 * The one clock of a simulated world: time stands still while anything runs, and jumps from one timer to the next.
 *
 * T1. Timers fire in the order of their time, then of their making; `step` fires exactly one.
 * T2. Between two timers every promise that can settle does, in the order that JavaScript gives them.
 * T3. Nothing here asks the machine for its time, so a run depends on nothing but what was scheduled.
 */
export class VirtualTime implements Clock {
  #nowMs = 0
  #wallOffsetMs = START_MS
  #made = 0
  readonly #heap: Pending[] = []
  /** Timers fired so far: the coordinate at which crashes are placed. */
  events = 0

  now(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs)
  }

  monotonic(): number {
    return this.#nowMs
  }

  /** Sets the wall clock forward or back; the monotonic one and the timers do not see it. */
  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.at(this.#nowMs + Math.max(0, delayMs), fire)
  }

  /** As `setTimer`, at a moment of the monotonic clock. */
  at(dueMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: Math.max(exact(dueMs), this.#nowMs), order: this.#made++, fire }
    this.#push(pending)
    return {
      cancel: () => {
        pending.fire = undefined
      },
    }
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.setTimer(delayMs, resolve))
  }

  /** Fires the next timer and lets what follows from it run; false when there is none at or before `untilMs`. */
  async step(untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.dueMs > untilMs) return false
      this.#pop()
      const { fire } = next
      if (fire === undefined) continue
      this.#nowMs = next.dueMs
      this.events++
      fire()
      await settled()
      return true
    }
  }

  #push(pending: Pending): void {
    const heap = this.#heap
    let at = heap.push(pending) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!isBefore(pending, heap[up]!)) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = pending
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++
      if (!isBefore(heap[down]!, last)) break
      heap[at] = heap[down]!
      at = down
    }
    heap[at] = last
  }
}

/** Binary fractions of a millisecond: sums and differences of times are exact, so a wait is over when it is over. */
function exact(dueMs: number): number {
  return Math.ceil(dueMs * 1024) / 1024
}

function isBefore(one: Pending, other: Pending): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order)
}

/** Resolves when every promise that can settle without a timer has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
