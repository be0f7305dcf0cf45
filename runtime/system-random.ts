import { randomBytes, randomFillSync, randomInt } from 'node:crypto'
import type { Random } from './random.js'

const POOL_BYTES = 8192
/** Larger requests go to the system by themselves. */
const MAX_POOLED_BYTES = 256

const pool = Buffer.allocUnsafeSlow(POOL_BYTES)
let used = POOL_BYTES

/** A call into the system costs some microseconds whatever it fetches, so small requests share one. */
function bytes(count: number): Buffer {
  if (count > MAX_POOLED_BYTES) return randomBytes(count)
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const taken = Buffer.from(pool.subarray(used, used + count))
  // What was handed out is nowhere else.
  pool.fill(0, used, used + count)
  used += count
  return taken
}

/** The machine's cryptographic randomness. */
export const systemRandom: Random = {
  bytes,
  // randomInt takes ranges below 2^48 only; the port allows 2^48 itself.
  int: (maxExclusive) => (maxExclusive < 2 ** 48 ? randomInt(maxExclusive) : randomBytes(6).readUIntBE(0, 6)),
}
