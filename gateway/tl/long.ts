import { codeAt } from '../../runtime/index.js'

/**
 * A 64-bit opaque id (random_id, access_hash, msg_id ...): its eight little-endian bytes as a latin1 string, so that it
 * can be compared, hashed and used as a key without a BigInt or an object. Compare with `===`; as numbers with
 * `longToBigInt`.
 */
export type Long = string & { readonly __long: true }

const TWO_TO_32 = 4294967296

export const ZERO_LONG = '\0\0\0\0\0\0\0\0' as Long

/** The long of two 32-bit halves; signs and higher bits of the arguments do not matter. */
export function longFromInts(low: number, high: number): Long {
  return String.fromCharCode(
    low & 255,
    (low >>> 8) & 255,
    (low >>> 16) & 255,
    low >>> 24,
    high & 255,
    (high >>> 8) & 255,
    (high >>> 16) & 255,
    high >>> 24,
  ) as Long
}

/** The lower half, unsigned. */
export function longLow(value: Long): number {
  return halfAt(value, 0)
}

/** The upper half, unsigned: of a message id the Unix time in seconds. */
export function longHigh(value: Long): number {
  return halfAt(value, 4)
}

function halfAt(value: Long, at: number): number {
  const bytes = codeAt(value, at) | (codeAt(value, at + 1) << 8) | (codeAt(value, at + 2) << 16)
  return (bytes | (codeAt(value, at + 3) << 24)) >>> 0
}

/**
 * The long of a whole number, negative ones as two's complement.
 *
 * @throws RangeError when a double does not hold the number exactly
 */
export function longFromNumber(value: number): Long {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an exact whole number: ${value}`)
  return longFromInts(value | 0, Math.floor(value / TWO_TO_32))
}

/** As TL's signed 64-bit number. */
export function longToBigInt(value: Long): bigint {
  return BigInt.asIntN(64, (BigInt(longHigh(value)) << 32n) | BigInt(longLow(value)))
}

/** Takes signed and unsigned numbers; what is above 64 bits is dropped. */
export function longFromBigInt(value: bigint): Long {
  const bits = BigInt.asUintN(64, value)
  return longFromInts(Number(bits & 0xffffffffn), Number(bits >> 32n))
}

/** Sixteen hexadecimal digits, most significant first: for logs and keys that people read. */
export function longToHex(value: Long): string {
  const hex = HEX_OF_BYTE
  return (
    hex[codeAt(value, 7)]! +
    hex[codeAt(value, 6)]! +
    hex[codeAt(value, 5)]! +
    hex[codeAt(value, 4)]! +
    hex[codeAt(value, 3)]! +
    hex[codeAt(value, 2)]! +
    hex[codeAt(value, 1)]! +
    hex[codeAt(value, 0)]!
  )
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * The eight bytes at `offset`.
 *
 * @throws RangeError when there are fewer
 */
export function longFromBuffer(bytes: Uint8Array, offset = 0): Long {
  if (offset < 0 || offset + 8 > bytes.length) throw new RangeError('a long takes 8 bytes')
  const b = bytes as { readonly [index: number]: number }
  return String.fromCharCode(
    b[offset]!,
    b[offset + 1]!,
    b[offset + 2]!,
    b[offset + 3]!,
    b[offset + 4]!,
    b[offset + 5]!,
    b[offset + 6]!,
    b[offset + 7]!,
  ) as Long
}

/** The eight bytes, in the order in which they travel. */
export function longToBuffer(value: Long): Buffer {
  return Buffer.from(value, 'latin1')
}

/** A long of eight random bytes. */
export function randomLong(random: { bytes(size: number): Uint8Array }): Long {
  return longFromBuffer(random.bytes(8))
}

/** Whether a value from outside has the form of a long. */
export function isLong(value: unknown): value is Long {
  if (typeof value !== 'string' || value.length !== 8) return false
  for (let i = 0; i < 8; i++) if (value.charCodeAt(i) > 255) return false
  return true
}
