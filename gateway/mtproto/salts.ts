import type { AuthKey } from './auth-key.js'
import { sha256 } from './crypto/hash.js'
import { type Long, readLong } from './long.js'

export const SALT_SECONDS = 30 * 60
const MIN_FUTURE_SALTS = 3
const MAX_FUTURE_SALTS = 64

export interface FutureSalt {
  readonly _: 'mt_future_salt'
  readonly validSince: number
  readonly validUntil: number
  readonly salt: Long
}

/** The last ones told: a container may ask a thousand times, and each salt costs a hash. */
let told: { readonly key: AuthKey; readonly slot: number; readonly salts: FutureSalt[] } | undefined

const hashed = Buffer.alloc(256 + 8)

/**
 * Salts are a function of the auth key and the time: nothing is stored, and every node and every restart agree on
 * them. A client that computes them ahead gains nothing, since a salt only tells old recordings of its own packets.
 */
function saltOfSlot(key: AuthKey, slot: number): Long {
  key.key.copy(hashed)
  hashed.writeUInt32LE(slot, 256)
  hashed.write('salt', 260, 'latin1')
  return readLong(Buffer.from(sha256(hashed)), 0)
}

export function currentSalt(key: AuthKey, nowSeconds: number): Long {
  const slot = Math.floor(nowSeconds / SALT_SECONDS)
  if (key.saltSlot !== slot || key.salt === undefined) {
    key.saltSlot = slot
    key.salt = saltOfSlot(key, slot)
  }
  return key.salt
}

/** Whether a client may use `salt` now: the current one, its neighbours in time, or the one of a recent handshake. */
export function acceptsSalt(key: AuthKey, salt: Long, nowSeconds: number): boolean {
  if (salt === currentSalt(key, nowSeconds)) return true
  if (salt === key.initialSalt && nowSeconds < key.initialSaltUntilSeconds) return true
  const slot = Math.floor(nowSeconds / SALT_SECONDS)
  return salt === saltOfSlot(key, slot - 1) || salt === saltOfSlot(key, slot + 1)
}

/** The current salt first, then coming ones; at least two of those, whatever was asked for: fewer, and clients ask again at once. */
export function futureSalts(key: AuthKey, nowSeconds: number, count: number): FutureSalt[] {
  const slot = Math.floor(nowSeconds / SALT_SECONDS)
  const length = Math.min(Math.max(count, MIN_FUTURE_SALTS), MAX_FUTURE_SALTS)
  if (told?.key !== key || told.slot !== slot) told = { key, slot, salts: [] }
  const { salts } = told
  while (salts.length < length) salts.push(futureSalt(key, slot + salts.length))
  return salts.slice(0, length)
}

function futureSalt(key: AuthKey, slot: number): FutureSalt {
  return {
    _: 'mt_future_salt',
    validSince: slot * SALT_SECONDS,
    // It stays good for another period after its own.
    validUntil: (slot + 2) * SALT_SECONDS,
    salt: saltOfSlot(key, slot),
  }
}
