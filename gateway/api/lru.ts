interface Entry<Value> {
  readonly value: Value
  /** How many entries had been put at the end when this one was. */
  readonly turn: number
}

/**
 * A map of bounded size: what was used least recently goes first. Exact among the older three quarters; a use of one of
 * the newest quarter leaves its place as it is, since moving an entry costs more than all the rest of a look-up.
 */
export class Lru<Key, Value> {
  readonly #limit: number
  readonly #newest: number
  readonly #entries = new Map<Key, Entry<Value>>()
  #turn = 0

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError('an LRU needs room for one entry')
    this.#limit = limit
    this.#newest = Math.floor(limit / 4)
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (this.#turn - entry.turn >= this.#newest) this.#put(key, entry.value)
    return entry.value
  }

  set(key: Key, value: Value): void {
    if (!this.#entries.has(key) && this.#entries.size >= this.#limit) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
    this.#put(key, value)
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }

  /** A Map keeps the order of insertion: what is deleted and set again is its last. */
  #put(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, turn: ++this.#turn })
  }
}
