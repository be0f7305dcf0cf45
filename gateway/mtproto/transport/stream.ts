import type { Cipher, Decipher } from 'node:crypto'
import type { Random } from '../../../runtime/index.js'
import type { ByteBudget } from '../byte-budget.js'
import { detectTransport } from './detect.js'
import { type FrameNumbers, type Framing, TransportError } from './framing.js'

/** Takes the packets of a stream. Return false to take no more for now: the rest is kept until `resume`. */
export interface PacketSink {
  onPacket(packet: Buffer, wantsQuickAck: boolean): boolean
}

const SMALLEST_PARTIAL_BYTES = 64

/**
 * One client's byte stream, TCP or WebSocket: finds out its transport, cuts packets out of it and frames packets for it.
 *
 * 1. Between packets it holds no buffer; a partial frame is held in memory of at most twice what has arrived.
 * 2. The cost of a frame does not depend on the number of pieces that it arrives in.
 * 3. A packet handed to the sink is a view, valid during that call only.
 * 4. What the sink does not take is kept as a partial frame is, in order; after `end` nothing is.
 */
export class StreamTransport implements FrameNumbers {
  framesIn = 0
  framesOut = 0
  #framing: Framing | undefined
  #decipher: Decipher | undefined
  #cipher: Cipher | undefined
  #partial: Buffer | undefined
  /** What is kept lies between these two. */
  #partialFrom = 0
  #partialTo = 0
  /** The sink took no more of it. */
  #stopped = false
  #ended = false
  readonly #maxFrameBytes: number
  readonly #budget: ByteBudget

  constructor(maxFrameBytes: number, budget: ByteBudget) {
    this.#maxFrameBytes = maxFrameBytes
    this.#budget = budget
  }

  /** For logs and metrics; 'unknown' until the first bytes told. */
  get name(): string {
    if (!this.#framing) return 'unknown'
    return this.#cipher ? `obfuscated ${this.#framing.name}` : this.#framing.name
  }

  /** Memory that what was not taken yet holds. */
  get partialBytes(): number {
    return this.#partial?.length ?? 0
  }

  get ready(): boolean {
    return this.#framing !== undefined
  }

  /** Takes the next bytes of the stream. Throws TransportError when they make no sense. */
  feed(chunk: Buffer, sink: PacketSink): void {
    if (!this.#framing) {
      this.#detect(chunk, sink)
      return
    }
    const plain = this.#decipher ? this.#decipher.update(chunk) : chunk
    if (!this.#partial) {
      this.#keep(plain, this.#frames(plain, sink))
      return
    }
    this.#append(plain)
    this.resume(sink)
  }

  /** Takes the next bytes of a stream whose packets are not taken just now. */
  hold(chunk: Buffer): void {
    this.#append(this.#decipher ? this.#decipher.update(chunk) : chunk)
  }

  /** Hands over what was kept. Throws TransportError when it makes no sense. */
  resume(sink: PacketSink): void {
    if (!this.#partial) return
    const bytes = this.#partial.subarray(this.#partialFrom, this.#partialTo)
    const consumed = this.#frames(bytes, sink)
    if (consumed === 0) return
    this.#partialFrom += consumed
    // Where there is much that the sink takes piece by piece, it is not moved for each.
    if (this.#stopped && this.#partialFrom * 2 < this.#partialTo) return
    this.#release()
    this.#keep(bytes, consumed)
  }

  /** Forgets what was kept, and keeps nothing any more. */
  end(): void {
    this.#ended = true
    this.#release()
  }

  #release(): void {
    if (!this.#partial) return
    this.#budget.release(this.#partial.length)
    this.#partial = undefined
    this.#partialFrom = 0
    this.#partialTo = 0
  }

  /** A frame with room for a payload of that size at `payloadAt`. To be given to `finish` before the next one is begun. */
  begin(payloadBytes: number, random: Random): Buffer {
    const framing = this.#known()
    return Buffer.allocUnsafe(framing.headBytes(payloadBytes) + payloadBytes + framing.tailBytes(random))
  }

  payloadAt(payloadBytes: number): number {
    return this.#known().headBytes(payloadBytes)
  }

  /** What to write to the socket for a frame whose payload is in its place. */
  finish(frame: Buffer, payloadBytes: number, random: Random): Buffer {
    this.#known().finish(frame, payloadBytes, this, random)
    return this.#cipher ? this.#cipher.update(frame) : frame
  }

  /** A packet that exists already, framed. */
  frame(packet: Buffer, random: Random): Buffer {
    const frame = this.begin(packet.length, random)
    packet.copy(frame, this.payloadAt(packet.length))
    return this.finish(frame, packet.length, random)
  }

  /** A transport error, which is a packet of four bytes; on `full` the bare bytes, as its clients expect. */
  error(code: number, random: Random): Buffer {
    const packet = Buffer.allocUnsafe(4)
    packet.writeInt32LE(-code)
    return this.#known().name === 'full' ? packet : this.frame(packet, random)
  }

  quickAck(token: number): Buffer | undefined {
    const frame = this.#known().quickAck(token)
    return frame && this.#cipher ? this.#cipher.update(frame) : frame
  }

  #known(): Framing {
    if (!this.#framing) throw new TransportError('the transport is not known yet')
    return this.#framing
  }

  #detect(chunk: Buffer, sink: PacketSink): void {
    if (this.#partial) this.#append(chunk)
    const bytes = this.#partial ? this.#partial.subarray(this.#partialFrom, this.#partialTo) : chunk
    const detected = detectTransport(bytes)
    if (!detected) {
      if (!this.#partial) this.#keep(chunk, 0)
      return
    }
    this.#framing = detected.framing
    this.#decipher = detected.obfuscation?.decipher
    this.#cipher = detected.obfuscation?.cipher
    this.#release()
    if (detected.consumed < bytes.length) this.feed(bytes.subarray(detected.consumed), sink)
  }

  /** Hands over whole frames; returns how many bytes they took. */
  #frames(bytes: Buffer, sink: PacketSink): number {
    const framing = this.#framing!
    let at = 0
    this.#stopped = false
    for (;;) {
      const frameBytes = framing.measure(bytes, at)
      if (frameBytes > this.#maxFrameBytes) throw new TransportError(`frame of ${frameBytes} bytes`)
      if (frameBytes === 0 || bytes.length - at < frameBytes) return at
      const wantsQuickAck = framing.wantsQuickAck(bytes, at)
      const packet = framing.payload(bytes, at, frameBytes, this)
      at += frameBytes
      if (sink.onPacket(packet, wantsQuickAck)) continue
      this.#stopped = true
      return at
    }
  }

  #keep(bytes: Buffer, from: number) {
    if (from < bytes.length && !this.#ended) this.#append(bytes.subarray(from))
  }

  #append(bytes: Buffer) {
    const keptBytes = this.#partialTo - this.#partialFrom
    const held = this.#partial
    if (!held || held.length - this.#partialTo < bytes.length) {
      const neededBytes = keptBytes + bytes.length
      const grown = Buffer.allocUnsafeSlow(Math.max(neededBytes, held ? keptBytes * 2 : SMALLEST_PARTIAL_BYTES))
      if (held) held.copy(grown, 0, this.#partialFrom, this.#partialTo)
      this.#budget.add(grown.length - (held?.length ?? 0))
      this.#partial = grown
      this.#partialFrom = 0
      this.#partialTo = keptBytes
    }
    bytes.copy(this.#partial!, this.#partialTo)
    this.#partialTo += bytes.length
  }
}
