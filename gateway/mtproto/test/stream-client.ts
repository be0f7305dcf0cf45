import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { FramingName } from '../transport/framing.js'

/** The client's side of a transport, written from the protocol's description, to test the server's with. */
export class StreamClient {
  readonly #framing: FramingName
  readonly #encipher: ((bytes: Buffer) => Buffer) | undefined
  readonly #decipher: ((bytes: Buffer) => Buffer) | undefined
  #prefix: Buffer
  #framesOut = 0
  #framesIn = 0
  #received: Buffer = Buffer.alloc(0)

  constructor(framing: FramingName, obfuscated: boolean) {
    this.#framing = framing
    if (obfuscated) {
      const { head, encipher, decipher } = obfuscate(framing)
      this.#prefix = head
      this.#encipher = encipher
      this.#decipher = decipher
    } else {
      this.#prefix = { abridged: mark(1), intermediate: mark(4), padded: mark(4, 0xdd), full: mark(0) }[framing]
    }
  }

  /** The bytes to send for a packet. */
  encode(packet: Buffer): Buffer {
    const frame = this.#frame(packet)
    const prefix = this.#prefix
    this.#prefix = Buffer.alloc(0)
    return Buffer.concat([prefix, this.#encipher ? this.#encipher(frame) : frame])
  }

  /** The packets in what the server sent. A padded packet keeps its padding. */
  decode(bytes: Buffer): Buffer[] {
    this.#received = Buffer.concat([this.#received, this.#decipher ? this.#decipher(bytes) : bytes])
    const packets: Buffer[] = []
    for (let packet = this.#next(); packet; packet = this.#next()) packets.push(packet)
    return packets
  }

  #frame(packet: Buffer): Buffer {
    if (this.#framing === 'abridged') {
      const words = packet.length / 4
      const head = words < 127 ? Buffer.from([words]) : Buffer.from([127, words & 255, (words >> 8) & 255, words >> 16])
      return Buffer.concat([head, packet])
    }
    if (this.#framing === 'full') {
      const body = Buffer.concat([uint32(packet.length + 12), uint32(this.#framesOut++), packet])
      return Buffer.concat([body, uint32(crc32(body))])
    }
    const padding = this.#framing === 'padded' ? randomBytes(packet.length % 16) : Buffer.alloc(0)
    return Buffer.concat([uint32(packet.length + padding.length), packet, padding])
  }

  #next(): Buffer | undefined {
    const bytes = this.#received
    if (this.#framing === 'abridged') {
      if (bytes.length < 1) return undefined
      const long = bytes[0] === 127
      if (long && bytes.length < 4) return undefined
      return long ? this.#cut(4, bytes.readUIntLE(1, 3) * 4, 0) : this.#cut(1, bytes[0]! * 4, 0)
    }
    if (bytes.length < 4) return undefined
    const length = bytes.readUInt32LE(0)
    if (this.#framing !== 'full') return this.#cut(4, length, 0)
    if (bytes.length < length) return undefined
    if (bytes.readUInt32LE(4) !== this.#framesIn++) throw new Error('frame out of sequence')
    if (crc32(bytes.subarray(0, length - 4)) !== bytes.readUInt32LE(length - 4)) throw new Error('bad checksum')
    return this.#cut(8, length - 12, 4)
  }

  #cut(head: number, payload: number, tail: number): Buffer | undefined {
    const frame = head + payload + tail
    if (this.#received.length < frame) return undefined
    const packet = this.#received.subarray(head, head + payload)
    this.#received = this.#received.subarray(frame)
    return packet
  }
}

function obfuscate(framing: FramingName) {
  const tag = { abridged: 0xef, intermediate: 0xee, padded: 0xdd, full: 0 }[framing]
  const head = randomBytes(64)
  // Nothing that reads as another transport.
  head[0] = 0x11
  head[4] = 1
  head.fill(tag, 56, 60)
  const reversed = Buffer.from(head.subarray(8, 56)).reverse()
  const cipher = createCipheriv('aes-256-ctr', head.subarray(8, 40), head.subarray(40, 56))
  const decipher = createDecipheriv('aes-256-ctr', reversed.subarray(0, 32), reversed.subarray(32, 48))
  const enciphered = cipher.update(head)
  enciphered.copy(head, 56, 56)
  return { head, encipher: (b: Buffer) => cipher.update(b), decipher: (b: Buffer) => decipher.update(b) }
}

function mark(bytes: number, value = bytes === 1 ? 0xef : 0xee): Buffer {
  return Buffer.alloc(bytes, value)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
