import type { ClientInfo } from './auth-key-store.js'
import type { Long } from './long.js'
import type { MtprotoSession } from './session.js'

/**
 * A cached auth key. One object a key for as long as a session refers to it, so that a change is seen by all of them.
 */
export class AuthKey {
  readonly id: Long
  readonly key: Buffer
  /** Unix time at which it ends, 0 for a permanent one. */
  expiresAtSeconds: number
  /** On a temporary key: the one that it stands for, once bound. */
  permanent: AuthKey | undefined = undefined
  layer = 0
  userId = 0
  client: ClientInfo | undefined = undefined
  /** The live sessions on this key, and on temporary keys bound to it. */
  sessions: MtprotoSession[] | undefined = undefined
  /** How many temporary keys in the cache are bound to it. */
  boundKeys = 0
  /** The salt that came out of the handshake, and the time until which it is good. */
  initialSalt: Long | undefined = undefined
  initialSaltUntilSeconds = 0
  saltSlot = -1
  salt: Long | undefined = undefined

  constructor(id: Long, key: Buffer, expiresAtSeconds = 0) {
    this.id = id
    this.key = key
    this.expiresAtSeconds = expiresAtSeconds
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
