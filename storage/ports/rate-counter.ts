/** Uses of something that is limited: `burst` at once, then `perSecond`. */
export interface RateUse {
  readonly key: string
  /** Whole, 0 to ask only. */
  readonly count: number
  readonly burst: number
  readonly perSecond: number
}

/**
 * Uses counted over all processes, as the level of a token bucket (a window that slides). It only counts: whoever asks
 * has a bucket of its own, which holds when the shared one is unknown.
 *
 * RC1. Counting and asking are one atomic step: n uses of a bucket of m in any order leave m - n.
 * RC2. A bucket refills at its rate, to `burst` at most; one that is full is forgotten.
 * RC3. It goes down to -`burst` at most, so that nobody is shut out for longer than twice the time of a refill.
 */
export interface RateCounter {
  /** Tokens that are left, one figure a use, in order; below 0 when more was used than there was. */
  add(uses: readonly RateUse[]): Promise<readonly (number | undefined)[]>
}
