import type { Clock } from '../../runtime/index.js'
import { Lru } from './lru.js'

interface Entry<Value> {
  readonly promise: Promise<Value>
  /** Monotonic. */
  readonly untilMs: number
  /** Once the promise has resolved. */
  loaded: { readonly value: Value } | undefined
}

/**
 * What was asked of actors a moment ago. The promise itself is kept: many who ask at once are one call, dropping the
 * entry drops what is under way, and a failure is not kept.
 */
export class FreshCache<Key, Value> {
  readonly #clock: Clock
  readonly #freshMs: number
  readonly #entries: Lru<Key, Entry<Value>>

  constructor(clock: Clock, limit: number, freshMs: number) {
    this.#clock = clock
    this.#freshMs = freshMs
    this.#entries = new Lru(limit)
  }

  /** What is here and fresh, without waiting; undefined if it must be asked for or is on its way. */
  peek(key: Key): { readonly value: Value } | undefined {
    return this.#fresh(key)?.loaded
  }

  has(key: Key): boolean {
    return this.#fresh(key) !== undefined
  }

  through(key: Key, load: () => Promise<Value>): Promise<Value> {
    return this.#fresh(key)?.promise ?? this.keep(key, load())
  }

  keep(key: Key, promise: Promise<Value>): Promise<Value> {
    const entry: Entry<Value> = { promise, untilMs: this.#clock.monotonic() + this.#freshMs, loaded: undefined }
    this.#entries.set(key, entry)
    promise.then(
      (value) => {
        entry.loaded = { value }
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key)
      },
    )
    return promise
  }

  /** Changes what is here; what is on its way is dropped, for it may be from before the change. */
  change(key: Key, change: (value: Value) => Value): void {
    const entry = this.#entries.get(key)
    if (!entry?.loaded) {
      this.#entries.delete(key)
      return
    }
    const value = change(entry.loaded.value)
    this.#entries.set(key, { promise: Promise.resolve(value), untilMs: entry.untilMs, loaded: { value } })
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  #fresh(key: Key): Entry<Value> | undefined {
    const entry = this.#entries.get(key)
    return entry && this.#clock.monotonic() < entry.untilMs ? entry : undefined
  }
}
