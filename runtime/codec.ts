/**
 * How values become bytes: msgpackr with records inline, so that every message stands alone. Maps, Sets, Dates, Buffers,
 * undefined and plain records come back as what they were; functions and symbols are refused.
 */
import { Packr } from 'msgpackr'
import { ActorError, type ErrorCode, type ErrorDetails } from './errors.js'
import { encodePlain } from './plain-encoding.js'

const packr = new Packr({ useRecords: true, moreTypes: true, copyBuffers: true })

/** The bytes share a pool: whoever keeps a small value for long keeps a few KiB alive with it. */
export function encode(value: unknown): Uint8Array {
  return encodePlain(value) ?? packr.pack(value)
}

/** Throws CORRUPT on bytes that `encode` never makes. The value shares no memory with `bytes`. */
export function decode(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes)
  } catch (error) {
    throw new ActorError('CORRUPT', 'stored or received bytes do not decode', {}, error)
  }
}

/** Field names are told once a process, so what they pack is for this process alone. */
const shortPackr = new Packr({ useRecords: true, moreTypes: true, copyBuffers: true, structures: [] })

/** A value as a string of one byte a character: the smallest form in which the heap keeps it. Not to be stored or sent. */
export function pack(value: unknown): string {
  return shortPackr.pack(value).toString('latin1')
}

export function unpack(packed: string): unknown {
  return shortPackr.unpack(Buffer.from(packed, 'latin1'))
}

/** What a value is on the other side of the codec. */
export function crossed(value: unknown): unknown {
  return value === undefined ? undefined : packr.unpack(packr.pack(value))
}

/** An error as it travels between nodes. Causes and stacks stay behind: they are this node's own. */
export function encodeError(error: unknown): Uint8Array {
  const known = error instanceof ActorError ? error : new ActorError('INTERNAL', String(error))
  return encode([known.code, known.message, known.details])
}

export function decodeError(bytes: Uint8Array): ActorError {
  const [code, message, details] = decode(bytes) as [ErrorCode, string, ErrorDetails]
  return new ActorError(code, message, details)
}

/** Freezes a value and all that it holds; the contents of byte arrays, Maps and Sets cannot be frozen, their members are. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  if (value instanceof Map) {
    for (const [key, member] of value) {
      deepFrozen(key)
      deepFrozen(member)
    }
  } else if (value instanceof Set) for (const member of value) deepFrozen(member)
  else for (const member of Object.values(value)) deepFrozen(member)
  return value
}

const DEPTH = 4
const BREADTH = 32

/** About how many bytes a value holds in memory: exact for byte arrays and strings near the top, a guess further down. */
export function roughBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return 32 + value.byteLength
  if (depth >= DEPTH) return 64
  if (value instanceof Map || value instanceof Set) return 64 + value.size * 64
  const members = Array.isArray(value) ? value : Object.values(value)
  const looked = Math.min(members.length, BREADTH)
  let bytes = 32
  for (let i = 0; i < looked; i++) bytes += roughBytes(members[i], depth + 1)
  return looked === members.length ? bytes : Math.ceil((bytes * members.length) / looked)
}
