import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from './random.js'

/** The machine's cryptographic randomness. */
export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  // randomInt takes ranges below 2^48 only; the port allows 2^48 itself.
  int: (maxExclusive) => (maxExclusive < 2 ** 48 ? randomInt(maxExclusive) : randomBytes(6).readUIntBE(0, 6)),
}
