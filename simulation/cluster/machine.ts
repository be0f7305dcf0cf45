import type { Clock, Timer } from '../../runtime/index.js'
import type { VirtualTime } from '../virtual-time.js'

const LEAST_STEP_MS = 0.001

/**
 * A machine with a clock of its own, on which processes run.
 *
 * M1. Its monotonic clock runs at its own rate, its wall clock a moment away from the true time.
 * M2. While it stalls, nothing that runs on it is told anything: not of timers, not of what arrives. Then all that came is
 *     told in order, each by itself, and its clocks have moved on.
 * M3. While it is suspended, its monotonic clock stands still besides; its wall clock does not.
 */
export class Machine implements Clock {
  readonly name: string
  /** NATS is out of reach. */
  isOffBus = false
  /** Cassandra is out of reach. */
  isOffStorage = false
  readonly #time: VirtualTime
  readonly #rate: number
  readonly #wallOffsetMs: number
  #suspendedMs = 0
  #suspendedSinceMs: number | undefined
  #isHalted = false
  #halts = 0
  #waiting: (() => void)[] = []

  constructor(name: string, time: VirtualTime, rate: number, wallOffsetMs: number) {
    this.name = name
    this.#time = time
    this.#rate = rate
    this.#wallOffsetMs = wallOffsetMs
  }

  get isHalted(): boolean {
    return this.#isHalted
  }

  now(): number {
    return this.#time.now() + this.#wallOffsetMs
  }

  monotonic(): number {
    return ((this.#suspendedSinceMs ?? this.#time.monotonic()) - this.#suspendedMs) * this.#rate
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const dueMs = this.monotonic() + Math.max(0, delayMs)
    let timer: Timer
    let isCancelled = false
    const arm = (leastMs: number) => {
      const delayMs = Math.max(leastMs, (dueMs - this.monotonic()) / this.#rate)
      timer = this.#time.setTimer(delayMs, () => this.enter(due))
    }
    // While the machine was suspended, its clock did not get there; or its rate is rounded, and time must pass.
    const due = () => {
      if (isCancelled) return
      if (this.monotonic() >= dueMs) fire()
      else arm(LEAST_STEP_MS)
    }
    arm(0)
    return {
      cancel() {
        isCancelled = true
        timer.cancel()
      },
    }
  }

  /** Something happens on this machine: now, or once it goes on. */
  enter(run: () => void): void {
    if (this.#isHalted || this.#waiting.length > 0) this.#waiting.push(run)
    else run()
  }

  halt(forMs: number, isSuspended: boolean): void {
    this.#isHalted = true
    const halt = ++this.#halts
    if (isSuspended) this.#suspendedSinceMs ??= this.#time.monotonic()
    this.#time.setTimer(forMs, () => {
      if (this.#halts === halt) this.goOn()
    })
  }

  goOn(): void {
    if (!this.#isHalted) return
    if (this.#suspendedSinceMs !== undefined) this.#suspendedMs += this.#time.monotonic() - this.#suspendedSinceMs
    this.#suspendedSinceMs = undefined
    this.#isHalted = false
    this.#tellNext()
  }

  /** One event after the other, as they would have come. */
  #tellNext(): void {
    if (this.#waiting.length === 0) return
    this.#time.setTimer(0, () => {
      if (this.#isHalted) return
      this.#waiting.shift()?.()
      this.#tellNext()
    })
  }
}
