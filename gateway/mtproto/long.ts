/**
 * A 64-bit opaque id (msg_id, session_id, auth_key_id, salt ...): its eight little-endian bytes as a latin1 string,
 * so that it can be compared, hashed and used as a map's key without a BigInt or an object.
 */
export type Long = string & { readonly __long: true }

export const ZERO_LONG = '\0\0\0\0\0\0\0\0' as Long

/** The id at `at`. */
export function readLong(bytes: Buffer, at: number): Long {
  return bytes.toString('latin1', at, at + 8) as Long
}

export function writeLong(bytes: Buffer, value: Long, at: number): void {
  bytes.write(value, at, 8, 'latin1')
}

/** The upper half, unsigned: of a message id the Unix time in seconds. */
export function highOf(value: Long): number {
  return halfAt(value, 4)
}

/** The lower half, unsigned. */
export function lowOf(value: Long): number {
  return halfAt(value, 0)
}

function halfAt(value: Long, at: number): number {
  const bytes = value.charCodeAt(at) | (value.charCodeAt(at + 1) << 8) | (value.charCodeAt(at + 2) << 16)
  return (bytes | (value.charCodeAt(at + 3) << 24)) >>> 0
}

export function longOf(high: number, low: number): Long {
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

/** Below 0, 0 or above 0, as unsigned numbers. */
export function compareLongs(a: Long, b: Long): number {
  return highOf(a) - highOf(b) || lowOf(a) - lowOf(b)
}
