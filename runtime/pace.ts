/**
 * Long reads in pieces: a store in this process answers at once, so that nothing else would run until a read of
 * thousands of entries has ended.
 *
 * E1. A read-only call that has read more than a piece waits until it is called up; nobody else waits for it meanwhile.
 * E2. One is called up at a time, in the order in which they came, and everything else that the event loop has to do comes
 *     between two of them. A short read never waits.
 */
import type { Clock } from './clock.js'

/** Entries or rows: a few milliseconds' worth. */
const PIECE = 256

export class Pace {
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The reads of one call. */
  reading(): Reading {
    return new Reading(this)
  }

  /** @internal For readings. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) this.#callUpSoon()
    })
  }

  #callUpSoon(): void {
    this.#clock.setTimer(0, () => {
      this.#waiting.shift()?.()
      if (this.#waiting.length > 0) this.#callUpSoon()
    })
  }
}

export class Reading {
  readonly #pace: Pace
  #left = PIECE

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /** To be called before each read; a promise when it has to wait. */
  mayRead(): Promise<void> | undefined {
    if (this.#left > 0) return undefined
    this.#left = PIECE
    return this.#pace.turn()
  }

  hasRead(entries: number): void {
    this.#left -= entries
  }
}
