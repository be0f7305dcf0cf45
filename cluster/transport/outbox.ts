/**
 * One half's way out of a stream: messages leave in batches, and no faster than the other half takes them in.
 *
 * B1. Messages leave in the order in which they were put in, each once.
 * B2. At most `windowBytes` are under way: written and not yet granted back. Because the other half keeps back what it
 *     grants until it is a quarter of the window, a message that does not fit may leave alone once less than that quarter
 *     is under way: a message of any allowed size gets through.
 * B3. What waits is bounded in bytes and count: `put` says no beyond it.
 * B4. Messages that are put in within one tick leave in one batch.
 * B5. A message that cannot be sent is handed back, and does no harm to those beside it.
 */
import { ActorError, Queue } from '../../runtime/index.js'
import type { BatchCodec } from './batch-codec.js'
import { type Batch, type Message, sizeOf } from './wire.js'

export interface OutboxLimits {
  /** The largest batch that may leave. */
  readonly frameBytes: number
  readonly windowBytes: number
  readonly batchBytes: number
  readonly waitingBytes: number
  readonly waitingMessages: number
}

export interface OutboxPort<M extends Message> {
  write(batch: Uint8Array): void
  /** The message cannot be encoded, or is larger than a batch may be: it has not left. */
  unsendable(message: M, error: ActorError): void
  /** Runs `flush` once this tick is over. */
  atTickEnd(flush: () => void): void
  /** The newest view that this node knows. */
  view(): number
}

export class Outbox<M extends Message> {
  readonly #port: OutboxPort<M>
  readonly #limits: OutboxLimits
  readonly #waiting = new Queue<M>()
  /** Of each that waits. */
  readonly #sizes = new Queue<number>()
  #waitingBytes = 0
  #underWayBytes = 0
  #credit = 0
  #isScheduled = false
  /** Undefined: the other half has not said hello. */
  #codec: BatchCodec | undefined
  #isClosed = false

  constructor(port: OutboxPort<M>, limits: OutboxLimits) {
    this.#port = port
    this.#limits = limits
  }

  /** Credit is kept back until it is worth a grant. */
  get #grantBytes(): number {
    return this.#limits.windowBytes / 4
  }

  get waitingMessages(): number {
    return this.#waiting.length
  }

  /** False: too much waits already, and the message was not taken. */
  put(message: M): boolean {
    const bytes = sizeOf(message)
    const { waitingBytes, waitingMessages } = this.#limits
    if (this.#isClosed || this.#waiting.length >= waitingMessages) return false
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > waitingBytes) return false
    this.#waiting.push(message)
    this.#sizes.push(bytes)
    this.#waitingBytes += bytes
    this.#schedule()
    return true
  }

  /** The other half has said hello: batches may leave, as both understand them. */
  open(codec: BatchCodec): void {
    this.#codec = codec
    this.#schedule()
  }

  /** The other half has handled this many bytes. */
  granted(bytes: number): void {
    if (bytes === 0) return
    this.#underWayBytes = Math.max(0, this.#underWayBytes - bytes)
    if (this.#waiting.length > 0) this.#schedule()
  }

  /** This half has handled a batch of this many bytes: the other half is told once a part of its window is due. */
  handled(bytes: number): void {
    this.#credit += bytes
    if (this.#credit >= this.#grantBytes) this.#schedule()
  }

  /** Nothing leaves any more; returns what has not left. */
  close(): readonly M[] {
    this.#isClosed = true
    const left: M[] = []
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) left.push(next)
    this.#sizes.drain()
    this.#waitingBytes = 0
    return left
  }

  #schedule(): void {
    if (this.#isScheduled || this.#codec === undefined || this.#isClosed) return
    this.#isScheduled = true
    this.#port.atTickEnd(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const codec = this.#codec
    if (this.#isClosed || codec === undefined) return
    let messages = this.#nextBatch()
    while (messages.length > 0 || this.#credit >= this.#grantBytes) {
      this.#write(codec, { view: this.#port.view(), credit: this.#credit, messages })
      messages = this.#nextBatch()
    }
  }

  #nextBatch(): M[] {
    const { windowBytes, batchBytes } = this.#limits
    const room = windowBytes - this.#underWayBytes
    const messages: M[] = []
    let bytes = 0
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      const size = this.#sizes.peek()!
      const fits = bytes + size <= Math.min(batchBytes, room)
      const mayGoAlone = messages.length === 0 && (size <= room || this.#underWayBytes < this.#grantBytes)
      if (!fits && !mayGoAlone) break
      this.#waiting.shift()
      this.#sizes.shift()
      this.#waitingBytes -= size
      messages.push(next)
      bytes += size
    }
    return messages
  }

  #write(codec: BatchCodec, batch: Batch<M>): void {
    const bytes = this.#encode(codec, batch)
    if (bytes === undefined) return
    this.#credit = 0
    // A batch that only grants credit is not counted, or two idle halves would go on granting each other's grants.
    if (batch.messages.length > 0) this.#underWayBytes += bytes.length
    this.#port.write(bytes)
  }

  /** Undefined: it was one message that cannot leave, or it has left in halves. */
  #encode(codec: BatchCodec, batch: Batch<M>): Uint8Array | undefined {
    let failure: unknown
    try {
      const bytes = codec.encode(batch)
      if (bytes.length <= this.#limits.frameBytes) return bytes
      failure = `${bytes.length} bytes are more than the ${this.#limits.frameBytes} that nodes send each other at once`
    } catch (error) {
      failure = error
    }
    const { messages } = batch
    if (messages.length === 1) {
      this.#port.unsendable(messages[0]!, new ActorError('INTERNAL', `cannot be sent: ${String(failure)}`))
      return undefined
    }
    const middle = messages.length >>> 1
    this.#write(codec, { ...batch, messages: messages.slice(0, middle) })
    this.#write(codec, { ...batch, credit: 0, messages: messages.slice(middle) })
    return undefined
  }
}
