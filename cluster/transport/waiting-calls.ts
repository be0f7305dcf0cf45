import type { CallOutcome } from '../../runtime/index.js'

/** Numbers of one place differ by this: as many may wait at once. */
const PLACES = 2 ** 20

/**
 * Who waits for an answer, by the number of the call.
 *
 * N1. A number that was given up is never given again, for its answer may still come; one that was answered is.
 * N2. Places are used again. In a Map, which is copied as it is used, each dead copy that the garbage collector has not
 *     yet looked at keeps all that it held: with thousands of calls under way most of what it copies is dead.
 */
export class WaitingCalls {
  readonly #outcomes: (CallOutcome | undefined)[] = []
  readonly #untilMs: number[] = []
  readonly #sentMs: number[] = []
  /** The number that a place gives next. */
  readonly #ids: number[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#outcomes.length - this.#free.length
  }

  /** Returns the number; undefined when there is no place for one more. */
  add(outcome: CallOutcome, untilMs: number, sentMs = 0): number | undefined {
    const place = this.#free.pop() ?? this.#newPlace()
    if (place === undefined) return undefined
    this.#outcomes[place] = outcome
    this.#untilMs[place] = untilMs
    this.#sentMs[place] = sentMs
    return this.#ids[place]
  }

  /** When the call of this number was made, until its place is given again. */
  sentMs(id: number): number {
    return this.#sentMs[id % PLACES] ?? 0
  }

  /** Who waits for this number; nobody waits any more. */
  take(id: number): CallOutcome | undefined {
    const place = id % PLACES
    if (this.#ids[place] !== id) return undefined
    const outcome = this.#outcomes[place]
    if (outcome === undefined) return undefined
    this.#outcomes[place] = undefined
    this.#free.push(place)
    return outcome
  }

  /** As `take`, for one whose answer may still come. */
  giveUp(id: number): CallOutcome | undefined {
    const outcome = this.take(id)
    if (outcome !== undefined) this.#ids[id % PLACES] = id + PLACES
    return outcome
  }

  /** The numbers of those whose time is over. */
  overdue(nowMs: number): number[] {
    const ids: number[] = []
    for (let place = 0; place < this.#outcomes.length; place++) {
      if (this.#outcomes[place] !== undefined && this.#untilMs[place]! <= nowMs) ids.push(this.#ids[place]!)
    }
    return ids
  }

  #newPlace(): number | undefined {
    const place = this.#outcomes.length
    if (place === PLACES) return undefined
    this.#outcomes.push(undefined)
    this.#untilMs.push(0)
    this.#sentMs.push(0)
    this.#ids.push(place)
    return place
  }
}
