import { timingSafeEqual } from 'node:crypto'
import { TlReader } from '../tl/index.js'
import type { DhPool } from './crypto/dh-pool.js'
import { DH_EXPONENT_BYTES, DH_GENERATOR, DH_PRIME, isSafeDhValue, padDhValue } from './crypto/diffie-hellman.js'
import { sha1, sha256 } from './crypto/hash.js'
import { igeDecrypt, igeEncrypt } from './crypto/ige.js'
import { type Factors, makeFactors } from './crypto/pq.js'
import { type Long, readLong } from './long.js'
import type { TlObject } from './rpc.js'
import type { ServerKey } from './server-key.js'
import { serviceBody } from './service-body.js'
import type { World } from './world.js'

const RSA_BYTES = 256
const NONCE_BYTES = 16
const RSA_PAD_DATA_BYTES = 192
const SHA1_BYTES = 20

/** The client did not keep to the protocol, or a packet was damaged. The exchange starts over with `req_pq`. */
export class HandshakeError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HandshakeError'
  }
}

export interface NewKey {
  readonly id: Long
  /** 256 bytes. */
  readonly key: Buffer
  readonly salt: Long
  /** Life of a temporary key in seconds; 0 for a permanent one. */
  readonly lifeSeconds: number
}

/** What `setClientParams` came to. Each has the answer for the client. */
export type Agreement =
  | { readonly outcome: 'ok' | 'retry'; readonly key: NewKey; readonly ok: Buffer; readonly retry: Buffer }
  | { readonly outcome: 'fail'; readonly fail: Buffer }

interface Inner {
  readonly newNonce: Buffer
  readonly lifeSeconds: number
}

/**
 * One exchange of an auth key, from `req_pq` to the agreement. @see https://core.telegram.org/mtproto/auth_key
 *
 * 1. Steps come in order, one at a time; anything else is a HandshakeError, after which nothing goes on.
 * 2. An exponent is used for one exchange.
 */
export class Handshake {
  readonly startedMs: number
  readonly address: string
  readonly serverNonce: Buffer
  readonly #world: World
  readonly #serverKey: ServerKey
  readonly #pool: DhPool
  readonly #nonce: Buffer
  readonly #factors: Factors
  #step: 'pq' | 'params' | 'busy' | 'over' = 'pq'
  #exponent: Buffer | undefined
  #inner: Inner | undefined

  constructor(world: World, serverKey: ServerKey, pool: DhPool, address: string, nonce: Buffer) {
    this.#world = world
    this.#serverKey = serverKey
    this.#pool = pool
    this.address = address
    this.startedMs = world.clock.monotonic()
    this.#nonce = Buffer.from(nonce)
    this.serverNonce = world.random.bytes(NONCE_BYTES)
    this.#factors = makeFactors(world.random)
  }

  /** `resPQ`. */
  question(): Buffer {
    return serviceBody({
      _: 'mt_resPQ',
      nonce: this.#nonce,
      serverNonce: this.serverNonce,
      pq: this.#factors.pq,
      serverPublicKeyFingerprints: [this.#serverKey.fingerprint],
    })
  }

  /** `req_DH_params`: answers `server_DH_params_ok`. Throws HandshakeError, or DhOverloaded. */
  async requestParams(request: TlObject): Promise<Buffer> {
    this.#enter('pq', request)
    const { p, q, publicKeyFingerprint, encryptedData } = request as unknown as {
      p: Buffer
      q: Buffer
      publicKeyFingerprint: Long
      encryptedData: Buffer
    }
    if (publicKeyFingerprint !== this.#serverKey.fingerprint) throw new HandshakeError('unknown key fingerprint')
    if (!trimmed(p).equals(this.#factors.p) || !trimmed(q).equals(this.#factors.q)) {
      throw new HandshakeError('wrong factors')
    }
    if (encryptedData.length > RSA_BYTES) throw new HandshakeError('encrypted data is too long')
    const exponent = this.#world.random.bytes(DH_EXPONENT_BYTES)
    const opened = await this.#pool.open(this.address, encryptedData, exponent)
    if (!opened || !isSafeDhValue(opened.value)) throw new HandshakeError('encrypted data is out of range')
    this.#inner = this.#readInner(unpadRsa(opened.raw))
    this.#exponent = exponent
    this.#step = 'params'
    return this.#params(opened.value)
  }

  /** `set_client_DH_params`. Throws HandshakeError, or DhOverloaded. */
  async setClientParams(request: TlObject): Promise<Agreement> {
    this.#enter('params', request)
    const clientValue = this.#readClientValue(request.encryptedData as Buffer)
    const inner = this.#inner!
    if (!clientValue || !isSafeDhValue(clientValue)) {
      return { outcome: 'fail', fail: this.#finalAnswer(inner, 3, Buffer.alloc(8)) }
    }
    const key = await this.#pool.agree(this.address, clientValue, this.#exponent!)
    if (!key) throw new HandshakeError('no secret was agreed on')
    this.#step = 'over'
    const hash = sha1(key)
    const aux = hash.subarray(0, 8)
    const salt = Buffer.alloc(8)
    for (let i = 0; i < 8; i++) salt[i] = inner.newNonce[i]! ^ this.serverNonce[i]!
    return {
      outcome: 'ok',
      key: { id: readLong(hash, 12), key, salt: readLong(salt, 0), lifeSeconds: inner.lifeSeconds },
      ok: this.#finalAnswer(inner, 1, aux),
      retry: this.#finalAnswer(inner, 2, aux),
    }
  }

  #enter(step: 'pq' | 'params', request: TlObject) {
    const expected = this.#step === step
    this.#step = 'busy'
    if (!expected) throw new HandshakeError('step out of order')
    if (!this.#nonce.equals(request.nonce as Buffer)) throw new HandshakeError('wrong nonce')
  }

  #readInner(data: Buffer): Inner {
    const inner = readConstructor(data, 0).value as unknown as {
      _: string
      pq: Buffer
      nonce: Buffer
      serverNonce: Buffer
      newNonce: Buffer
      expiresIn?: number
    }
    if (!inner._.startsWith('mt_p_q_inner_data')) throw new HandshakeError('not an inner data')
    if (!this.#nonce.equals(inner.nonce) || !this.serverNonce.equals(inner.serverNonce)) {
      throw new HandshakeError('wrong nonce in the inner data')
    }
    if (!trimmed(inner.pq).equals(trimmed(this.#factors.pq))) throw new HandshakeError('wrong pq in the inner data')
    const temporary = inner._.startsWith('mt_p_q_inner_data_temp')
    const lifeSeconds = temporary ? (inner.expiresIn ?? 0) : 0
    if (temporary && lifeSeconds <= 0) throw new HandshakeError('a temporary key without a life')
    const { temporaryKeyMaxSeconds } = this.#world.limits
    return { newNonce: Buffer.from(inner.newNonce), lifeSeconds: Math.min(lifeSeconds, temporaryKeyMaxSeconds) }
  }

  #params(value: Buffer): Buffer {
    const inner = serviceBody({
      _: 'mt_server_DH_inner_data',
      nonce: this.#nonce,
      serverNonce: this.serverNonce,
      g: DH_GENERATOR,
      dhPrime: DH_PRIME,
      gA: value,
      serverTime: this.#world.nowSeconds(),
    })
    const padding = this.#world.random.bytes(-(SHA1_BYTES + inner.length) & 15)
    const { key, iv } = this.#temporaryAes()
    const answer = igeEncrypt(Buffer.concat([sha1(inner), inner, padding]), key, iv)
    return serviceBody({
      _: 'mt_server_DH_params_ok',
      nonce: this.#nonce,
      serverNonce: this.serverNonce,
      encryptedAnswer: answer,
    })
  }

  /** The client's g_b, or undefined if it is longer than the group. */
  #readClientValue(encrypted: Buffer): Buffer | undefined {
    if (encrypted.length < 32 || encrypted.length > 1024 || (encrypted.length & 15) !== 0) {
      throw new HandshakeError('client parameters have a wrong length')
    }
    const { key, iv } = this.#temporaryAes()
    const plain = Buffer.from(igeDecrypt(encrypted, key, iv))
    const { value, end } = readConstructor(plain, SHA1_BYTES)
    if (!sha1(plain.subarray(SHA1_BYTES, end)).equals(plain.subarray(0, SHA1_BYTES))) {
      throw new HandshakeError('client parameters do not match their hash')
    }
    const inner = value as unknown as { _: string; nonce: Buffer; serverNonce: Buffer; gB: Buffer }
    const known = inner._ === 'mt_client_DH_inner_data'
    if (!known || !this.#nonce.equals(inner.nonce) || !this.serverNonce.equals(inner.serverNonce)) {
      throw new HandshakeError('wrong client parameters')
    }
    return padDhValue(Buffer.from(inner.gB))
  }

  #temporaryAes() {
    const { newNonce } = this.#inner!
    const first = sha1(newNonce, this.serverNonce)
    const second = sha1(this.serverNonce, newNonce)
    const third = sha1(newNonce, newNonce)
    return {
      key: Buffer.concat([first, second.subarray(0, 12)]),
      iv: Buffer.concat([second.subarray(12, 20), third, newNonce.subarray(0, 4)]),
    }
  }

  #finalAnswer({ newNonce }: Inner, kind: 1 | 2 | 3, aux: Buffer): Buffer {
    const hash = sha1(newNonce, Buffer.from([kind]), aux).subarray(4, 20)
    const nonces = { nonce: this.#nonce, serverNonce: this.serverNonce }
    if (kind === 1) return serviceBody({ _: 'mt_dh_gen_ok', ...nonces, newNonceHash1: hash })
    if (kind === 2) return serviceBody({ _: 'mt_dh_gen_retry', ...nonces, newNonceHash2: hash })
    return serviceBody({ _: 'mt_dh_gen_fail', ...nonces, newNonceHash3: hash })
  }
}

/** The data inside the decrypted RSA block: RSA_PAD, or the older padding with a SHA-1 in front. */
function unpadRsa(raw: Buffer): Buffer {
  const encrypted = raw.subarray(32)
  const hash = sha256(encrypted)
  const temporaryKey = Buffer.from(raw.subarray(0, 32))
  for (let i = 0; i < 32; i++) temporaryKey[i]! ^= hash[i]!
  const opened = Buffer.from(igeDecrypt(encrypted, temporaryKey, new Uint8Array(32)))
  const data = Buffer.from(opened.subarray(0, RSA_PAD_DATA_BYTES)).reverse()
  const expected = sha256(Buffer.concat([temporaryKey, data]))
  if (timingSafeEqual(expected, opened.subarray(RSA_PAD_DATA_BYTES))) return data
  const legacy = raw.subarray(1 + SHA1_BYTES)
  const { end } = readConstructor(legacy, 0)
  if (sha1(legacy.subarray(0, end)).equals(raw.subarray(1, 1 + SHA1_BYTES))) return legacy.subarray(0, end)
  throw new HandshakeError('RSA padding does not match')
}

function readConstructor(bytes: Buffer, at: number): { value: TlObject; end: number } {
  const reader = new TlReader(bytes, at, { maxDepth: 2, maxInflatedBytes: 0 })
  try {
    const value = reader.object() as unknown as TlObject
    return { value, end: reader.pos }
  } catch (cause) {
    throw new HandshakeError(`unreadable: ${(cause as Error).message}`)
  }
}

/** A number's bytes without leading zeros, which clients may or may not send. */
function trimmed(number: Buffer): Buffer {
  let from = 0
  while (from < number.length && number[from] === 0) from++
  return number.subarray(from)
}
