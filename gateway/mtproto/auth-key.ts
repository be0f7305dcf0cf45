import type { ClientInfo } from './auth-key-store.js'
import type { Long } from './long.js'
import type { MtprotoSession } from './session.js'
import type { WorkAllowance } from './work.js'

const AUTH_KEY_BYTES = 256
/** Real clients say something new with an update of theirs, or of the system. */
const FACTS_STORED_AT_ONCE = 16
const FACTS_STORED_EVERY_MS = 10 * 60_000

let unpacked: string | undefined
const unpackedBytes = Buffer.allocUnsafeSlow(AUTH_KEY_BYTES)

/**
 * A cached auth key. One object a key for as long as a session refers to it, so that a change is seen by all of them.
 */
export class AuthKey {
  readonly id: Long
  /** Its bytes as latin1: a string costs half of what a buffer of this size does, and there is one a client. */
  readonly #packed: string
  /** Unix time at which it ends, 0 for a permanent one. */
  expiresAtSeconds: number
  /** On a temporary key: the one that it stands for, once bound. */
  permanent: AuthKey | undefined = undefined
  layer = 0
  userId = 0
  client: ClientInfo | undefined = undefined
  /** The live sessions on this key, and on temporary keys bound to it. */
  sessions: MtprotoSession[] | undefined = undefined
  /** Monotonic: how far what was stored of its client has used up what may be (`mayStoreFacts`). */
  #factsPaidMs = 0
  /** What its clients may still ask for; made when first spent of. */
  work: WorkAllowance | undefined = undefined
  /** How many temporary keys in the cache are bound to it. */
  boundKeys = 0
  /** The salt that came out of the handshake, and the time until which it is good. */
  initialSalt: Long | undefined = undefined
  initialSaltUntilSeconds = 0
  /** Monotonic: when the store was last asked for what others may have changed. */
  checkedMs = Number.NEGATIVE_INFINITY
  /** No session here has used it for a while, and others may have changed it: the store is asked before it is used. */
  isStale = false
  saltSlot = -1
  salt: Long | undefined = undefined

  constructor(id: Long, key: Uint8Array, expiresAtSeconds = 0) {
    if (key.length !== AUTH_KEY_BYTES)
      throw new RangeError(`an auth key has ${AUTH_KEY_BYTES} bytes, not ${key.length}`)
    this.id = id
    this.#packed = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
    this.expiresAtSeconds = expiresAtSeconds
  }

  /** The 256 bytes, valid until those of another key are asked for. */
  get key(): Buffer {
    if (unpacked !== this.#packed) {
      unpackedBytes.write(this.#packed, 'latin1')
      unpacked = this.#packed
    }
    return unpackedBytes
  }

  /** Whether what its client says of itself is stored once more: each time takes place on the disk for good. */
  mayStoreFacts(nowMs: number): boolean {
    const paidMs = Math.max(this.#factsPaidMs, nowMs) + FACTS_STORED_EVERY_MS
    if (paidMs > nowMs + FACTS_STORED_AT_ONCE * FACTS_STORED_EVERY_MS) return false
    this.#factsPaidMs = paidMs
    return true
  }

  /** The key that the account, the layer and the sessions belong to. */
  get owner(): AuthKey {
    return this.permanent ?? this
  }

  get temporary(): boolean {
    return this.expiresAtSeconds !== 0
  }

  expired(nowSeconds: number): boolean {
    return this.temporary && this.expiresAtSeconds <= nowSeconds
  }
}
