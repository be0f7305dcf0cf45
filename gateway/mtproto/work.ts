import type { MtprotoLimits } from './limits.js'

/**
 * What messages of clients cost, in units of some tens of microseconds. Bytes and ids beside the message itself.
 */
export const Work = {
  message: 1,
  /** The API has limits of its own for calls; what is answered with an error counts as a message. */
  call: 1 / 4,
  acknowledgement: 1 / 4,
  id: 1 / 32,
  inflatedByte: 1 / (16 * 1024),
  resentByte: 1 / (16 * 1024),
} as const

/**
 * How much work one auth key may still ask for: `workUnitsAtOnce`, and `workUnitsPerSecond` from then on. It may owe:
 * what arrived is worked on, and the next waits until that is paid.
 */
export class WorkAllowance {
  readonly #limits: MtprotoLimits
  #units: number
  #atMs: number

  constructor(limits: MtprotoLimits, nowMs: number) {
    this.#limits = limits
    this.#units = limits.workUnitsAtOnce
    this.#atMs = nowMs
  }

  spend(units: number): void {
    this.#units -= units
  }

  /** Milliseconds until nothing is owed. */
  restMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#units >= 0 ? 0 : Math.ceil((-this.#units * 1000) / this.#limits.workUnitsPerSecond)
  }

  /** So much is owed that nothing more is taken. */
  isOverdrawn(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#units < -this.#limits.workUnitsAtOnce
  }

  #refill(nowMs: number) {
    const { workUnitsAtOnce, workUnitsPerSecond } = this.#limits
    this.#units = Math.min(workUnitsAtOnce, this.#units + ((nowMs - this.#atMs) * workUnitsPerSecond) / 1000)
    this.#atMs = nowMs
  }
}
