/**
 * Batches from PACKED_BATCHES on. Nearly all of a message is a few numbers and short names: those are laid out by hand,
 * and so are arguments and answers that are plain values. What else is in the batch is one msgpackr list behind them, so
 * that records are told once a batch.
 *
 *   batch    = view credit more message* END rest
 *   message  = kind flags members more?          (`more` with the flag MORE)
 *   number   = 7 bits a byte, the low ones first, the high bit on all but the last; text, bytes, more = length, bytes
 *   body     = a plain value (`writePlain`), or with the flag REST the next one of the rest
 *
 * K1. A reader passes over `more`: what a later version has to say beside this goes there. A flag or kind that it does
 *     not know it refuses (W3).
 * K2. A batch is whole or refused: nothing of one that does not decode to its last byte is taken.
 */
import {
  ActorError,
  decode,
  encode,
  MOST_PLAIN_BYTES,
  PlainReader,
  type SenderPath,
  writePlain,
} from '../../runtime/index.js'
import type { BatchCodec } from './batch-codec.js'
import {
  ANSWER,
  type AnswerMessage,
  ASK,
  type Batch,
  broken,
  CALL,
  CANCEL,
  type CallMessage,
  FAILURE,
  FRAME,
  type Message,
  ROUTE,
} from './wire.js'

/** After the last message. */
const END = 7

const MORE = 1
const REST = 2
/** Of an answer or a failure: how long the call took there. */
const TIMED = 4
const TRACE = 4
const CHAIN = 8
const IF_ACTIVE = 16
const FROM = 32
const flagsOf: readonly number[] = (() => {
  const flags: number[] = []
  flags[CALL] = MORE | REST | TRACE | CHAIN | IF_ACTIVE | FROM
  flags[FRAME] = MORE | FROM
  flags[ASK] = MORE
  flags[CANCEL] = MORE
  flags[ANSWER] = MORE | REST | TIMED
  flags[FAILURE] = MORE | TIMED
  flags[ROUTE] = MORE
  return flags
})()

const CHUNK_BYTES = 64 * 1024
/** A batch is not begun in less. */
const LEAST_BYTES = 2 * 1024
const NUMBER_BYTES = 8
const NAME_CHARS = 200
const SHORT_CHARS = 40

const noChain: readonly string[] = []

/** One for all streams: a batch is written in one go. Batches lie one after the other in chunks. */
class BatchWriter {
  #bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #from = 0
  #at = 0
  #rest: unknown[] = []

  write({ view, credit, messages }: Batch): Uint8Array {
    this.#begin()
    this.#number(view)
    this.#number(credit)
    this.#number(0)
    for (const message of messages) this.#message(message)
    this.#kind(END)
    if (this.#rest.length > 0) this.#append(encode(this.#rest))
    return this.#bytes.subarray(this.#from, this.#at)
  }

  #begin(): void {
    // A chunk that had to grow is not kept.
    if (this.#at + LEAST_BYTES > this.#bytes.length || this.#bytes.length > CHUNK_BYTES) {
      this.#bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      this.#at = 0
    }
    this.#from = this.#at
    if (this.#rest.length > 0) this.#rest = []
  }

  #message(message: Message): void {
    switch (message[0]) {
      case CALL:
        this.#call(message)
        break
      case ANSWER:
        this.#answer(message)
        break
      case FRAME:
        this.#kind(FRAME, message[3] === undefined ? 0 : FROM)
        this.#name(message[1])
        this.#payload(message[2])
        this.#sender(message[3])
        break
      case ASK:
        this.#kind(ASK)
        this.#number(message[1])
        this.#name(message[2])
        this.#payload(message[3])
        this.#number(wholeMs(message[4]))
        break
      case FAILURE:
        this.#kind(FAILURE, message[3] === undefined ? 0 : TIMED)
        this.#number(message[1])
        this.#payload(message[2])
        if (message[3] !== undefined) this.#number(message[3])
        break
      case CANCEL:
        this.#kind(CANCEL)
        this.#number(message[1])
        break
      default:
        this.#kind(ROUTE)
        this.#number(message[1])
        this.#name(message[2])
        this.#name(message[3])
    }
  }

  #call([, id, route, key, args, leftMs, traceId, chain, ifActive, from]: CallMessage): void {
    const hasChain = chain !== undefined && chain.length > 0
    const flags =
      (traceId === undefined ? 0 : TRACE) |
      (hasChain ? CHAIN : 0) |
      (ifActive ? IF_ACTIVE : 0) |
      (from === undefined ? 0 : FROM)
    const flagsAt = this.#kind(CALL, flags)
    this.#number(id)
    this.#number(route)
    this.#name(key)
    this.#number(wholeMs(leftMs))
    if (traceId !== undefined) this.#text(traceId)
    if (hasChain) {
      this.#number(chain.length)
      for (const each of chain) this.#text(each)
    }
    this.#sender(from)
    this.#body(args, flagsAt)
  }

  #answer([, id, answer, thereUs]: AnswerMessage): void {
    const flagsAt = this.#kind(ANSWER, thereUs === undefined ? 0 : TIMED)
    this.#number(id)
    if (thereUs !== undefined) this.#number(thereUs)
    this.#body(answer, flagsAt)
  }

  /** Where the flags lie, from the batch's beginning: the bytes may move. */
  #kind(kind: number, flags = 0): number {
    this.#makeRoom(2)
    this.#bytes[this.#at++] = kind
    if (kind !== END) this.#bytes[this.#at++] = flags
    return this.#at - 1 - this.#from
  }

  #body(value: unknown, flagsAt: number): void {
    this.#makeRoom(MOST_PLAIN_BYTES)
    const to = writePlain(value, this.#bytes, this.#at)
    if (to >= 0) {
      this.#at = to
      return
    }
    const at = this.#from + flagsAt
    this.#bytes[at] = (this.#bytes[at] as number) | REST
    this.#rest.push(value)
  }

  #sender(from: SenderPath | undefined): void {
    if (from === undefined) return
    this.#number(from.length)
    for (const each of from) this.#number(each)
  }

  #name(name: string): void {
    if (name.length === 0 || name.length > NAME_CHARS) throw new TypeError(`${name.length} characters are no name`)
    this.#text(name)
  }

  #text(text: string): void {
    const { length } = text
    if (length > SHORT_CHARS || !this.#shortText(text)) this.#append(Buffer.from(text), true)
  }

  /** False: it is not ASCII. A native call would cost more than these few characters. */
  #shortText(text: string): boolean {
    const { length } = text
    this.#makeRoom(1 + length)
    const bytes = this.#bytes
    const at = this.#at
    bytes[at] = length
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[at + 1 + i] = code
    }
    this.#at = at + 1 + length
    return true
  }

  #payload(payload: Uint8Array): void {
    this.#append(payload, true)
  }

  #append(bytes: Uint8Array, withLength = false): void {
    if (withLength) this.#number(bytes.length)
    this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #number(value: number): void {
    this.#makeRoom(NUMBER_BYTES)
    const bytes = this.#bytes
    let left = value
    if (left >>> 0 !== left) {
      if (!Number.isSafeInteger(left) || left < 0) throw new TypeError(`${left} cannot be counted`)
      for (; left > 0xffff_ffff; left = Math.floor(left / 0x80)) bytes[this.#at++] = (left % 0x80) | 0x80
    }
    for (; left > 0x7f; left >>>= 7) bytes[this.#at++] = (left & 0x7f) | 0x80
    bytes[this.#at++] = left
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) this.#move(bytes)
  }

  #move(bytes: number): void {
    const written = this.#at - this.#from
    const larger = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, 2 * (written + bytes)))
    larger.set(this.#bytes.subarray(this.#from, this.#at))
    this.#bytes = larger
    this.#from = 0
    this.#at = written
  }
}

class BatchReader extends PlainReader {
  /** Messages whose body is in the rest, and the place of it in each. */
  readonly #withRest: unknown[][] = []

  read(): Batch {
    const view = this.#number()
    const credit = this.#number()
    this.#more()
    const messages: Message[] = []
    for (let kind = this.byte(); kind !== END; kind = this.byte()) messages.push(this.#message(kind))
    this.#takeRest()
    return { view, credit, messages }
  }

  #message(kind: number): Message {
    const flags = this.byte()
    const known = flagsOf[kind]
    if (known === undefined || (flags & ~known) !== 0) throw broken('a message')
    const message = this.#members(kind, flags)
    if ((flags & MORE) !== 0) this.#more()
    return message
  }

  #members(kind: number, flags: number): Message {
    switch (kind) {
      case CALL:
        return this.#call(flags)
      case ANSWER:
        return this.#answer(flags)
      case FRAME:
        return [FRAME, this.#name(), this.#payload(), this.#sender(flags)]
      case ASK:
        return [ASK, this.#number(), this.#name(), this.#payload(), this.#number()]
      case FAILURE: {
        const id = this.#number()
        const payload = this.#payload()
        return (flags & TIMED) !== 0 ? [FAILURE, id, payload, this.#number()] : [FAILURE, id, payload]
      }
      case CANCEL:
        return [CANCEL, this.#number()]
      default:
        return [ROUTE, this.#number(), this.#name(), this.#name()]
    }
  }

  #call(flags: number): Message {
    const id = this.#number()
    const route = this.#number()
    const key = this.#name()
    const leftMs = this.#number()
    const traceId = (flags & TRACE) !== 0 ? this.#text() : undefined
    const chain = (flags & CHAIN) !== 0 ? this.#chain() : noChain
    const from = this.#sender(flags)
    const isInRest = (flags & REST) !== 0
    const args = isInRest ? undefined : this.value()
    if (!isInRest && !Array.isArray(args)) throw broken('a call')
    const isBare = (flags & (CHAIN | IF_ACTIVE | FROM)) === 0
    const message = isBare
      ? [CALL, id, route, key, args, leftMs, traceId]
      : [CALL, id, route, key, args, leftMs, traceId, chain, (flags & IF_ACTIVE) !== 0, from]
    if (isInRest) this.#withRest.push(message)
    return message as unknown as CallMessage
  }

  #answer(flags: number): Message {
    const id = this.#number()
    const thereUs = (flags & TIMED) !== 0 ? this.#number() : undefined
    const isInRest = (flags & REST) !== 0
    const message = [ANSWER, id, isInRest ? undefined : this.value(), thereUs]
    if (isInRest) this.#withRest.push(message)
    return message as unknown as AnswerMessage
  }

  #takeRest(): void {
    const count = this.#withRest.length
    if (count === 0) {
      if (this.at !== this.end) throw broken('a batch')
      return
    }
    const rest = decode(this.bytes.subarray(this.at, this.end))
    if (!Array.isArray(rest) || rest.length !== count) throw broken('a batch')
    for (let i = 0; i < count; i++) this.#putBody(this.#withRest[i]!, rest[i])
  }

  #putBody(message: unknown[], body: unknown): void {
    const isCall = message[0] === CALL
    if (isCall && !Array.isArray(body)) throw broken('a call')
    message[isCall ? 4 : 2] = body
  }

  #chain(): readonly string[] {
    return Array.from({ length: this.#count() }, () => this.#text())
  }

  #sender(flags: number): SenderPath | undefined {
    if ((flags & FROM) === 0) return undefined
    const length = this.#count()
    if (length < 2) throw broken('a message')
    return Array.from({ length }, () => this.#number())
  }

  /** Of things that take a byte each at least. */
  #count(): number {
    const count = this.#number()
    if (count > this.end - this.at) throw broken('a message')
    return count
  }

  #name(): string {
    const name = this.#text()
    if (name.length === 0 || name.length > NAME_CHARS) throw broken('a message')
    return name
  }

  #text(): string {
    const length = this.#count()
    for (let at = this.at; at < this.at + length; at++) {
      if ((this.bytes[at] as number) > 0x7f) return this.#slice(length).toString()
    }
    return this.text(length)
  }

  /** Of its own memory. */
  #payload(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#slice(this.#count()))
  }

  #more(): void {
    const length = this.#count()
    this.at += length
  }

  #slice(length: number): Buffer {
    const from = this.at
    this.at += length
    return this.bytes.subarray(from, this.at)
  }

  #number(): number {
    let byte = this.byte()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      if (scale > Number.MAX_SAFE_INTEGER) throw broken('a number')
      byte = this.byte()
      value += (byte & 0x7f) * scale
    }
    if (value > Number.MAX_SAFE_INTEGER) throw broken('a number')
    return value
  }
}

/** A call whose time is over has none left, and one that may take for ever has more than anybody waits. */
function wholeMs(leftMs: number): number {
  if (Number.isNaN(leftMs)) throw new ActorError('INTERNAL', 'a deadline is no number')
  return Math.min(Math.max(0, Math.ceil(leftMs)), Number.MAX_SAFE_INTEGER)
}

const writer = new BatchWriter()

export const packedBatches: BatchCodec = {
  encode: (batch) => writer.write(batch),
  decode: <M extends Message>(bytes: Uint8Array) => new BatchReader(bytes).read() as Batch<M>,
}
