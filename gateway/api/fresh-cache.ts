import type { Clock, Soon } from '../../runtime/index.js'
import { Lru } from './lru.js'

/** A value that is here, and until when it counts as fresh. Another value of the key is another object. */
export interface Fresh<Value> {
  readonly value: Value
  /** Monotonic. */
  readonly untilMs: number
}

class Entry<Value> implements Fresh<Value> {
  readonly untilMs: number
  /** While the value is on its way. */
  promise: Promise<Value> | undefined
  #value: Value | undefined

  constructor(untilMs: number, promise?: Promise<Value>) {
    this.untilMs = untilMs
    this.promise = promise
  }

  get value(): Value {
    return this.#value as Value
  }

  load(value: Value): void {
    this.#value = value
    this.promise = undefined
  }
}

/**
 * What was asked of actors a moment ago. While it is under way the promise itself is kept: many who ask at once are one
 * call, dropping the entry drops what is under way, and a failure is not kept.
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

  /** What is here and fresh, without waiting; undefined if it must be asked for or is on its way. `nowMs`: monotonic. */
  peek(key: Key, nowMs = this.#clock.monotonic()): Fresh<Value> | undefined {
    const entry = this.#fresh(key, nowMs)
    return entry?.promise === undefined ? entry : undefined
  }

  has(key: Key): boolean {
    return this.#fresh(key) !== undefined
  }

  through(key: Key, load: () => Promise<Value>): Soon<Value> {
    const entry = this.#fresh(key)
    if (entry === undefined) return this.#keep(key, load())
    return entry.promise ?? entry.value
  }

  #keep(key: Key, promise: Promise<Value>): Promise<Value> {
    const entry = new Entry(this.#clock.monotonic() + this.#freshMs, promise)
    this.#entries.set(key, entry)
    promise.then(
      (value) => entry.load(value),
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key)
      },
    )
    return promise
  }

  /** Changes what is here; what is on its way is dropped, for it may be from before the change. */
  change(key: Key, change: (value: Value) => Value): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.promise !== undefined) {
      this.#entries.delete(key)
      return
    }
    const value = change(entry.value)
    const changed = new Entry<Value>(entry.untilMs)
    changed.load(value)
    this.#entries.set(key, changed)
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  #fresh(key: Key, nowMs = this.#clock.monotonic()): Entry<Value> | undefined {
    const entry = this.#entries.get(key)
    return entry && nowMs < entry.untilMs ? entry : undefined
  }
}
