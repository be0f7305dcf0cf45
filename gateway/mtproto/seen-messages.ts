import type { Call } from './call.js'
import { compareLongs, type Long, longHigh, ZERO_LONG } from './long.js'

/** What became of a message that is not, or no more, a call in progress. */
export type Settled = 'service' | 'container' | 'done' | 'failed' | 'lost'

/**
 * The messages that a client has sent, so that none is acted on twice.
 *
 * 1. An id that was seen is never reported as new: it is either remembered or at or below `floor`.
 * 2. What is forgotten raises `floor`; ids above it that are not remembered were never seen.
 * 3. Calls in progress are not forgotten.
 */
export class SeenMessages {
  readonly #states = new Map<Long, Call | Settled>()
  floor: Long = ZERO_LONG

  get size(): number {
    return this.#states.size
  }

  get(id: Long): Call | Settled | undefined {
    return this.#states.get(id)
  }

  set(id: Long, state: Call | Settled): void {
    this.#states.set(id, state)
  }

  /** Makes an id new again: whatever it stood for did not happen, or may happen again. */
  erase(id: Long): void {
    this.#states.delete(id)
  }

  isForgotten(id: Long): boolean {
    return compareLongs(id, this.floor) <= 0
  }

  /** Forgets what is older than `sinceSeconds` (message ids are times), and the oldest beyond `maxCount`. */
  trim(maxCount: number, sinceSeconds: number): void {
    let excess = this.#states.size - maxCount
    for (const [id, state] of this.#states) {
      if (excess <= 0 && longHigh(id) >= sinceSeconds) return
      if (typeof state !== 'string' && !state.settled) continue
      this.#states.delete(id)
      if (compareLongs(id, this.floor) > 0) this.floor = id
      excess--
    }
  }
}
