import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Long, ZERO_LONG } from './long.js'
import { Lru } from './lru.js'

/** Hashes that are kept rather than computed again, some 200 bytes each. */
const KNOWN = 50_000

/**
 * Access hashes: what proves that this viewer was shown that user. The HMAC of both under a key of the deployment, so
 * nothing is stored, a hash is of no use to another account, and a user's number alone opens nothing.
 */
export class AccessHashes {
  readonly #key: Buffer
  /** Every answer carries some; the same few pairs come again and again. */
  readonly #known = new Lru<string, Long>(KNOWN)

  /** `key`: at least 16 secret bytes, the same for all gateways and starts of a deployment. */
  constructor(key: Buffer) {
    if (key.length < 16) throw new RangeError('the key of access hashes needs at least 16 bytes')
    this.#key = key
  }

  /** What `viewer` must show to name the user `target`. Never zero, which clients take for "unknown". */
  ofUser(viewer: number, target: number): Long {
    const name = `user ${viewer} ${target}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const hash = this.#compute(name)
    this.#known.set(name, hash)
    return hash
  }

  #compute(name: string): Long {
    const digest = createHmac('sha256', this.#key).update(name).digest()
    for (let at = 0; at + 8 <= digest.length; at += 8) {
      const hash = digest.toString('latin1', at, at + 8)
      if (hash !== ZERO_LONG) return hash as Long
    }
    throw new Error('an HMAC of nothing but zeros')
  }

  /** Not in constant time: a hash guards against naming strangers by number, and each guess costs a whole call. */
  opensUser(viewer: number, target: number, shown: Long): boolean {
    return shown === this.ofUser(viewer, target)
  }

  /** A signature that only this deployment can make; `purpose` keeps one use from passing for another. */
  sign(purpose: string, body: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose} `).update(body).digest()
  }

  isSigned(purpose: string, body: Buffer, signature: Buffer): boolean {
    const right = this.sign(purpose, body)
    return right.length === signature.length && timingSafeEqual(right, signature)
  }
}
