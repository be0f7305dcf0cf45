import { ActorError } from '../../runtime/index.js'
import type { BoxChange } from '../user/changes.js'
import type { LaneAnswer, LaneItem } from '../user/contract.js'

/** One who waits for what entries from..upTo changed in the box. */
export interface Waiter {
  readonly from: number
  readonly upTo: number
  readonly deadlineMs: number
  readonly changes: BoxChange[]
  /** Entries whose changes came. */
  answered: number
  resolve(): void
  reject(error: Error): void
}

/** Where delivery to one box stands. */
export class Lane {
  /** The box has everything up to here that concerns it; undefined: ask it. */
  w: number | undefined
  /** The last entry that the box said it has, or took: entries between it and `w` do not concern the box (D1). */
  mark: number
  /** The last durable entry that concerns it. */
  target: number
  running = false
  /** Appends in a row after which the box's mark was where it had been. */
  stalls = 0
  /** The entry at the front whose body is gone, and the last entry that was appended when that was first seen. */
  erased: { readonly n: number; readonly seenAt: number } | undefined
  #waiting: Waiter[] = []

  constructor(w: number | undefined) {
    this.w = w
    this.mark = w ?? 0
    this.target = w ?? 0
  }

  has(n: number): boolean {
    return this.w !== undefined && this.w >= n
  }

  get isDone(): boolean {
    return this.has(this.target)
  }

  /**
   * Entry `n` is durable and concerns the box, as none does between the target so far and `n`: a lane that has all up to
   * that target need not look at those.
   */
  aim(n: number): void {
    if (n <= this.target) return
    if (!this.running && this.isDone) this.w = n - 1
    this.target = n
  }

  /** Resolves once the box has entry `upTo`. Rejects with OUTCOME_UNKNOWN when `abandon` finds that it took too long. */
  wait(from: number, upTo: number, deadlineMs: number): Promise<Waiter> {
    return new Promise((resolve, reject) => {
      const waiter = { from, upTo, deadlineMs, changes: [], answered: 0, resolve: () => resolve(waiter), reject }
      this.#waiting.push(waiter)
    })
  }

  /** Keeps what those who wait asked for; of an append that was taken in part, what was taken. */
  note(items: readonly LaneItem[], { w, changes: changed }: LaneAnswer & { taken: true }): void {
    for (const waiter of this.#waiting) {
      const upTo = Math.min(waiter.upTo, w)
      for (const { n } of items) if (waiter.from <= n && n <= upTo) waiter.answered++
      for (const { n, changes } of changed) if (waiter.from <= n && n <= upTo) waiter.changes.push(...changes)
    }
  }

  /** The box says where it stands, which may be less than was thought. */
  stand(w: number): void {
    this.mark = w
    this.reached(w)
  }

  /** The box has everything up to `w` that concerns it. */
  reached(w: number): void {
    this.w = w
    const waiting = this.#waiting
    if (waiting.length === 0) return
    // Mostly all that wait have what they wait for.
    this.#waiting = waiting.every(({ upTo }) => upTo <= w) ? [] : waiting.filter(({ upTo }) => upTo > w)
    for (const waiter of waiting) if (waiter.upTo <= w) waiter.resolve()
  }

  /** Those whose time is up hear that the outcome is unknown to them. */
  abandon(nowMs: number): void {
    const late = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs)
    if (late.length === 0) return
    this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs)
    const error = () =>
      new ActorError('OUTCOME_UNKNOWN', 'the entry stands, but the box of the one who asks did not take it in time')
    for (const waiter of late) waiter.reject(error())
  }
}
