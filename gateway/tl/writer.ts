/**
 * Writes TL. A writer belongs to one layer: the same object gives each layer the bytes that its clients know.
 *
 * Binary serialisation: core.telegram.org/mtproto/serialize.
 */

import { codeAt } from '../../runtime/index.js'
import { TlError } from './error.js'
import type { tl } from './generated/schema.js'
import { type LayerTable, layerTable } from './layers.js'
import type { Long } from './long.js'
import { BOOL_FALSE_ID, BOOL_TRUE_ID, VECTOR_ID } from './reader.js'

const TWO_TO_32 = 4294967296
const INITIAL_BYTES = 1024
/** A buffer that one large message has made larger than this is let go. */
const KEPT_BYTES = 256 * 1024
/** A longer text is cheaper through the engine's encoder than byte by byte. */
const SHORT_TEXT_CHARS = 20
/** A TL length has three bytes. */
const MAX_CONTENT_BYTES = 0xffffff

/**
 * A growing buffer with a cursor. `finish` hands out a copy of what was written and makes the writer empty, so one
 * writer serves any number of messages, and nothing that was handed out is written again.
 */
export class TlWriter {
  private readonly table: LayerTable
  private bytes: Buffer
  private pos = 0

  constructor(layer: number, initialBytes = INITIAL_BYTES) {
    this.table = layerTable(layer)
    this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  /** Bytes written since the last `finish` or `reset`. */
  get length(): number {
    return this.pos
  }

  /** Forgets what was written. */
  reset(): void {
    this.pos = 0
  }

  finish(): Buffer {
    const result = Buffer.allocUnsafe(this.pos)
    this.bytes.copy(result, 0, 0, this.pos)
    this.pos = 0
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
    return result
  }

  private reserve(size: number): number {
    const at = this.pos
    if (at + size > this.bytes.length) this.grow(at + size)
    this.pos = at + size
    return at
  }

  private grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, size))
    this.bytes.copy(larger, 0, 0, this.pos)
    this.bytes = larger
  }

  /** 32 bits, signed. */
  int(value: number): void {
    if ((value | 0) !== value) throw notAn('int', value)
    this.word(value)
  }

  /** 32 bits as they are: ids and flags. */
  word(value: number): void {
    const at = this.reserve(4)
    const b = this.bytes
    b[at] = value
    b[at + 1] = value >>> 8
    b[at + 2] = value >>> 16
    b[at + 3] = value >>> 24
  }

  long(value: Long): void {
    if (typeof value !== 'string' || value.length !== 8) throw notAn('long', value)
    const at = this.reserve(8)
    for (let i = 0; i < 8; i++) this.bytes[at + i] = codeAt(value, i)
  }

  int53(value: number): void {
    if (!Number.isSafeInteger(value)) throw notAn('int53', value)
    this.word(value)
    this.word(Math.floor(value / TWO_TO_32))
  }

  double(value: number): void {
    if (typeof value !== 'number') throw notAn('double', value)
    const at = this.reserve(8)
    this.bytes.writeDoubleLE(value, at)
  }

  /** Bytes without a length. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length)
    this.bytes.set(value, at)
  }

  int128(value: Uint8Array): void {
    if (value?.length !== 16) throw notAn('int128', value)
    this.raw(value)
  }

  int256(value: Uint8Array): void {
    if (value?.length !== 32) throw notAn('int256', value)
    this.raw(value)
  }

  bytesValue(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw notAn('bytes', value)
    const at = this.content(value.length)
    this.bytes.set(value, at)
  }

  string(value: string): void {
    if (typeof value !== 'string') throw notAn('string', value)
    if (value.length <= SHORT_TEXT_CHARS && this.shortText(value)) return
    const size = Buffer.byteLength(value, 'utf8')
    const at = this.content(size)
    this.bytes.write(value, at, size, 'utf8')
  }

  /** Writes a short ASCII text; false, and nothing written, when it is not ASCII. */
  private shortText(value: string): boolean {
    const start = this.pos
    const { length } = value
    const at = this.content(length)
    for (let i = 0; i < length; i++) {
      const code = codeAt(value, i)
      if (code > 127) {
        this.pos = start
        return false
      }
      this.bytes[at + i] = code
    }
    return true
  }

  /** Writes length and padding for `size` bytes; returns where they go. */
  private content(size: number): number {
    if (size > MAX_CONTENT_BYTES) throw new TlError('INVALID_VALUE', `${size} bytes are more than a TL length holds`)
    const header = size < 254 ? 1 : 4
    const padding = -(size + header) & 3
    const start = this.reserve(header + size + padding)
    if (header === 1) this.bytes[start] = size
    else {
      this.bytes[start] = 254
      this.bytes.writeUIntLE(size, start + 1, 3)
    }
    // By hand: it is three bytes at most, and there is a text or more in every object.
    for (let at = this.pos - padding; at < this.pos; at++) this.bytes[at] = 0
    return start + header
  }

  boolean(value: boolean): void {
    if (typeof value !== 'boolean') throw notAn('Bool', value)
    this.word(value ? BOOL_TRUE_ID : BOOL_FALSE_ID)
  }

  /** @throws TlError NOT_IN_LAYER when the layer has no constructor of that name */
  object(value: tl.TlObject): void {
    const write = this.table.get(value?._)
    if (write === undefined) throw notInLayer(value)
    write(this, value)
  }

  vectorHeader(length: number): void {
    this.word(VECTOR_ID)
    this.word(length)
  }

  vector<T>(list: readonly T[], write: (writer: TlWriter, value: T) => void): void {
    if (!Array.isArray(list)) throw notAn('vector', list)
    this.vectorHeader(list.length)
    for (const value of list) write(this, value)
  }

  /** A vector without the vector's id. */
  bareVector<T>(list: readonly T[], write: (writer: TlWriter, value: T) => void): void {
    if (!Array.isArray(list)) throw notAn('vector', list)
    this.word(list.length)
    for (const value of list) write(this, value)
  }

  objects(list: readonly tl.TlObject[]): void {
    if (!Array.isArray(list)) throw notAn('vector', list)
    this.vectorHeader(list.length)
    for (const value of list as readonly tl.TlObject[]) this.object(value)
  }

  /** For generated writers: the constructor lacks a field that it cannot do without. */
  missing(value: { readonly _: string }, field: string): never {
    throw new TlError('MISSING_FIELD', `${value._} lacks ${field}`)
  }
}

function notAn(type: string, value: unknown): TlError {
  const shown = typeof value === 'object' ? String(value).slice(0, 40) : JSON.stringify(value)?.slice(0, 40)
  return new TlError('INVALID_VALUE', `not a TL ${type}: ${shown}`)
}

function notInLayer(value: unknown): TlError {
  const name = (value as { _?: unknown } | null | undefined)?._
  if (typeof name !== 'string') return notAn('object', value)
  return new TlError('NOT_IN_LAYER', `the layer has no constructor ${name}`)
}
