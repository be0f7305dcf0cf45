/**
 * Reads TL from bytes of strangers.
 *
 * R1. Nothing but a TlError is thrown, whatever the bytes.
 * R2. What is allocated is a small multiple of the input: a length counts only once the bytes behind it are there, and
 *     what gzip_packed inflates to is bounded for the whole input together.
 * R3. A field holds a constructor of its declared type, or reading fails: handlers may trust the types.
 *
 * Binary serialisation: core.telegram.org/mtproto/serialize.
 */

import { unzipSync } from 'node:zlib'
import { TlError } from './error.js'
import { methods, objects } from './generated/readers.js'
import type { mtp, tl } from './generated/schema.js'
import { type Long, longFromBuffer } from './long.js'

export const VECTOR_ID = 0x1cb5c415
const GZIP_PACKED_ID = 0x3072cfa1
export const BOOL_TRUE_ID = 0x997275b5 | 0
export const BOOL_FALSE_ID = 0xbc799737 | 0

const TWO_TO_32 = 4294967296

/** The readers of one TL type's constructors by their id, as a signed 32-bit number. */
export type TlReaderTable = ReadonlyMap<number, (reader: TlReader) => unknown>

export interface TlReadLimits {
  /** How deep objects may lie inside each other. */
  readonly maxDepth: number
  /** What all gzip_packed of one input may inflate to together, in bytes. */
  readonly maxInflatedBytes: number
  /** Elements of all vectors of one input together: the smallest takes 4 bytes there, and ten times that in memory. */
  readonly maxElements?: number
}

/** Wide enough for what clients send: the deepest are rich texts and wrapped calls, the largest an upload's part. */
const DEFAULT_READ_LIMITS: TlReadLimits = { maxDepth: 64, maxInflatedBytes: 2 * 1024 * 1024 }

/**
 * A cursor over one TL input. Byte fields are views of the input: whoever keeps one copies it.
 *
 * The readers of schema constructors are generated and call the methods here.
 */
export class TlReader {
  readonly bytes: Buffer
  /** Where the next value begins. */
  pos: number
  private readonly end: number
  private readonly maxDepth: number
  private inflatableBytes: number
  private elementsLeft: number
  private depth = 0
  private insideGzip = false

  constructor(bytes: Uint8Array, offset = 0, limits: TlReadLimits = DEFAULT_READ_LIMITS) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.pos = offset
    this.end = bytes.length
    this.maxDepth = limits.maxDepth
    this.inflatableBytes = limits.maxInflatedBytes
    this.elementsLeft = limits.maxElements ?? Number.POSITIVE_INFINITY
  }

  /** Bytes that are still to be read. */
  get remaining(): number {
    return this.end - this.pos
  }

  private take(size: number): number {
    const at = this.pos
    if (size > this.end - at) throw new TlError('TRUNCATED', `${size} bytes expected, ${this.end - at} left`)
    this.pos = at + size
    return at
  }

  /** Signed 32 bits; flags and constructor ids too. */
  int(): number {
    const at = this.take(4)
    const b = this.bytes
    return b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)
  }

  long(): Long {
    return longFromBuffer(this.bytes, this.take(8))
  }

  /** A long that holds a count or the number of a user, chat or file. */
  int53(): number {
    const low = this.int() >>> 0
    const value = this.int() * TWO_TO_32 + low
    if (!Number.isSafeInteger(value)) throw new TlError('INVALID_VALUE', 'a number is beyond 53 bits')
    return value
  }

  double(): number {
    return this.bytes.readDoubleLE(this.take(8))
  }

  /** `size` bytes as they stand: a view of the input. */
  raw(size: number): Buffer {
    if (size < 0) throw new TlError('INVALID_VALUE', `negative length ${size}`)
    const at = this.take(size)
    return this.bytes.subarray(at, at + size)
  }

  int128(): Buffer {
    return this.raw(16)
  }

  int256(): Buffer {
    return this.raw(32)
  }

  /** A view of the input. */
  bytesValue(): Buffer {
    const head = this.pos
    const size = this.contentLength()
    const at = this.skipContent(head, size)
    return this.bytes.subarray(at, at + size)
  }

  string(): string {
    const head = this.pos
    const size = this.contentLength()
    const at = this.skipContent(head, size)
    return size === 0 ? '' : this.bytes.toString('utf8', at, at + size)
  }

  private contentLength(): number {
    const first = this.bytes[this.take(1)]!
    if (first < 254) return first
    if (first === 255) throw new TlError('INVALID_VALUE', 'length byte 255')
    const at = this.take(3)
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16)
  }

  /** Where the content begins; moves behind its padding, which fills up what began at `head` to a multiple of 4. */
  private skipContent(head: number, size: number): number {
    return this.take(size + ((head - this.pos - size) & 3))
  }

  boolean(): boolean {
    const id = this.int()
    if (id === BOOL_TRUE_ID) return true
    if (id === BOOL_FALSE_ID) return false
    throw new TlError('INVALID_VALUE', `0x${hex(id)} is no Bool`)
  }

  /** An object of the type whose readers the table holds. */
  of(table: TlReaderTable): unknown {
    const id = this.int()
    const read = table.get(id)
    if (read === undefined) throw unexpectedConstructor(id)
    return this.nested(read)
  }

  private nested(read: (reader: TlReader) => unknown): unknown {
    if (++this.depth > this.maxDepth) throw new TlError('LIMIT', `objects nested deeper than ${this.maxDepth}`)
    const value = read(this)
    this.depth--
    return value
  }

  /** Any constructor or method, packed or not. */
  object(): tl.TlObject {
    return this.packable(objects) as tl.TlObject
  }

  /** A call: what `!X` stands for. */
  query(): tl.RpcMethod {
    return this.packable(methods) as tl.RpcMethod
  }

  private packable(table: TlReaderTable): unknown {
    const id = this.int()
    const read = table.get(id)
    if (read !== undefined) return this.nested(read)
    if (id === GZIP_PACKED_ID) return this.unpack().packable(table)
    throw unexpectedConstructor(id)
  }

  /**
   * A reader of what a gzip_packed, whose id is already read, holds. gzip and zlib both occur in the field.
   *
   * @throws TlError LIMIT when packed twice or beyond the limit of inflated bytes
   */
  unpack(): TlReader {
    if (this.insideGzip) throw new TlError('LIMIT', 'gzip_packed inside gzip_packed')
    const inflated = this.inflate(this.bytesValue())
    this.inflatableBytes -= inflated.length
    const reader = new TlReader(inflated, 0, {
      maxDepth: this.maxDepth,
      maxInflatedBytes: 0,
      maxElements: this.elementsLeft,
    })
    reader.depth = this.depth
    reader.insideGzip = true
    return reader
  }

  private inflate(packed: Buffer): Buffer {
    if (this.inflatableBytes <= 0) throw new TlError('LIMIT', 'gzip_packed inflates to too much')
    try {
      return unzipSync(packed, { maxOutputLength: this.inflatableBytes })
    } catch (error) {
      // What it cost is not known: nobody gets to try again and again.
      this.inflatableBytes = 0
      const tooLong = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
      throw tooLong
        ? new TlError('LIMIT', 'gzip_packed inflates to too much')
        : new TlError('INVALID_VALUE', 'gzip_packed is damaged')
    }
  }

  /** Any value that may stand in an rpc_result without its type: objects, Bool, vectors of objects. */
  any(): unknown {
    const id = this.peekInt()
    if (id === VECTOR_ID) return this.nested(() => this.vector(() => this.any()))
    if (id === BOOL_TRUE_ID || id === BOOL_FALSE_ID) return this.boolean()
    return this.object()
  }

  /** The next 32 bits, not taken. */
  peekInt(): number {
    const value = this.int()
    this.pos -= 4
    return value
  }

  /** The number of elements of a vector whose id is still to come; no more than the input could hold. */
  vectorLength(): number {
    const id = this.int()
    if (id !== VECTOR_ID) throw new TlError('INVALID_VALUE', `0x${hex(id)} is no vector`)
    return this.bareVectorLength()
  }

  private bareVectorLength(): number {
    const length = this.int() >>> 0
    if (length > this.remaining >>> 2)
      throw new TlError('TRUNCATED', `a vector of ${length} in ${this.remaining} bytes`)
    this.elementsLeft -= length
    if (this.elementsLeft < 0) throw new TlError('LIMIT', 'too many elements of vectors')
    return length
  }

  vector<T>(read: (reader: TlReader) => T): T[] {
    const length = this.vectorLength()
    const list: T[] = []
    for (let i = 0; i < length; i++) list.push(read(this))
    return list
  }

  /** A vector without the vector's id. */
  bareVector<T>(read: (reader: TlReader) => T): T[] {
    const length = this.bareVectorLength()
    const list: T[] = []
    for (let i = 0; i < length; i++) list.push(read(this))
    return list
  }

  vectorOf(table: TlReaderTable): unknown[] {
    const length = this.vectorLength()
    const list: unknown[] = []
    for (let i = 0; i < length; i++) list.push(this.of(table))
    return list
  }
}

function hex(id: number): string {
  return (id >>> 0).toString(16).padStart(8, '0')
}

function unexpectedConstructor(id: number): TlError {
  const known = objects.has(id)
  return new TlError('UNKNOWN_CONSTRUCTOR', `constructor 0x${hex(id)} ${known ? 'may not stand here' : 'is unknown'}`)
}

/**
 * The object at `offset`: a constructor or method of any layer, or of MTProto itself. What follows it is left alone.
 *
 * @throws TlError
 */
export function readObject(bytes: Uint8Array, offset = 0): tl.TlObject | mtp.TlObject {
  return new TlReader(bytes, offset).object()
}
