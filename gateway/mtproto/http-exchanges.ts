import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { AddressCount } from './address-count.js'
import { HttpExchange } from './http-exchange.js'
import type { Packets } from './packets.js'
import type { World } from './world.js'

/** The HTTP requests that are being received or wait for an answer, bounded in all and per address. */
export class HttpExchanges {
  readonly world: World
  readonly #packets: Packets
  readonly #open = new Set<HttpExchange>()
  readonly #count: AddressCount

  constructor(world: World, packets: Packets) {
    this.world = world
    this.#packets = packets
    this.#count = new AddressCount(world.limits.connections, world.limits.connectionsPerAddress)
    world.partials.watch(this.#open)
  }

  get size(): number {
    return this.#open.size
  }

  /** Takes a POST of the client at `address`, whose body is one packet. */
  receive(response: HttpResponse, request: HttpRequest, address: string): void {
    const { limits, clock, partials, metrics } = this.world
    const declared = Number(request.getHeader('content-length'))
    if (!this.#admits(address) || !(declared <= limits.maxFrameBytes)) {
      response.writeStatus('429 Too Many Requests').end()
      return
    }
    const exchange = new HttpExchange(this, response, address, clock.monotonic() + limits.httpWaitMaxMs)
    this.#add(exchange)
    let parts: Buffer[] = []
    response.onAborted(() => exchange.aborted())
    response.onData((chunk, isLast) => {
      if (exchange.over) {
        parts = []
        return
      }
      if (exchange.partialBytes + chunk.byteLength > limits.maxFrameBytes) {
        exchange.close('body is too long')
        return
      }
      parts.push(Buffer.from(chunk.slice(0)))
      exchange.partialBytes += chunk.byteLength
      partials.add(chunk.byteLength)
      if (!isLast) {
        metrics.count('partial_packets_dropped', partials.shed())
        return
      }
      const packet = Buffer.concat(parts)
      parts = []
      this.#release(exchange)
      this.#receive(exchange, packet)
    })
  }

  #receive(exchange: HttpExchange, packet: Buffer) {
    this.world.metrics.count('bytes_in', packet.length)
    try {
      // Requests do not wait for each other: the order of those that come at once is the client's affair.
      this.#packets.receive(exchange, packet, false)
    } catch (error) {
      this.world.log.error({ err: error }, 'a packet could not be handled')
      exchange.close('a packet could not be handled')
    }
  }

  remove(exchange: HttpExchange): void {
    this.#release(exchange)
    if (!this.#open.delete(exchange)) return
    this.#count.remove(exchange.remoteAddress)
  }

  #release(exchange: HttpExchange) {
    this.world.partials.release(exchange.partialBytes)
    exchange.partialBytes = 0
  }

  /** Answers requests that have waited long enough. */
  sweep(): void {
    if (this.#open.size === 0) return
    const nowMs = this.world.clock.monotonic()
    for (const exchange of [...this.#open]) if (exchange.deadlineMs <= nowMs) exchange.expire()
  }

  closeAll(): void {
    for (const exchange of [...this.#open]) exchange.close('the server stops')
  }

  #admits(address: string): boolean {
    const full = this.#count.full(address)
    if (full) this.world.metrics.count('connections_refused', 1, full)
    return !full
  }

  #add(exchange: HttpExchange) {
    this.#open.add(exchange)
    this.#count.add(exchange.remoteAddress)
  }
}
