import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { mtp, tl } from '../../tl/index.js'
import { NEWEST_LAYER, TlReader, writeObject } from '../../tl/index.js'
import { GZIP_PACKED, MSG_CONTAINER, RPC_RESULT } from '../container.js'
import { sha256 } from '../crypto/hash.js'
import { igeDecrypt, igeEncrypt } from '../crypto/ige.js'
import { deriveAes, FROM_CLIENT, FROM_SERVER } from '../crypto/kdf.js'
import { type Long, longFromInts, longHigh, longLow, readLong, writeLong } from '../long.js'
import type { TlObject } from '../rpc.js'

export interface ReceivedMessage {
  readonly msgId: Long
  readonly seqNo: number
  readonly body: Buffer
  readonly inContainer: boolean
  /** Which packet it came in, counting from 0. */
  readonly packet: number
}

export interface RpcResult {
  readonly requestId: Long
  /** The result without its type, or the rpc_error. */
  readonly value: unknown
}

/** The client's side of an encrypted session, with every liberty a test needs. */
export class ClientSession {
  readonly keyId: Long
  readonly key: Buffer
  sessionId: Long
  salt: Long
  /** Unix time in milliseconds, for message ids. */
  now: () => number
  /** Everything that came, in order. */
  readonly received: ReceivedMessage[] = []
  #packets = 0
  #lastHigh = 0
  #lastLow = 0
  #content = 0

  constructor(key: Buffer, keyId: Long, salt: Long, now: () => number = Date.now) {
    this.key = key
    this.keyId = keyId
    this.salt = salt
    this.now = now
    this.sessionId = readLong(randomBytes(8), 0)
  }

  nextId(): Long {
    const nowMs = this.now()
    const high = Math.floor(nowMs / 1000)
    let low = (Math.floor(((nowMs % 1000) / 1000) * 2 ** 32) & ~3) >>> 0
    if (high < this.#lastHigh || (high === this.#lastHigh && low <= this.#lastLow)) {
      low = this.#lastLow + 4
      this.#lastLow = low
      return longFromInts(low, this.#lastHigh)
    }
    this.#lastHigh = high
    this.#lastLow = low
    return longFromInts(low, high)
  }

  nextSeqNo(content = true): number {
    return content ? this.#content++ * 2 + 1 : this.#content * 2
  }

  /** A packet with one message. */
  pack(body: Buffer, msgId = this.nextId(), seqNo = this.nextSeqNo()): Buffer {
    const padding = 12 + (-(32 + body.length + 12) & 15)
    const plain = Buffer.concat([Buffer.alloc(32), body, randomBytes(padding)])
    writeLong(plain, this.salt, 0)
    writeLong(plain, this.sessionId, 8)
    writeLong(plain, msgId, 16)
    plain.writeInt32LE(seqNo, 24)
    plain.writeUInt32LE(body.length, 28)
    return this.seal(plain)
  }

  /** Encrypts a plaintext, whatever it is. */
  seal(plain: Buffer): Buffer {
    const messageKey = Buffer.from(sha256(Buffer.concat([this.key.subarray(88, 120), plain])).subarray(8, 24))
    const { key, iv } = deriveAes(this.key, messageKey, FROM_CLIENT)
    const head = Buffer.alloc(8)
    writeLong(head, this.keyId, 0)
    return Buffer.concat([head, messageKey, igeEncrypt(plain, key, iv)])
  }

  packObject(object: TlObject, msgId?: Long, seqNo?: number): Buffer {
    return this.pack(bodyOf(object), msgId, seqNo)
  }

  packContainer(messages: readonly { body: Buffer; msgId: Long; seqNo?: number }[], msgId?: Long): Buffer {
    const head = Buffer.alloc(8)
    head.writeUInt32LE(MSG_CONTAINER, 0)
    head.writeUInt32LE(messages.length, 4)
    const parts = messages.map((message) => {
      const inner = Buffer.alloc(16)
      writeLong(inner, message.msgId, 0)
      inner.writeInt32LE(message.seqNo ?? this.nextSeqNo(), 8)
      inner.writeUInt32LE(message.body.length, 12)
      return Buffer.concat([inner, message.body])
    })
    return this.pack(Buffer.concat([head, ...parts]), msgId ?? this.nextId(), this.nextSeqNo(false))
  }

  /** Takes a packet from the server. Throws if a client library would refuse it. */
  open(packet: Buffer): ReceivedMessage[] {
    if (readLong(packet, 0) !== this.keyId) throw new Error(`another auth key: ${packet.toString('hex').slice(0, 40)}`)
    const messageKey = packet.subarray(8, 24)
    const encrypted = packet.subarray(24, 24 + ((packet.length - 24) & ~15))
    const { key, iv } = deriveAes(this.key, messageKey, FROM_SERVER)
    const plain = Buffer.from(igeDecrypt(encrypted, key, iv))
    const hash = sha256(Buffer.concat([this.key.subarray(96, 128), plain]))
    if (!Buffer.from(hash.subarray(8, 24)).equals(messageKey)) throw new Error('message key does not match')
    if (readLong(plain, 8) !== this.sessionId) throw new Error('another session')
    const bodyBytes = plain.readUInt32LE(28)
    const padding = plain.length - 32 - bodyBytes
    if (padding < 12 || padding > 1024 || bodyBytes % 4 !== 0) throw new Error('bad padding or length')
    const messages = this.#unpack(readLong(plain, 16), plain.readInt32LE(24), plain.subarray(32, 32 + bodyBytes))
    this.#packets++
    this.received.push(...messages)
    return messages
  }

  #unpack(msgId: Long, seqNo: number, body: Buffer): ReceivedMessage[] {
    if ((longLow(msgId) & 1) !== 1) throw new Error('a message id of the server must be odd')
    if (body.readUInt32LE(0) !== MSG_CONTAINER) {
      return [{ msgId, seqNo, body, inContainer: false, packet: this.#packets }]
    }
    const messages: ReceivedMessage[] = []
    let at = 8
    for (let i = 0; i < body.readUInt32LE(4); i++) {
      const bytes = body.readUInt32LE(at + 12)
      const inner = readLong(body, at)
      if (longHigh(inner) > longHigh(msgId)) throw new Error('an inner message is newer than its container')
      messages.push({
        msgId: inner,
        seqNo: body.readInt32LE(at + 8),
        body: body.subarray(at + 16, at + 16 + bytes),
        inContainer: true,
        packet: this.#packets,
      })
      at += 16 + bytes
    }
    return messages
  }

  /** The received messages that are not results, decoded. */
  get notices(): TlObject[] {
    return this.received.filter(({ body }) => body.readUInt32LE(0) !== RPC_RESULT).map(({ body }) => decode(body))
  }

  /** The results in the order of arrival, repeats included. */
  get results(): RpcResult[] {
    return this.received
      .filter(({ body }) => body.readUInt32LE(0) === RPC_RESULT)
      .map(({ body }) => ({ requestId: readLong(body, 4), value: decodeResult(body.subarray(12)) }))
  }

  resultOf(requestId: Long): unknown {
    return this.results.find((result) => result.requestId === requestId)?.value
  }

  noticesOf(name: string): TlObject[] {
    return this.notices.filter(({ _ }) => _ === name)
  }

  /** A container's or packet's worth of acknowledgements for all content received so far. */
  ackBody(): Buffer {
    const msgIds = this.received.filter(({ seqNo }) => (seqNo & 1) === 1).map(({ msgId }) => msgId)
    return bodyOf({ _: 'mt_msgs_ack', msgIds: [...new Set(msgIds)] })
  }
}

/** An object as the newest layer writes it. */
export function bodyOf(object: TlObject): Buffer {
  return writeObject(NEWEST_LAYER, object as unknown as tl.TlObject | mtp.TlObject)
}

function decode(body: Buffer): TlObject {
  return new TlReader(body).object() as unknown as TlObject
}

function decodeResult(body: Buffer): unknown {
  if (body.readUInt32LE(0) !== GZIP_PACKED) return new TlReader(body).any()
  const length = body[4]! < 254 ? body[4]! : body.readUIntLE(5, 3)
  const from = body[4]! < 254 ? 5 : 8
  return decodeResult(gunzipSync(body.subarray(from, from + length)))
}
