import type { Clock, Timer } from '../clock.js'

interface Pending extends Timer {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

/** A clock that stands still until it is moved. Both clocks move together; `jump` moves the wall clock alone. */
export class VirtualClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #order = 0
  readonly #pending = new Set<Pending>()

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs
  }

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const pending: Pending = {
      dueMs: this.#monotonicMs + Math.max(0, delayMs),
      order: this.#order++,
      fire,
      cancel: () => this.#pending.delete(pending),
    }
    this.#pending.add(pending)
    return pending
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#pending.size
  }

  /** Sets the wall clock forward or back; the monotonic clock and the timers do not see it. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  /** Moves time on, firing what comes due at its moment, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms
    await settled()
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      this.#pending.delete(next)
      this.#moveTo(next.dueMs)
      next.fire()
      await settled()
    }
    this.#moveTo(endMs)
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += Math.max(0, monotonicMs - this.#monotonicMs)
    this.#monotonicMs = Math.max(monotonicMs, this.#monotonicMs)
  }

  #nextUntil(endMs: number): Pending | undefined {
    let first: Pending | undefined
    for (const pending of this.#pending) {
      if (pending.dueMs > endMs) continue
      if (first === undefined || pending.dueMs < first.dueMs) first = pending
      else if (pending.dueMs === first.dueMs && pending.order < first.order) first = pending
    }
    return first
  }
}

/** Resolves when every promise that can settle without time or input has. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
