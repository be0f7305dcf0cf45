import { createHash } from 'node:crypto'
import { type ActorAddress, codeAt, type Position } from '../../runtime/index.js'

/**
 * The embedded driver's keys. Bytes sort as the numbers and texts that they stand for.
 *
 * | space | key after the space's byte | value |
 * |---|---|---|
 * | 0x01 commits | actor, last position of the commit | commit record |
 * | 0x02 snapshots | actor, position | snapshot record |
 * | 0x03 derived rows | actor, name(table), name(group), int53(order) | the row's value |
 * | 0x04 undelivered | u32 shard, actor, int53(epoch) | address |
 * | 0x05 due | int53(dueAtMs), u32 shard, actor, name(reminder) | address and reminder |
 * | 0x06 names | lower-case name, 0x00, int53(user id) | the name as it was put |
 * | 0x07 register | text | see register.ts |
 * | 0x08 directory | kind of name, 0x00, name | see name-directory.ts |
 * | 0x09 accounts | int53(user id) | see accounts.ts |
 *
 * actor = name(kind), name(key). name = one byte of length and the UTF-8 bytes, or, above 191 bytes, 0xff and their
 * SHA-256: so no name is the beginning of another, and no key comes near LMDB's 1978 bytes. int53 = 7 bytes and
 * position = int53(pts), u32(ordinal), both big-endian.
 *
 * A commit is found by its last position: the first key at or after a position is the commit that holds it. Journals are
 * not cut into buckets (CORE J9): that bounds a partition of a server, and a B+tree has none.
 */
export const space = {
  commits: 1,
  snapshots: 2,
  rows: 3,
  undelivered: 4,
  due: 5,
  names: 6,
  register: 7,
  directory: 8,
  accounts: 9,
} as const
export type Space = (typeof space)[keyof typeof space]

const positionBytes = 11
const int53Bytes = 7
const largestOrdinal = 0xffff_ffff
const longestPlainName = 191
const hashedName = 0xff

/** Latin-1 text of the bytes: a short string is smaller and faster to compare and look up than a buffer. */
export type KeyText = string

export function nameText(name: string): KeyText {
  const utf8 = isAscii(name) ? name : Buffer.from(name, 'utf8').toString('latin1')
  if (utf8.length <= longestPlainName) return String.fromCharCode(utf8.length) + utf8
  return String.fromCharCode(hashedName) + createHash('sha256').update(name, 'utf8').digest().toString('latin1')
}

export function actorText(actor: ActorAddress): KeyText {
  // Joined, not added: a handle keeps it for as long as its actor is resident, and a sum would keep its parts as well.
  return [nameText(actor.kind), nameText(actor.key)].join('')
}

/** The first `count` names of a key after its space; undefined when one of them is a hash. */
export function namesIn(key: Uint8Array, count: number): string[] | undefined {
  const names: string[] = []
  let at = 1
  for (let i = 0; i < count; i++) {
    const length = key[at++] ?? hashedName
    if (length === hashedName) return undefined
    names.push(Buffer.from(key.subarray(at, at + length)).toString('utf8'))
    at += length
  }
  return names
}

export function positionKey(of: Space, actor: KeyText, position: Position): Buffer {
  const key = Buffer.allocUnsafe(1 + actor.length + positionBytes)
  const at = writePrefix(key, of, actor)
  writePosition(key, at, position)
  return key
}

/** The first key after `positionKey` of the same position; any ordinal, so that a reader may ask for what follows all. */
export function afterPositionKey(of: Space, actor: KeyText, position: Position): Buffer {
  const key = Buffer.allocUnsafe(1 + actor.length + positionBytes + 1)
  const at = writePrefix(key, of, actor)
  writePosition(key, at, { pts: position.pts, ordinal: Math.min(position.ordinal, largestOrdinal) })
  key[key.length - 1] = 0
  return key
}

/** A key before all of the actor's in the space. */
export function startOfActorKey(of: Space, actor: KeyText): Buffer {
  const key = Buffer.allocUnsafe(1 + actor.length)
  writePrefix(key, of, actor)
  return key
}

/** A key after all of the actor's in the space. */
export function endOfActorKey(of: Space, actor: KeyText): Buffer {
  const key = Buffer.allocUnsafe(1 + actor.length + 1)
  key[writePrefix(key, of, actor)] = 0xff
  return key
}

export function positionOf(key: Uint8Array): Position {
  const at = key.length - positionBytes
  return { pts: readInt53(key, at), ordinal: readUint32(key, at + int53Bytes) }
}

/** Texts of actor, table and group: in parts, since a sum of them would be made for one key alone. */
export type RowGroup = readonly [actor: KeyText, table: KeyText, group: KeyText]

export function rowKey([actor, table, group]: RowGroup, order: number): Buffer {
  const key = Buffer.allocUnsafe(1 + actor.length + table.length + group.length + int53Bytes)
  let at = writePrefix(key, space.rows, actor)
  at = writeText(key, at, table)
  writeInt53(key, writeText(key, at, group), order)
  return key
}

export function afterRowKey(group: RowGroup, order: number): Buffer {
  return Buffer.concat([rowKey(group, order), zero])
}

export function rowOrderOf(key: Uint8Array): number {
  return readInt53(key, key.length - int53Bytes)
}

export function undeliveredKey(shard: number, actor: KeyText, epoch: number): Buffer {
  const key = Buffer.allocUnsafe(1 + 4 + actor.length + int53Bytes)
  key[0] = space.undelivered
  key.writeUInt32BE(shard, 1)
  key.write(actor, 5, 'latin1')
  writeInt53(key, 5 + actor.length, epoch)
  return key
}

export function undeliveredEpochOf(key: Uint8Array): number {
  return readInt53(key, key.length - int53Bytes)
}

/** The first key of a shard's undelivered rows. */
export function undeliveredShardKey(shard: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key[0] = space.undelivered
  key.writeUInt32BE(shard, 1)
  return key
}

export function dueKey(dueAtMs: number, shard: number, actor: KeyText, name: string): Buffer {
  const reminder = nameText(name)
  const key = Buffer.allocUnsafe(1 + int53Bytes + 4 + actor.length + reminder.length)
  key[0] = space.due
  writeInt53(key, 1, dueAtMs)
  key.writeUInt32BE(shard, 1 + int53Bytes)
  key.write(actor, 1 + int53Bytes + 4, 'latin1')
  key.write(reminder, 1 + int53Bytes + 4 + actor.length, 'latin1')
  return key
}

/** The first key of what is due at `dueAtMs`. */
export function dueTimeKey(dueAtMs: number): Buffer {
  const key = Buffer.allocUnsafe(1 + int53Bytes)
  key[0] = space.due
  writeInt53(key, 1, dueAtMs)
  return key
}

/** A key after all that is due at `dueAtMs`. */
export function endOfDueTimeKey(dueAtMs: number): Buffer {
  return Buffer.concat([dueTimeKey(dueAtMs), Buffer.of(0xff)])
}

export function dueTimeOf(key: Uint8Array): number {
  return readInt53(key, 1)
}

export function dueShardOf(key: Uint8Array): number {
  return readUint32(key, 1 + int53Bytes)
}

export function nameKey(lowerCaseName: string, userId: number): Buffer {
  const name = Buffer.from(lowerCaseName, 'utf8')
  const key = Buffer.alloc(1 + name.length + 1 + int53Bytes)
  key[0] = space.names
  key.set(name, 1)
  writeInt53(key, 2 + name.length, userId)
  return key
}

export function nameUserOf(key: Uint8Array): number {
  return readInt53(key, key.length - int53Bytes)
}

/** Where names that begin so begin and end. */
export function namePrefixKeys(lowerCasePrefix: string): { start: Buffer; end: Buffer } {
  const start = Buffer.concat([Buffer.of(space.names), Buffer.from(lowerCasePrefix, 'utf8')])
  return { start, end: Buffer.concat([start, Buffer.of(0xff)]) }
}

export function directoryKey(kind: string, name: string): Buffer {
  return Buffer.concat([Buffer.of(space.directory), Buffer.from(`${kind}\0${name}`, 'utf8')])
}

export function accountKey(userId: number): Buffer {
  const key = Buffer.allocUnsafe(1 + int53Bytes)
  key[0] = space.accounts
  writeInt53(key, 1, userId)
  return key
}

export function registerKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(space.register), Buffer.from(name, 'utf8')])
}

const zero = Buffer.of(0)

function isAscii(text: string): boolean {
  const { length } = text
  for (let i = 0; i < length; i++) if (codeAt(text, i) > 0x7f) return false
  return true
}

function writePrefix(key: Buffer, of: Space, text: KeyText): number {
  key[0] = of
  return writeText(key, 1, text)
}

/** Byte by byte: names are short, and a call of the buffer's own methods costs more than all of a key's bytes. */
function writeText(key: Buffer, at: number, text: KeyText): number {
  const { length } = text
  for (let i = 0; i < length; i++) key[at + i] = codeAt(text, i)
  return at + length
}

function writePosition(key: Buffer, at: number, position: Position): void {
  writeInt53(key, at, position.pts)
  if (!(position.ordinal >= 0 && position.ordinal <= largestOrdinal)) {
    throw new RangeError(`Not an ordinal: ${position.ordinal}`)
  }
  writeUint32(key, at + int53Bytes, position.ordinal)
}

function writeInt53(key: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not a whole number from 0 to 2^53 - 1: ${value}`)
  const high = Math.floor(value / 0x1_0000_0000)
  key[at] = high >>> 16
  key[at + 1] = high >>> 8
  key[at + 2] = high
  writeUint32(key, at + 3, value % 0x1_0000_0000)
}

function writeUint32(key: Buffer, at: number, value: number): void {
  key[at] = value >>> 24
  key[at + 1] = value >>> 16
  key[at + 2] = value >>> 8
  key[at + 3] = value
}

function readInt53(key: Uint8Array, at: number): number {
  const high = (key[at]! << 16) | (key[at + 1]! << 8) | key[at + 2]!
  return high * 0x1_0000_0000 + readUint32(key, at + 3)
}

function readUint32(key: Uint8Array, at: number): number {
  return ((key[at]! << 24) | (key[at + 1]! << 16) | (key[at + 2]! << 8) | key[at + 3]!) >>> 0
}
