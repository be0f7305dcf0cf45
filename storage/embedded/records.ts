import {
  type ActorAddress,
  ActorError,
  type JournalEntry,
  type Position,
  type Snapshot,
  type Writer,
} from '../../runtime/index.js'

/**
 * The embedded driver's values. Each begins with a format byte (CORE J8); whole numbers are varints of up to 53 bits.
 *
 * commit    1, epoch, attempt, predecessor's pts and ordinal, number of entries, then for each entry: count, time
 *           (of the first in milliseconds, of others since the one before), length and bytes of the fact, 0 or
 *           1 + length and bytes of the body. Positions follow from the predecessor and the counts, so a hole shows.
 * snapshot  1, version of the state, then the state. Its position is in the key.
 * address   1, shard, length and UTF-8 of kind, of key, and of the reminder's name where there is one.
 */
const formatOfRecords = 1

export interface CommitRecord {
  readonly writer: Writer
  /** The position that the first entry follows. */
  readonly after: Position
  readonly entries: readonly JournalEntry[]
}

export function encodeCommit({ writer, after, entries }: CommitRecord): Buffer {
  const record = Buffer.allocUnsafe(sizeOfCommit(writer, after, entries))
  record[0] = formatOfRecords
  let at = writeVarint(record, 1, writer.epoch)
  at = writeVarint(record, at, writer.attempt)
  at = writeVarint(record, at, after.pts)
  at = writeVarint(record, at, after.ordinal)
  at = writeVarint(record, at, entries.length)
  let previousMs = 0
  for (const entry of entries) {
    at = writeVarint(record, at, entry.count)
    at = writeVarint(record, at, entry.atMs - previousMs)
    previousMs = entry.atMs
    at = writeBytes(record, writeVarint(record, at, entry.fact.length), entry.fact)
    if (entry.body) at = writeBytes(record, writeVarint(record, at, entry.body.length + 1), entry.body)
    else record[at++] = 0
  }
  return record
}

/** Facts and bodies are views of `record`. Throws CORRUPT. */
export function decodeCommit(record: Uint8Array): CommitRecord {
  const reader = new Reader(record, 'commit')
  const writer = { epoch: reader.varint(), attempt: reader.varint() }
  const after = { pts: reader.varint(), ordinal: reader.varint() }
  const length = reader.varint()
  const entries: JournalEntry[] = []
  let { pts, ordinal } = after
  let atMs = 0
  for (let i = 0; i < length; i++) {
    const count = reader.varint()
    ordinal = count === 0 ? ordinal + 1 : 0
    pts += count
    atMs += reader.varint()
    const fact = reader.bytes(reader.varint())
    const bodyMark = reader.varint()
    if (bodyMark === 0) entries.push({ pts, ordinal, count, atMs, fact })
    else entries.push({ pts, ordinal, count, atMs, fact, body: reader.bytes(bodyMark - 1) })
  }
  reader.end()
  if (length === 0) throw corrupt('commit')
  return { writer, after, entries }
}

export function encodeSnapshot({ version, state }: Snapshot): Buffer {
  const record = Buffer.allocUnsafe(1 + sizeOfVarint(version) + state.length)
  record[0] = formatOfRecords
  writeBytes(record, writeVarint(record, 1, version), state)
  return record
}

export function decodeSnapshot(record: Uint8Array, position: Position): Snapshot {
  const reader = new Reader(record, 'snapshot')
  return { position, version: reader.varint(), state: reader.rest() }
}

export function encodeAddress(actor: ActorAddress, reminder?: string): Buffer {
  const texts = [actor.kind, actor.key, ...(reminder === undefined ? [] : [reminder])].map((text) => Buffer.from(text))
  const size = texts.reduce((sum, text) => sum + sizeOfVarint(text.length) + text.length, 1 + sizeOfVarint(actor.shard))
  const record = Buffer.allocUnsafe(size)
  record[0] = formatOfRecords
  let at = writeVarint(record, 1, actor.shard)
  for (const text of texts) at = writeBytes(record, writeVarint(record, at, text.length), text)
  return record
}

export function decodeAddress(record: Uint8Array): { actor: ActorAddress; reminder: string } {
  const reader = new Reader(record, 'address')
  const shard = reader.varint()
  const kind = reader.text()
  const key = reader.text()
  return { actor: { kind, key, shard }, reminder: reader.isAtEnd ? '' : reader.text() }
}

export function corrupt(what: string): ActorError {
  return new ActorError('CORRUPT', `A stored ${what} does not decode. Restore the data directory from a backup.`)
}

function sizeOfCommit(writer: Writer, after: Position, entries: readonly JournalEntry[]): number {
  let size = 1 + sizeOfVarint(writer.epoch) + sizeOfVarint(writer.attempt)
  size += sizeOfVarint(after.pts) + sizeOfVarint(after.ordinal) + sizeOfVarint(entries.length)
  let previousMs = 0
  for (const { count, atMs, fact, body } of entries) {
    size += sizeOfVarint(count) + sizeOfVarint(atMs - previousMs) + sizeOfVarint(fact.length) + fact.length
    size += body ? sizeOfVarint(body.length + 1) + body.length : 1
    previousMs = atMs
  }
  return size
}

function sizeOfVarint(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not a whole number from 0 to 2^53 - 1: ${value}`)
  if (value < 0x80) return 1
  let size = 1
  for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) size++
  return size
}

function writeVarint(record: Buffer, start: number, value: number): number {
  let at = start
  let left = value
  while (left >= 0x80) {
    record[at++] = (left % 0x80) | 0x80
    left = Math.floor(left / 0x80)
  }
  record[at++] = left
  return at
}

function writeBytes(record: Buffer, at: number, bytes: Uint8Array): number {
  record.set(bytes, at)
  return at + bytes.length
}

class Reader {
  readonly #record: Uint8Array
  readonly #what: string
  #at = 1

  constructor(record: Uint8Array, what: string) {
    if (record[0] !== formatOfRecords) throw corrupt(what)
    this.#record = record
    this.#what = what
  }

  get isAtEnd(): boolean {
    return this.#at === this.#record.length
  }

  varint(): number {
    let value = 0
    for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 0x80) {
      const byte = this.#record[this.#at++]
      if (byte === undefined) throw corrupt(this.#what)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw corrupt(this.#what)
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#record.length) throw corrupt(this.#what)
    // Several times as fast as subarray(), and reading a journal is mostly this.
    const bytes = new Uint8Array(this.#record.buffer, this.#record.byteOffset + this.#at, length)
    this.#at = end
    return bytes
  }

  text(): string {
    return Buffer.from(this.bytes(this.varint())).toString('utf8')
  }

  rest(): Uint8Array {
    return this.bytes(this.#record.length - this.#at)
  }

  end(): void {
    if (!this.isAtEnd) throw corrupt(this.#what)
  }
}
