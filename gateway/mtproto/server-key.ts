import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Long } from './long.js'

/** The server's RSA key, which clients must know. */
export interface ServerKey {
  readonly privateKey: KeyObject
  /** PKCS#1 PEM, as client libraries take it. */
  readonly publicPem: string
  readonly fingerprint: Long
  /** The fingerprint as 16 hexadecimal digits, most significant first, as people compare it. */
  readonly fingerprintHex: string
}

const PRIVATE_KEY_FILE = 'server-key.pem'
const PUBLIC_KEY_FILE = 'server-key.pub.pem'
const MODULUS_BITS = 2048

/**
 * The key in `directory`, created there on the first start: the private one readable by its owner only, the public
 * one beside it as `server-key.pub.pem`. A private key that others may read, as a restored backup leaves it, is taken
 * from them. Throws an error with a `cure` if a file is there that is not a 2048-bit RSA key, or if only the public one
 * is there: a new key in its place would lock every client out. `file` names a key that is kept elsewhere, and is never
 * made.
 */
export function loadServerKey(directory: string, file?: string): ServerKey {
  const path = file ?? join(directory, PRIVATE_KEY_FILE)
  const key = readKey(path) ?? (file === undefined ? createKey(directory, path) : missing(path))
  if (file === undefined) chmodSync(path, 0o600)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeFileSync(join(directory, PUBLIC_KEY_FILE), key.publicPem, { mode: 0o644 })
  return key
}

/** A new key, not stored anywhere. */
export function generateServerKey(): ServerKey {
  for (;;) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: MODULUS_BITS, publicExponent: 65537 })
    const key = serverKey(privateKey)
    // mtcute compares the fingerprint with a spelling that drops leading zeros, so such a key would never match.
    if (!key.fingerprintHex.startsWith('0')) return key
  }
}

export function serverKey(privateKey: KeyObject): ServerKey {
  const { asymmetricKeyType, asymmetricKeyDetails } = privateKey
  if (asymmetricKeyType !== 'rsa' || asymmetricKeyDetails?.modulusLength !== MODULUS_BITS) {
    throw new TypeError(`the server key must be RSA with ${MODULUS_BITS} bits`)
  }
  const publicKey = createPublicKey(privateKey)
  const fingerprint = fingerprintOf(publicKey)
  return {
    privateKey,
    publicPem: publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    fingerprint: fingerprint.toString('latin1') as Long,
    fingerprintHex: Buffer.from(fingerprint).reverse().toString('hex'),
  }
}

/** The last 8 bytes of SHA1 over modulus and exponent as TL byte strings. */
function fingerprintOf(publicKey: KeyObject): Buffer {
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  const hash = createHash('sha1')
  for (const part of [n, e]) hash.update(tlBytes(Buffer.from(part, 'base64url')))
  return hash.digest().subarray(12)
}

function tlBytes(bytes: Buffer): Buffer {
  const head = bytes.length < 254 ? [bytes.length] : [254, bytes.length & 255, bytes.length >> 8, bytes.length >> 16]
  const padding = -(head.length + bytes.length) & 3
  return Buffer.concat([Buffer.from(head), bytes, Buffer.alloc(padding)])
}

function readKey(path: string): ServerKey | undefined {
  let pem: Buffer
  try {
    pem = readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return serverKey(createPrivateKey(pem))
  } catch (cause) {
    throw Object.assign(new Error(`${path} is not a usable RSA key`, { cause }), {
      cure: 'restore it from a backup; or remove it to make a new one, which every client must then be given',
    })
  }
}

function missing(path: string): never {
  throw Object.assign(new Error(`${path} is missing`), { cure: 'give the file that holds the server key' })
}

function createKey(directory: string, path: string): ServerKey {
  if (existsSync(join(directory, PUBLIC_KEY_FILE))) {
    throw Object.assign(new Error(`${path} is missing, and clients know the public key beside it`), {
      cure: `restore it from a backup, or remove ${PUBLIC_KEY_FILE} to get a new key, which every client must then be given`,
    })
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const key = generateServerKey()
  const pem = key.privateKey.export({ type: 'pkcs1', format: 'pem' })
  // Written aside first: a crash must not leave half a key under the name that the next start reads.
  writeFileSync(`${path}.new`, pem, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  return key
}
