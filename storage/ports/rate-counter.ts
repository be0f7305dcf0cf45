/** Uses of something that is limited: `burst` at once, then `perSecond`. */
export interface RateUse {
  readonly key: string
  /** Whole, 0 to ask only. */
  readonly count: number
  readonly burst: number
  readonly perSecond: number
}

export const MAX_DEBT_MS = 60_000

/**
 * Uses counted over all processes, as the level of a token bucket (a window that slides). It only counts: whoever asks
 * has a bucket of its own, which holds when the shared one is unknown.
 *
 * RC1. Counting and asking are one atomic step: n uses of a bucket of m in any order leave m - n.
 * RC2. A bucket refills at its rate, to `burst` at most; one that is full is forgotten.
 * RC3. It goes down to -`burst` and what `MAX_DEBT_MS` refill at most, so that nobody is shut out for long; what several
 *      processes let through before they heard of each other is well above that.
 */
export interface RateCounter {
  /** Tokens that are left, one figure a use, in order; below 0 when more was used than there was. */
  add(uses: readonly RateUse[]): Promise<readonly (number | undefined)[]>
}
