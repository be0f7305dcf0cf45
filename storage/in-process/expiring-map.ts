/**
 * E1. An entry is seen for `ttlMs` after it was set, and not after that.
 * E2. Bounded in entries and bytes; over either the entry set longest ago goes first.
 */
import type { Clock } from '../../runtime/index.js'

interface Entry<Value> {
  readonly value: Value
  readonly bytes: number
  /** Monotonic. */
  readonly untilMs: number
}

export interface MapBounds {
  readonly entries: number
  readonly bytes: number
}

export class ExpiringMap<Key, Value> {
  readonly #clock: Clock
  readonly #bounds: MapBounds
  readonly #sizeOf: (key: Key, value: Value) => number
  readonly #entries = new Map<Key, Entry<Value>>()
  #bytes = 0

  constructor(clock: Clock, bounds: MapBounds, sizeOf: (key: Key, value: Value) => number) {
    this.#clock = clock
    this.#bounds = bounds
    this.#sizeOf = sizeOf
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (this.#clock.monotonic() < entry.untilMs) return entry.value
    this.delete(key)
    return undefined
  }

  set(key: Key, value: Value, ttlMs: number): void {
    this.delete(key)
    if (ttlMs <= 0) return
    const bytes = this.#sizeOf(key, value)
    // A Map keeps the order of insertion: what is deleted and set again is its last.
    this.#entries.set(key, { value, bytes, untilMs: this.#clock.monotonic() + ttlMs })
    this.#bytes += bytes
    while (this.#entries.size > this.#bounds.entries || this.#bytes > this.#bounds.bytes) this.#dropOldest()
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }

  /** Those that are still there. */
  *values(): Iterable<Value> {
    const nowMs = this.#clock.monotonic()
    for (const { value, untilMs } of this.#entries.values()) if (nowMs < untilMs) yield value
  }

  #dropOldest(): void {
    for (const key of this.#entries.keys()) {
      this.delete(key)
      return
    }
  }
}
