import { addressGroup } from './client-address.js'

/** How many of something there are per client address, and in all. */
export class AddressCount {
  readonly #limit: number
  readonly #perAddressLimit: number
  readonly #counts = new Map<string, number>()
  #all = 0

  constructor(limit: number, perAddressLimit: number) {
    this.#limit = limit
    this.#perAddressLimit = perAddressLimit
  }

  /** Which limit is reached, if one is. */
  full(address: string): 'all' | 'address' | undefined {
    if (this.#all >= this.#limit) return 'all'
    return (this.#counts.get(addressGroup(address)) ?? 0) >= this.#perAddressLimit ? 'address' : undefined
  }

  add(address: string): void {
    const group = addressGroup(address)
    this.#counts.set(group, (this.#counts.get(group) ?? 0) + 1)
    this.#all++
  }

  remove(address: string): void {
    const group = addressGroup(address)
    const left = (this.#counts.get(group) ?? 1) - 1
    if (left > 0) this.#counts.set(group, left)
    else this.#counts.delete(group)
    this.#all--
  }
}
