/** Bytes that are held on behalf of all clients together, counted against one limit. */
export class ByteBudget {
  readonly limit: number
  #held = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get held(): number {
    return this.#held
  }

  get exhausted(): boolean {
    return this.#held > this.limit
  }

  add(bytes: number) {
    this.#held += bytes
  }

  release(bytes: number) {
    this.#held -= bytes
  }
}
