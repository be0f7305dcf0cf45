import type { Call } from './call.js'
import type { OutgoingMessage } from './container.js'
import type { Holder, Holders } from './holders.js'
import { type Long, longFromInts, longHigh, longLow } from './long.js'

/** What a message costs beside its body, roughly. */
const OVERHEAD_BYTES = 120
const KEPT_OF_BOUND = 7 / 8

/** A message to the client that it has to acknowledge. */
export class Outgoing implements OutgoingMessage {
  readonly high: number
  readonly low: number
  readonly seqNo: number
  body: Buffer
  /** The call that it answers. */
  readonly call: Call | undefined
  /** The pusher's mark on an update. */
  readonly tag: number | undefined
  readonly isPush: boolean
  readonly queuedAtMs: number
  /** It travels in a packet of its own. */
  readonly alone: boolean
  /** It is in an outbox. */
  held = false
  /** It waits to be written. */
  queued = false
  /** It was written to a connection at least once. */
  sent = false

  constructor(
    id: { readonly high: number; readonly low: number },
    seqNo: number,
    body: Buffer,
    queuedAtMs: number,
    about: { readonly call?: Call; readonly push?: true; readonly tag?: number | undefined; readonly alone?: true },
  ) {
    this.high = id.high
    this.low = id.low
    this.seqNo = seqNo
    this.body = body
    this.queuedAtMs = queuedAtMs
    this.call = about.call
    this.isPush = about.push === true
    this.tag = about.tag
    this.alone = about.alone === true
  }

  get id(): Long {
    return longFromInts(this.low, this.high)
  }

  get heldBytes(): number {
    return this.body.length + OVERHEAD_BYTES
  }

  /** It stays: its body moves out of the pool, where it would keep the memory of all its short-lived neighbours. */
  settle(): void {
    if (this.body.buffer.byteLength === this.body.length) return
    const own = Buffer.allocUnsafeSlow(this.body.length)
    this.body.copy(own)
    this.body = own
  }
}

/**
 * What a session has sent and the client has not acknowledged, in the order of message ids.
 *
 * 1. Bounded in count and bytes: the oldest goes first, and whoever holds the outbox is told.
 * 2. What it holds is counted for its holder, and in the budget that all share.
 * 3. What has been here for a while, or has nowhere to go, holds no more memory than is counted.
 */
export class Outbox {
  readonly #holders: Holders
  readonly #messages: Outgoing[] = []
  #holder: Holder
  #bytes = 0

  constructor(holders: Holders, holder: Holder) {
    this.#holders = holders
    this.#holder = holder
  }

  get holder(): Holder {
    return this.#holder
  }

  /** It is somebody else's from now on. */
  moveTo(holder: Holder): void {
    this.#holders.add(this.#holder, -this.#bytes)
    this.#holder = holder
    this.#holders.add(holder, this.#bytes)
  }

  get length(): number {
    return this.#messages.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get messages(): readonly Outgoing[] {
    return this.#messages
  }

  /** What came before `untilMs` stays for longer than most. */
  settle(untilMs: number): void {
    for (const message of this.#messages) {
      if (message.queuedAtMs > untilMs) return
      message.settle()
    }
  }

  /** Takes in a message with an id above all others. */
  add(message: Outgoing): void {
    this.#messages.push(message)
    message.held = true
    this.#account(message.heldBytes)
  }

  find(id: Long): Outgoing | undefined {
    const at = this.#indexOf(id)
    return at < 0 ? undefined : this.#messages[at]
  }

  /** Removes and returns the message, if it is there. */
  take(id: Long): Outgoing | undefined {
    const at = this.#indexOf(id)
    if (at < 0) return undefined
    const message = this.#messages[at]!
    if (at === 0) this.#messages.shift()
    else this.#messages.splice(at, 1)
    message.held = false
    this.#account(-message.heldBytes)
    return message
  }

  /** Removes the oldest messages until the rest is within the bounds and none of it was queued before `queuedSinceMs`. */
  trim(maxMessages: number, maxBytes: number, queuedSinceMs: number, onDropped: (message: Outgoing) => void): void {
    const over = this.#messages.length > maxMessages || this.#bytes > maxBytes
    // Well below the bounds once they are passed: to a client that never acknowledges, each message would cost a pass.
    const keptMessages = over ? Math.floor(maxMessages * KEPT_OF_BOUND) : maxMessages
    const keptBytes = over ? maxBytes * KEPT_OF_BOUND : maxBytes
    let count = 0
    let bytes = this.#bytes
    while (count < this.#messages.length) {
      const message = this.#messages[count]!
      const within = this.#messages.length - count <= keptMessages && bytes <= keptBytes
      if (within && message.queuedAtMs >= queuedSinceMs) break
      bytes -= message.heldBytes
      count++
    }
    if (count === 0) return
    const dropped = this.#messages.splice(0, count)
    this.#account(bytes - this.#bytes)
    for (const message of dropped) {
      message.held = false
      onDropped(message)
    }
  }

  #account(bytes: number) {
    this.#bytes += bytes
    this.#holders.add(this.#holder, bytes)
  }

  #indexOf(id: Long): number {
    const high = longHigh(id)
    const low = longLow(id)
    let from = 0
    let to = this.#messages.length - 1
    while (from <= to) {
      const middle = (from + to) >>> 1
      const message = this.#messages[middle]!
      if (message.high === high && message.low === low) return middle
      if (message.high < high || (message.high === high && message.low < low)) from = middle + 1
      else to = middle - 1
    }
    return -1
  }
}
