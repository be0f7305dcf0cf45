import { constants, createDiffieHellman, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { TlReader } from '../../tl/index.js'
import { DH_PRIME, padDhValue } from '../crypto/diffie-hellman.js'
import { sha1, sha256 } from '../crypto/hash.js'
import { igeDecrypt, igeEncrypt } from '../crypto/ige.js'
import { type Long, readLong } from '../long.js'
import type { TlObject } from '../rpc.js'
import type { ServerKey } from '../server-key.js'
import { bodyOf, ClientSession } from './client-session.js'
import { serverKey } from './test-gateway.js'

/** Sends a packet and gives the server's next one. */
export type Exchange = (packet: Buffer) => Promise<Buffer>

export interface HandshakeOptions {
  readonly inner?: 'mt_p_q_inner_data' | 'mt_p_q_inner_data_dc' | 'mt_p_q_inner_data_temp' | 'mt_p_q_inner_data_temp_dc'
  readonly padding?: 'RSA_PAD' | 'sha1'
  readonly expiresIn?: number
  readonly question?: 'mt_req_pq' | 'mt_req_pq_multi'
  /** Of the server that is spoken to; the test gateway's unless told. */
  readonly serverKey?: ServerKey
}

// One for all: checking the prime takes a quarter of a second.
let group: ReturnType<typeof createDiffieHellman> | undefined

/** The client's side of a key exchange, step by step so that a test may spoil any of them. */
export class HandshakeClient {
  readonly nonce = randomBytes(16)
  readonly newNonce = randomBytes(32)
  serverNonce: Buffer = Buffer.alloc(16)
  pq: Buffer = Buffer.alloc(8)
  p: Buffer = Buffer.alloc(4)
  q: Buffer = Buffer.alloc(4)
  readonly #exchange: Exchange
  readonly #options: HandshakeOptions

  constructor(exchange: Exchange, options: HandshakeOptions = {}) {
    this.#exchange = exchange
    this.#options = options
  }

  async ask(): Promise<TlObject> {
    const answer = await this.say({ _: this.#options.question ?? 'mt_req_pq_multi', nonce: this.nonce })
    this.serverNonce = Buffer.from(answer.serverNonce as Buffer)
    this.pq = Buffer.from(answer.pq as Buffer)
    const [p, q] = factor(this.pq.readBigUInt64BE())
    this.p = fourBytes(p)
    this.q = fourBytes(q)
    return answer
  }

  get #serverKey(): ServerKey {
    return this.#options.serverKey ?? serverKey
  }

  innerData(): Buffer {
    const _ = this.#options.inner ?? 'mt_p_q_inner_data_dc'
    const { pq, p, q, nonce, serverNonce, newNonce } = this
    return bodyOf({ _, pq, p, q, nonce, serverNonce, newNonce, dc: 2, expiresIn: this.#options.expiresIn ?? 3600 })
  }

  requestParams(
    encryptedData = this.encrypt(this.innerData()),
    changes: Record<string, unknown> = {},
  ): Promise<TlObject> {
    return this.say({
      _: 'mt_req_DH_params',
      nonce: this.nonce,
      serverNonce: this.serverNonce,
      p: this.p,
      q: this.q,
      publicKeyFingerprint: this.#serverKey.fingerprint,
      encryptedData,
      ...changes,
    })
  }

  encrypt(data: Buffer): Buffer {
    const key = { key: createPublicKey(this.#serverKey.privateKey), padding: constants.RSA_NO_PADDING }
    if (this.#options.padding === 'sha1') {
      const block = Buffer.concat([Buffer.alloc(1), sha1(data), data, randomBytes(235 - data.length)])
      return publicEncrypt(key, block)
    }
    const padded = Buffer.concat([data, randomBytes(192 - data.length)])
    for (;;) {
      const temporaryKey = randomBytes(32)
      const hashed = Buffer.concat([Buffer.from(padded).reverse(), sha256(Buffer.concat([temporaryKey, padded]))])
      const encrypted = igeEncrypt(hashed, temporaryKey, Buffer.alloc(32))
      const masked = Buffer.from(sha256(encrypted)).map((byte, i) => byte ^ temporaryKey[i]!)
      try {
        return publicEncrypt(key, Buffer.concat([masked, encrypted]))
      } catch {
        // Above the modulus: another temporary key.
      }
    }
  }

  async agree(
    params: TlObject,
    changes: { gB?: Buffer; spoil?: boolean } = {},
  ): Promise<{ answer: TlObject; key: Buffer; hash: Buffer }> {
    const { key, iv } = this.#aes()
    const plain = Buffer.from(igeDecrypt(params.encryptedAnswer as Buffer, key, iv))
    const inner = new TlReader(plain, 20).object() as unknown as { gA: Buffer; g: number; dhPrime: Buffer }
    if (inner.g !== 3 || !DH_PRIME.equals(inner.dhPrime)) throw new Error('not the group that clients know')
    group ??= createDiffieHellman(DH_PRIME, Buffer.from([3]))
    group.setPrivateKey(randomBytes(64))
    const gB = changes.gB ?? padDhValue(group.generateKeys())!
    const authKey = padDhValue(group.computeSecret(inner.gA))!
    const { nonce, serverNonce } = this
    const data = bodyOf({ _: 'mt_client_DH_inner_data', nonce, serverNonce, retryId: '\0\0\0\0\0\0\0\0' as Long, gB })
    const padding = randomBytes(-(20 + data.length) & 15)
    const encryptedData = Buffer.from(igeEncrypt(Buffer.concat([sha1(data), data, padding]), key, iv))
    if (changes.spoil) encryptedData[0]! ^= 1
    const answer = await this.say({ _: 'mt_set_client_DH_params', nonce, serverNonce, encryptedData })
    const hash = sha1(this.newNonce, Buffer.from([1]), sha1(authKey).subarray(0, 8)).subarray(4)
    return { answer, key: authKey, hash }
  }

  async say(object: TlObject): Promise<TlObject> {
    const packet = await this.#exchange(plainPacket(bodyOf(object)))
    if (packet.length === 4) throw new Error(`transport error ${packet.readInt32LE()}`)
    return new TlReader(packet, 20).object() as unknown as TlObject
  }

  #aes() {
    const { newNonce, serverNonce } = this
    const [first, second, third] = [sha1(newNonce, serverNonce), sha1(serverNonce, newNonce), sha1(newNonce, newNonce)]
    return {
      key: Buffer.concat([first, second.subarray(0, 12)]),
      iv: Buffer.concat([second.subarray(12, 20), third, newNonce.subarray(0, 4)]),
    }
  }
}

/** A whole key exchange. */
export async function shakeHands(exchange: Exchange, options: HandshakeOptions = {}): Promise<ClientSession> {
  const client = new HandshakeClient(exchange, options)
  await client.ask()
  const { answer, key, hash } = await client.agree(await client.requestParams())
  if (answer._ !== 'mt_dh_gen_ok') throw new Error(`not agreed: ${answer._}`)
  if (!hash.equals(answer.newNonceHash1 as Buffer)) throw new Error('the keys differ')
  const salt = Buffer.from(client.newNonce.subarray(0, 8)).map((byte, i) => byte ^ client.serverNonce[i]!)
  return new ClientSession(key, readLong(sha1(key), 12), readLong(Buffer.from(salt), 0))
}

export function plainPacket(body: Buffer): Buffer {
  const head = Buffer.alloc(20)
  head.writeBigUInt64LE((BigInt(Math.floor(Date.now() / 1000)) << 32n) | BigInt((Date.now() % 1000) << 2), 8)
  head.writeUInt32LE(body.length, 16)
  return Buffer.concat([head, body])
}

function fourBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Number(value))
  return bytes
}

/** Pollard's rho. */
function factor(pq: bigint): [bigint, bigint] {
  for (let c = 1n; ; c++) {
    let slow = 2n
    let fast = 2n
    let divisor = 1n
    const next = (x: bigint) => (x * x + c) % pq
    while (divisor === 1n) {
      slow = next(slow)
      fast = next(next(fast))
      divisor = gcd(slow > fast ? slow - fast : fast - slow, pq)
    }
    if (divisor !== pq) return divisor < pq / divisor ? [divisor, pq / divisor] : [pq / divisor, divisor]
  }
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b]
  while (y > 0n) [x, y] = [y, x % y]
  return x
}
