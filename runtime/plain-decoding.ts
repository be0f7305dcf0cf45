/**
 * Reads the plain values that `writePlain` writes, without making msgpackr ready for anything first.
 *
 * P1. Nothing outside of the bytes is read, and what `writePlain` never writes throws CORRUPT.
 */
import { ActorError } from './errors.js'

/** A list takes a byte and lies within MOST_PLAIN_BYTES, so that none of ours is deeper. */
const MOST_DEPTH = 512
const double = new DataView(new ArrayBuffer(8))

export class PlainReader {
  protected readonly bytes: Buffer
  protected readonly end: number
  /** The next byte to be read. */
  at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = at
    this.end = end
  }

  value(depth = 0): unknown {
    const first = this.byte()
    if (first < 0x40) return first
    if (first >= 0xe0) return first - 0x100
    if (first >= 0xa0 && first < 0xc0) return this.text(first & 0x1f)
    if (first >= 0x90 && first < 0xa0) return this.#list(first & 0x0f, depth)
    switch (first) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xcc:
        return this.byte()
      case 0xcd:
        return (this.byte() << 8) | this.byte()
      case 0xce:
        return this.#long() >>> 0
      case 0xd0:
        return (this.byte() << 24) >> 24
      case 0xd1:
        return (((this.byte() << 8) | this.byte()) << 16) >> 16
      case 0xd2:
        return this.#long()
      case 0xcb:
        return this.#double()
      case 0xd9:
        return this.text(this.byte())
      default:
        return this.#undefined(first)
    }
  }

  protected byte(): number {
    if (this.at >= this.end) throw this.broken('end early')
    return this.bytes[this.at++] as number
  }

  /** A text of this many bytes, one a character. Nearly all are short, and those are made here: a native call costs more. */
  protected text(length: number): string {
    const from = this.at
    const to = from + length
    if (to > this.end) throw this.broken('end early')
    this.at = to
    if (length > 12) return this.bytes.toString('latin1', from, to)
    let text = ''
    let at = from
    for (; at + 4 <= to; at += 4) text += this.#four(at)
    for (; at < to; at++) text += String.fromCharCode(this.bytes[at] as number)
    return text
  }

  protected broken(why: string): ActorError {
    return new ActorError('CORRUPT', `stored or received bytes ${why}`)
  }

  #four(at: number): string {
    const { bytes } = this
    return String.fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
    )
  }

  #list(length: number, depth: number): unknown[] {
    if (depth > MOST_DEPTH) throw this.broken('hold too deep a list')
    const list: unknown[] = []
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1))
    return list
  }

  #long(): number {
    return (this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()
  }

  #double(): number {
    for (let i = 0; i < 8; i++) double.setUint8(i, this.byte())
    return double.getFloat64(0)
  }

  /** The extension 0 with the byte 0. */
  #undefined(first: number): undefined {
    if (first !== 0xd4 || this.byte() !== 0 || this.byte() !== 0) throw this.broken('hold what is not plain')
    return undefined
  }
}
