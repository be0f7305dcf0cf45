import * as crypto from 'node:crypto'
import { wasmSha256 } from './wasm.js'

/** Below this size the call into OpenSSL costs more than hashing in WebAssembly. Measured on Node 20 and 22. */
const OPENSSL_FROM_BYTES = 100

type OneShot = (algorithm: string, data: Uint8Array, encoding: 'buffer') => Buffer

// crypto.hash came with Node 20.12; 20.11 is supported and lacks it.
const oneShot: OneShot =
  (crypto as { hash?: OneShot }).hash ?? ((algorithm, data) => crypto.createHash(algorithm).update(data).digest())

/** SHA-256 of `data`, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return data.length < OPENSSL_FROM_BYTES ? wasmSha256(data) : oneShot('sha256', data, 'buffer')
}

/** SHA-1 of the parts, one after the other, 20 bytes. Only where MTProto still asks for it. */
export function sha1(...parts: Uint8Array[]): Buffer {
  return oneShot('sha1', parts.length === 1 ? parts[0]! : Buffer.concat(parts), 'buffer')
}
