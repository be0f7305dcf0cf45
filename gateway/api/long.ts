import type { Long } from '../mtproto/long.js'

export type { Long }

/** Its eight bytes in their order as 16 hex digits: how ids of auth keys, sessions and messages are spelt in actors. */
export function longToHex(long: Long): string {
  return Buffer.from(long, 'latin1').toString('hex')
}

/** The inverse of `longToHex`; the text must be 16 hex digits. */
export function longFromHex(hex: string): Long {
  return Buffer.from(hex, 'hex').toString('latin1') as Long
}

export const ZERO_LONG = '\0\0\0\0\0\0\0\0' as Long

/** A whole number from 0 to 2^53 - 1 as a Long, for hashes of lists and the like. */
export function longFromNumber(value: number): Long {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value % 2 ** 32, 0)
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), 4)
  return bytes.toString('latin1') as Long
}
