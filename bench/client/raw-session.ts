import { randomBytes } from 'node:crypto'
import {
  deriveAes,
  FROM_CLIENT,
  FROM_SERVER,
  igeDecrypt,
  igeEncrypt,
  type Long,
  longFromInts,
  MSG_CONTAINER,
  readContainer,
  readLong,
  sha1,
  sha256,
  writeLong,
} from '../../gateway/mtproto/testing/index.js'

const HEAD_BYTES = 32

/** What a client keeps between its connections. */
export interface Credentials {
  /** 256 bytes. */
  readonly key: Buffer
}

export interface Inner {
  readonly msgId: Long
  readonly seqNo: number
  readonly body: Buffer
}

export function keyIdOf(key: Buffer): Long {
  return readLong(sha1(key), 12)
}

export function newKey(): Buffer {
  return randomBytes(256)
}

/** Sealing is synchronous: all sessions of a process do it in the same memory. */
const scratch = Buffer.allocUnsafeSlow(32 + 64 * 1024)

/** The client's side of an encrypted session: packets out of messages and messages out of packets, nothing else. */
export class RawSession {
  readonly key: Buffer
  readonly keyId: Long
  readonly id = readLong(randomBytes(8), 0)
  salt = readLong(Buffer.alloc(8), 0)
  #high = 0
  #low = 0
  #content = 0
  constructor({ key }: Credentials) {
    this.key = key
    this.keyId = keyIdOf(key)
  }

  nextId(): Long {
    const nowMs = Date.now()
    const high = Math.floor(nowMs / 1000)
    const low = ((nowMs % 1000) * 4_294_967 + 4) & ~3
    if (high > this.#high || (high === this.#high && low >>> 0 > this.#low)) {
      this.#high = high
      this.#low = low >>> 0
    } else this.#low += 4
    return longFromInts(this.#low, this.#high)
  }

  /** The number of the next message; `content`: one that has to be acknowledged. */
  nextSeqNo(content: boolean): number {
    return content ? this.#content++ * 2 + 1 : this.#content * 2
  }

  /** An encrypted packet with one message. */
  seal(body: Buffer, msgId: Long, seqNo: number): Buffer {
    const plainBytes = (HEAD_BYTES + body.length + 12 + 15) & ~15
    const hashed = scratch.subarray(0, 32 + plainBytes)
    this.key.copy(hashed, 0, 88, 120)
    writeLong(hashed, this.salt, 32)
    writeLong(hashed, this.id, 40)
    writeLong(hashed, msgId, 48)
    hashed.writeInt32LE(seqNo, 56)
    hashed.writeUInt32LE(body.length, 60)
    body.copy(hashed, 64)
    const messageKey = sha256(hashed).subarray(8, 24)
    const { key, iv } = deriveAes(this.key, messageKey, FROM_CLIENT)
    const packet = Buffer.allocUnsafe(24 + plainBytes)
    writeLong(packet, this.keyId, 0)
    packet.set(messageKey, 8)
    packet.set(igeEncrypt(hashed.subarray(32), key, iv), 24)
    return packet
  }

  /** The messages of a server's packet. */
  open(packet: Buffer): readonly Inner[] {
    const { key, iv } = deriveAes(this.key, packet.subarray(8, 24), FROM_SERVER)
    const opened = igeDecrypt(packet.subarray(24), key, iv)
    const plain = Buffer.from(opened.buffer, opened.byteOffset, opened.length)
    if (readLong(plain, 8) !== this.id) throw new Error('a packet of another session')
    const body = plain.subarray(HEAD_BYTES, HEAD_BYTES + plain.readUInt32LE(28))
    if (body.readUInt32LE(0) !== MSG_CONTAINER)
      return [{ msgId: readLong(plain, 16), seqNo: plain.readInt32LE(24), body }]
    const inner = readContainer(body, 4096)
    if (inner === undefined) throw new Error('a container that does not hold together')
    return inner
  }
}

/** Messages in one body. */
export function containerOf(messages: readonly Inner[]): Buffer {
  const bytes = messages.reduce((sum, { body }) => sum + 16 + body.length, 8)
  const container = Buffer.allocUnsafe(bytes)
  container.writeUInt32LE(MSG_CONTAINER, 0)
  container.writeUInt32LE(messages.length, 4)
  let at = 8
  for (const { msgId, seqNo, body } of messages) {
    writeLong(container, msgId, at)
    container.writeInt32LE(seqNo, at + 8)
    container.writeUInt32LE(body.length, at + 12)
    body.copy(container, at + 16)
    at += 16 + body.length
  }
  return container
}
