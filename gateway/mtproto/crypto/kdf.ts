import { sha1, sha256 } from './hash.js'

/** Which way a packet goes: the offset into the auth key that MTProto calls x. */
export const FROM_CLIENT = 0
export const FROM_SERVER = 8
export type Direction = typeof FROM_CLIENT | typeof FROM_SERVER

const first = new Uint8Array(52)
const second = new Uint8Array(52)
const key = new Uint8Array(32)
const iv = new Uint8Array(32)
const derived = { key, iv }

/**
 * AES key and iv of MTProto 2.0 for a message key of 16 bytes. The answer is overwritten by the next call.
 * @see https://core.telegram.org/mtproto/description#defining-aes-key-and-initialization-vector
 */
export function deriveAes(authKey: Uint8Array, messageKey: Uint8Array, x: Direction): typeof derived {
  first.set(messageKey, 0)
  for (let i = 0; i < 36; i++) first[16 + i] = authKey[x + i]!
  for (let i = 0; i < 36; i++) second[i] = authKey[40 + x + i]!
  second.set(messageKey, 36)
  const a = sha256(first)
  const b = sha256(second)
  for (let i = 0; i < 8; i++) key[i] = a[i]!
  for (let i = 8; i < 24; i++) key[i] = b[i]!
  for (let i = 24; i < 32; i++) key[i] = a[i]!
  for (let i = 0; i < 8; i++) iv[i] = b[i]!
  for (let i = 8; i < 24; i++) iv[i] = a[i]!
  for (let i = 24; i < 32; i++) iv[i] = b[i]!
  return derived
}

/** AES key and iv of MTProto 1.0, which `auth.bindTempAuthKey` still uses. @see https://core.telegram.org/mtproto/description_v1 */
export function deriveAesV1(authKey: Buffer, messageKey: Buffer, x: Direction): { key: Buffer; iv: Buffer } {
  const part = (from: number, bytes: number) => authKey.subarray(from + x, from + x + bytes)
  const a = sha1(messageKey, part(0, 32))
  const b = sha1(part(32, 16), messageKey, part(48, 16))
  const c = sha1(part(64, 32), messageKey)
  const d = sha1(messageKey, part(96, 32))
  return {
    key: Buffer.concat([a.subarray(0, 8), b.subarray(8, 20), c.subarray(4, 16)]),
    iv: Buffer.concat([a.subarray(8, 20), b.subarray(0, 8), c.subarray(16, 20), d.subarray(0, 8)]),
  }
}
