import { type Long, longFromInts } from '../tl/index.js'

export { type Long, longFromNumber, longToHex, ZERO_LONG } from '../tl/index.js'

/** The inverse of `longToHex`: 16 hexadecimal digits, most significant first. */
export function longFromHex(hex: string): Long {
  return longFromInts(Number.parseInt(hex.slice(8), 16), Number.parseInt(hex.slice(0, 8), 16))
}
