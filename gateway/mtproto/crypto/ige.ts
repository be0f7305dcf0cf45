import { createCipheriv } from 'node:crypto'
import { wasmIgeDecrypt, wasmIgeEncrypt } from './wasm.js'

/** From this size on one OpenSSL pass (AES-NI) beats WebAssembly, whose call is cheaper. Measured on Node 20 and 22. */
const OPENSSL_FROM_BYTES = 768

/**
 * AES-256-IGE. `data` is a multiple of 16 bytes, `key` 32 bytes, `iv` 32 bytes (previous ciphertext block, then
 * previous plaintext block). The answer is new memory.
 */
export function igeEncrypt(data: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  return data.length < OPENSSL_FROM_BYTES ? wasmIgeEncrypt(data, key, iv) : igeEncryptAsCbc(data, key, iv)
}

/** The inverse. Its chain runs through the block cipher's inverse, which no OpenSSL mode offers: always WebAssembly. */
export function igeDecrypt(data: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  return wasmIgeDecrypt(data, key, iv)
}

/**
 * IGE as one CBC pass: with d_i = c_i ^ p_(i-1), the recurrence c_i = E(p_i ^ c_(i-1)) ^ p_(i-1) becomes
 * d_i = E((p_i ^ p_(i-2)) ^ d_(i-1)), which is CBC over x_i = p_i ^ p_(i-2).
 */
export function igeEncryptAsCbc(data: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  const plain = words(data)
  const start = words(iv)
  const count = plain.length
  const mixed = new Int32Array(count)
  mixed.set(plain.subarray(0, 4))
  for (let i = 4; i < Math.min(8, count); i++) mixed[i] = plain[i]! ^ start[i]!
  for (let i = 8; i < count; i++) mixed[i] = plain[i]! ^ plain[i - 8]!
  const cipher = createCipheriv('aes-256-cbc', key, iv.subarray(0, 16))
  cipher.setAutoPadding(false)
  const out = cipher.update(new Uint8Array(mixed.buffer))
  const chained = words(out)
  for (let i = 0; i < 4; i++) chained[i]! ^= start[i + 4]!
  for (let i = 4; i < count; i++) chained[i]! ^= plain[i - 4]!
  return chained.buffer === out.buffer ? out : new Uint8Array(chained.buffer)
}

/** The same memory as 32-bit words, or a copy when it is not aligned. */
function words(bytes: Uint8Array): Int32Array {
  if ((bytes.byteOffset & 3) === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  return new Int32Array(new Uint8Array(bytes).buffer)
}
