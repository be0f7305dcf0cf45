/**
 * Telegram's published group. Clients know it and skip the slow check of its primality.
 * @see https://core.telegram.org/mtproto/auth_key#presenting-proof-of-work-server-authentication
 */
export const DH_GENERATOR = 3
export const DH_PRIME = Buffer.from(
  'c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f' +
    '48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37' +
    '20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64' +
    '2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4' +
    'a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754' +
    'fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4' +
    'e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f' +
    '0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b',
  'hex',
)
const DH_BYTES = 256

/** A private exponent of 512 bits is far above what a 2048-bit safe prime needs, and takes a quarter of the time of a full one. */
export const DH_EXPONENT_BYTES = 64

const LOW = Buffer.from('0000000000000001', 'hex')
const HIGH = Buffer.from('c71caeb9c6b1c902', 'hex')

/** 2^(2048-64) <= value < p - 2^(2048-64), as the protocol asks of g_a and g_b. `value` is 256 bytes, big-endian. */
export function isSafeDhValue(value: Buffer): boolean {
  const top = value.subarray(0, 8)
  return Buffer.compare(top, LOW) >= 0 && Buffer.compare(top, HIGH) <= 0
}

/** `value` with leading zeros up to 256 bytes; undefined if it is longer than that. */
export function padDhValue(value: Buffer): Buffer | undefined {
  if (value.length === DH_BYTES) return value
  if (value.length > DH_BYTES) return undefined
  return Buffer.concat([Buffer.alloc(DH_BYTES - value.length), value])
}
