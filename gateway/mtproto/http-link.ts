import { containerBytesFor, writeContainer } from './container.js'
import { packetBytesFor } from './crypto/packet.js'
import type { HttpExchange } from './http-exchange.js'
import type { PacketLink } from './link.js'
import { ANSWER } from './message-id.js'
import { currentSalt } from './salts.js'
import type { MtprotoSession } from './session.js'
import type { World } from './world.js'

/** A session's requests over HTTP, each of which waits to take one packet. */
export class HttpLink implements PacketLink {
  readonly remoteAddress: string
  readonly lossy = true
  callsRunning = 0
  readonly #world: World
  readonly #session: MtprotoSession
  readonly #waiting: HttpExchange[] = []

  constructor(world: World, session: MtprotoSession, remoteAddress: string) {
    this.#world = world
    this.#session = session
    this.remoteAddress = remoteAddress
  }

  get writable(): boolean {
    return this.#waiting.length > 0
  }

  add(exchange: HttpExchange): void {
    if (this.#waiting.length >= this.#world.limits.httpRequestsPerSession) this.sendNothing(this.#waiting[0]!)
    this.#waiting.push(exchange)
    // What is queued already can go with it.
    this.#world.flushSoon(this.#session)
  }

  remove(exchange: HttpExchange): void {
    const at = this.#waiting.indexOf(exchange)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  /** The longest wait counts; the two finer ones would only save packets. */
  httpWait(_maxDelayMs: number, _waitAfterMs: number, maxWaitMs: number): void {
    const newest = this.#waiting.at(-1)
    if (!newest) return
    const waitMs = Math.min(Math.max(maxWaitMs, 0), this.#world.limits.httpWaitMaxMs)
    newest.deadlineMs = this.#world.clock.monotonic() + waitMs
  }

  begin(packetBytes: number): Buffer {
    return Buffer.allocUnsafe(packetBytes)
  }

  payloadAt(): number {
    return 0
  }

  send(frame: Buffer): void {
    this.#waiting[0]?.reply(frame)
  }

  disconnectAfter(): void {}

  close(reason: string): void {
    for (const exchange of [...this.#waiting]) exchange.close(reason)
    this.#session.detach(this)
  }

  /** An empty container: a packet that any client can read and that says nothing. */
  sendNothing(exchange: HttpExchange): void {
    const { sealer, ids } = this.#world
    const { key, id } = this.#session
    const bytes = containerBytesFor([], 0, 0)
    writeContainer([], 0, 0, sealer.body(bytes))
    ids.next(ANSWER)
    const packet = Buffer.allocUnsafe(packetBytesFor(bytes))
    const salt = currentSalt(key, this.#world.nowSeconds())
    sealer.seal(key, salt, id, ids.high, ids.low, 0, bytes, packet, 0)
    exchange.reply(packet)
  }
}
