import type { Call } from './call.js'
import { compareLongs, type Long, longHigh, ZERO_LONG } from './long.js'

/** What became of a message that is not, or no more, a call in progress. */
export type Settled = 'service' | 'container' | 'done' | 'failed' | 'lost'

type State = Call | Settled

const NO_IDS: Long[] = []
const NO_STATES: State[] = []

/**
 * The messages that a client has sent, so that none is acted on twice.
 *
 * 1. An id that was seen is never reported as new: it is either remembered or at or below `floor`.
 * 2. What is forgotten raises `floor`; ids above it that are not remembered were never seen.
 * 3. Calls in progress are not forgotten.
 *
 * Two lists in the order of ids, not a map: ids are times, so nearly all that is asked for is new or stands at the end,
 * and a map of thousands for each session is in no processor's cache.
 */
export class SeenMessages {
  #ids = NO_IDS
  #states = NO_STATES
  floor: Long = ZERO_LONG

  get size(): number {
    return this.#ids.length
  }

  get(id: Long): State | undefined {
    const at = this.#find(id)
    return at < 0 ? undefined : this.#states[at]
  }

  set(id: Long, state: State): void {
    const at = this.#find(id)
    if (at >= 0) this.#states[at] = state
    else this.#insert(~at, id, state)
  }

  /** Sets what an id stands for if it stands for `before`. */
  replace(id: Long, before: State, state: State): void {
    const at = this.#find(id)
    if (at >= 0 && this.#states[at] === before) this.#states[at] = state
  }

  /** Makes an id new again: whatever it stood for did not happen, or may happen again. */
  erase(id: Long): void {
    const at = this.#find(id)
    if (at < 0) return
    this.#ids.splice(at, 1)
    this.#states.splice(at, 1)
  }

  isForgotten(id: Long): boolean {
    return compareLongs(id, this.floor) <= 0
  }

  /** Forgets what is older than `sinceSeconds` (message ids are times), and the oldest beyond `maxCount`. */
  trim(maxCount: number, sinceSeconds: number): void {
    let excess = this.#ids.length - maxCount
    const oldest = this.#ids[0]
    if (oldest === undefined || (excess <= 0 && longHigh(oldest) >= sinceSeconds)) return
    const ids: Long[] = []
    const states: State[] = []
    let looked = 0
    for (; looked < this.#ids.length; looked++) {
      const id = this.#ids[looked]!
      if (excess <= 0 && longHigh(id) >= sinceSeconds) break
      const state = this.#states[looked]!
      if (typeof state === 'string' || state.settled) {
        if (compareLongs(id, this.floor) > 0) this.floor = id
        excess--
      } else {
        ids.push(id)
        states.push(state)
      }
    }
    if (ids.length === looked) return
    const isEmpty = ids.length === 0 && looked === this.#ids.length
    this.#ids = isEmpty ? NO_IDS : ids.concat(this.#ids.slice(looked))
    this.#states = isEmpty ? NO_STATES : states.concat(this.#states.slice(looked))
  }

  /** Where the id stands; where it would stand, as ~index, if it is not here. Looks from the end. */
  #find(id: Long): number {
    let low = 0
    let high = this.#ids.length
    for (let step = 1; low < high; step *= 2) {
      const at = Math.max(low, high - step)
      const order = compareLongs(this.#ids[at]!, id)
      if (order === 0) return at
      if (order < 0) {
        low = at + 1
        break
      }
      high = at
    }
    while (low < high) {
      const at = (low + high) >>> 1
      const order = compareLongs(this.#ids[at]!, id)
      if (order === 0) return at
      if (order < 0) low = at + 1
      else high = at
    }
    return ~low
  }

  #insert(at: number, id: Long, state: State): void {
    if (this.#ids === NO_IDS) {
      this.#ids = [id]
      this.#states = [state]
      return
    }
    const [ids, states] = [this.#ids, this.#states]
    // By hand: a container is seen before what is in it, so most go before the last one, and splice makes a list each time.
    for (let to = ids.length; to > at; to--) {
      ids[to] = ids[to - 1]!
      states[to] = states[to - 1]!
    }
    ids[at] = id
    states[at] = state
  }
}
