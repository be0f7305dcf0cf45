/**
 * Which actors' last activations ended with something in flight (CORE J3): their writer is not kept.
 *
 * N1. An actor that ended uncleanly is known here until it has been opened with a new writer.
 * N2. Bounded: when too many are known, every actor counts as one of them from then on. That costs each activation a
 *     lineage, and is always safe.
 */
const MOST_KNOWN = 65_536

export class UncleanEnds {
  readonly #addresses = new Set<string>()
  readonly #overflowed: () => void
  #all = false

  /** `overflowed` hears once that the bound was reached. */
  constructor(overflowed: () => void) {
    this.#overflowed = overflowed
  }

  has(address: string): boolean {
    return this.#all || this.#addresses.has(address)
  }

  add(address: string): void {
    if (this.#all) return
    this.#addresses.add(address)
    if (this.#addresses.size <= MOST_KNOWN) return
    this.#all = true
    this.#addresses.clear()
    this.#overflowed()
  }

  delete(address: string): void {
    this.#addresses.delete(address)
  }
}
