import { codeAt } from '../../runtime/index.js'
import { type Long, longFromBuffer, longHigh, longLow } from '../tl/long.js'

export { type Long, longFromInts, longHigh, longLow, ZERO_LONG } from '../tl/long.js'

/** The id at `at`. */
export function readLong(bytes: Buffer, at: number): Long {
  return longFromBuffer(bytes, at)
}

/** Byte by byte: the buffer's own method takes several times as long for eight. */
export function writeLong(bytes: Buffer, value: Long, at: number): void {
  for (let i = 0; i < 8; i++) bytes[at + i] = codeAt(value, i)
}

/** Below 0, 0 or above 0, as unsigned numbers. */
export function compareLongs(a: Long, b: Long): number {
  return longHigh(a) - longHigh(b) || longLow(a) - longLow(b)
}
