import { timingSafeEqual } from 'node:crypto'
import type { Random } from '../../../runtime/index.js'
import { type Long, readLong, writeLong } from '../long.js'
import { sha256 } from './hash.js'
import { igeDecrypt, igeEncrypt } from './ige.js'
import { deriveAes, FROM_CLIENT, FROM_SERVER } from './kdf.js'
import { Noise } from './noise.js'

/**
 * The encrypted packet of MTProto 2.0: auth_key_id 8, msg_key 16, then AES-IGE of
 * salt 8, session_id 8, msg_id 8, seq_no 4, length 4, body, 12 to 1024 bytes of padding.
 * @see https://core.telegram.org/mtproto/description#message-key-msg-key
 */
const PACKET_HEAD_BYTES = 24
const MESSAGE_HEAD_BYTES = 32
const MIN_PADDING_BYTES = 12
const MAX_PADDING_BYTES = 1024
/** The part of the auth key that is hashed in front of the plaintext. */
const HASHED_KEY_BYTES = 32
const SCRATCH_KEPT_BYTES = 64 * 1024

/** The auth key that a packet is sealed with. */
export interface PacketKey {
  readonly id: Long
  /** 256 bytes. */
  readonly key: Buffer
}

/** Size of the packet for a body. */
export function packetBytesFor(bodyBytes: number): number {
  return PACKET_HEAD_BYTES + plaintextBytesFor(bodyBytes)
}

function plaintextBytesFor(bodyBytes: number): number {
  return (MESSAGE_HEAD_BYTES + bodyBytes + MIN_PADDING_BYTES + 15) & ~15
}

/**
 * Seals outgoing packets through one scratch buffer: `body(n)` gives the place to write a body of n bytes to,
 * `seal` then turns it into a packet. Nothing may come between the two calls.
 */
export class PacketSealer {
  readonly #noise: Noise
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_KEPT_BYTES)

  constructor(random: Random) {
    this.#noise = new Noise(random)
  }

  /** Memory of exactly `bodyBytes` bytes to write the body to. */
  body(bodyBytes: number): Buffer {
    const needed = HASHED_KEY_BYTES + plaintextBytesFor(bodyBytes)
    if (needed > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(needed)
    const at = HASHED_KEY_BYTES + MESSAGE_HEAD_BYTES
    return this.#scratch.subarray(at, at + bodyBytes)
  }

  /** Writes the packet to `frame` at `at`, `packetBytesFor(bodyBytes)` long. The message id comes in two halves. */
  seal(
    packetKey: PacketKey,
    salt: Long,
    sessionId: Long,
    idHigh: number,
    idLow: number,
    seqNo: number,
    bodyBytes: number,
    frame: Buffer,
    at: number,
  ): void {
    const scratch = this.#scratch
    const plaintextBytes = plaintextBytesFor(bodyBytes)
    const end = HASHED_KEY_BYTES + plaintextBytes
    const authKey = packetKey.key
    for (let i = 0; i < HASHED_KEY_BYTES; i++) scratch[i] = authKey[88 + FROM_SERVER + i]!
    writeLong(scratch, salt, 32)
    writeLong(scratch, sessionId, 40)
    scratch.writeUInt32LE(idLow, 48)
    scratch.writeUInt32LE(idHigh, 52)
    scratch.writeInt32LE(seqNo, 56)
    scratch.writeUInt32LE(bodyBytes, 60)
    this.#noise.fill(scratch, 64 + bodyBytes, end)
    const messageKey = sha256(scratch.subarray(0, end)).subarray(8, 24)
    const { key, iv } = deriveAes(authKey, messageKey, FROM_SERVER)
    writeLong(frame, packetKey.id, at)
    frame.set(messageKey, at + 8)
    frame.set(igeEncrypt(scratch.subarray(HASHED_KEY_BYTES, end), key, iv), at + PACKET_HEAD_BYTES)
    if (scratch.length > SCRATCH_KEPT_BYTES) this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_KEPT_BYTES)
  }
}

export interface OpenedPacket {
  readonly salt: Long
  readonly sessionId: Long
  readonly msgId: Long
  readonly seqNo: number
  /** In memory of its own. */
  readonly body: Buffer
  /** First half of the quick acknowledgement's token, for transports that ask for one. */
  readonly quickAck: number
}

/**
 * Decrypts and verifies a client's packet, and drops what the transport may have padded it with. Undefined for
 * anything that was not made with this key, or whose lengths do not fit.
 */
export function openPacket(packet: Buffer, authKey: Buffer): OpenedPacket | undefined {
  const encryptedBytes = (packet.length - PACKET_HEAD_BYTES) & ~15
  if (encryptedBytes < MESSAGE_HEAD_BYTES + 16) return undefined
  const messageKey = packet.subarray(8, 24)
  const { key, iv } = deriveAes(authKey, messageKey, FROM_CLIENT)
  const hashed = Buffer.allocUnsafe(HASHED_KEY_BYTES + encryptedBytes)
  authKey.copy(hashed, 0, 88 + FROM_CLIENT, 88 + FROM_CLIENT + HASHED_KEY_BYTES)
  hashed.set(
    igeDecrypt(packet.subarray(PACKET_HEAD_BYTES, PACKET_HEAD_BYTES + encryptedBytes), key, iv),
    HASHED_KEY_BYTES,
  )
  const hash = sha256(hashed)
  if (!timingSafeEqual(hash.subarray(8, 24), messageKey)) return undefined
  const plain = hashed.subarray(HASHED_KEY_BYTES)
  const bodyBytes = plain.readUInt32LE(28)
  const paddingBytes = encryptedBytes - MESSAGE_HEAD_BYTES - bodyBytes
  if ((bodyBytes & 3) !== 0 || paddingBytes < MIN_PADDING_BYTES || paddingBytes > MAX_PADDING_BYTES) return undefined
  return {
    salt: readLong(plain, 0),
    sessionId: readLong(plain, 8),
    msgId: readLong(plain, 16),
    seqNo: plain.readInt32LE(24),
    body: plain.subarray(MESSAGE_HEAD_BYTES, MESSAGE_HEAD_BYTES + bodyBytes),
    quickAck: (hash[0]! | (hash[1]! << 8) | (hash[2]! << 16) | (hash[3]! << 24) | 0x80000000) >>> 0,
  }
}
