import type { Clock } from '../../runtime/index.js'
import { addressGroup, isLoopback } from './client-address.js'

const HOUR_MS = 3_600_000
/** Whoever has the machine itself may do more: tests, benches, a proxy that many come through. */
const LOOPBACK_TIMES = 100
/** Addresses remembered; beyond it the one that was first seen is forgotten, which favours it. */
const ADDRESSES_KEPT = 100_000

interface Spent {
  amount: number
  /** Monotonic: when `amount` was true. It comes back evenly over an hour. */
  atMs: number
}

/** How much of something each address may still have: so much an hour, all of it at once if it likes. */
export class AddressAllowance {
  readonly #clock: Clock
  readonly #perHour: number
  readonly #spent = new Map<string, Spent>()

  constructor(clock: Clock, perHour: number) {
    this.#clock = clock
    this.#perHour = perHour
  }

  isUsedUp(address: string): boolean {
    const spent = this.#spent.get(addressGroup(address))
    return spent !== undefined && this.#amount(spent, this.#limit(address)) + 1 > this.#limit(address)
  }

  take(address: string): void {
    const group = addressGroup(address)
    const spent = this.#spent.get(group)
    const atMs = this.#clock.monotonic()
    if (spent) {
      spent.amount = this.#amount(spent, this.#limit(address)) + 1
      spent.atMs = atMs
      return
    }
    if (this.#spent.size >= ADDRESSES_KEPT) {
      for (const first of this.#spent.keys()) {
        this.#spent.delete(first)
        break
      }
    }
    this.#spent.set(group, { amount: 1, atMs })
  }

  #limit(address: string): number {
    return isLoopback(address) ? this.#perHour * LOOPBACK_TIMES : this.#perHour
  }

  #amount({ amount, atMs }: Spent, limit: number): number {
    return Math.max(0, amount - ((this.#clock.monotonic() - atMs) * limit) / HOUR_MS)
  }
}
