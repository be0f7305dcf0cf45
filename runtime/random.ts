/** Randomness, injected so that a simulation can replay it from a seed. */
export interface Random {
  /** `count` bytes, unpredictable in production. */
  bytes(count: number): Buffer
  /** A uniform integer in [0, maxExclusive); maxExclusive at most 2^48. */
  int(maxExclusive: number): number
}
