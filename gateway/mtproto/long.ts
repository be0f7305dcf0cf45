import { type Long, longHigh, longLow } from '../tl/long.js'

export { type Long, longFromInts, longHigh, longLow, ZERO_LONG } from '../tl/long.js'

/** The id at `at`. */
export function readLong(bytes: Buffer, at: number): Long {
  return bytes.toString('latin1', at, at + 8) as Long
}

export function writeLong(bytes: Buffer, value: Long, at: number): void {
  bytes.write(value, at, 8, 'latin1')
}

/** Below 0, 0 or above 0, as unsigned numbers. */
export function compareLongs(a: Long, b: Long): number {
  return longHigh(a) - longHigh(b) || longLow(a) - longLow(b)
}
