import type { HttpResponse } from 'uWebSockets.js'
import type { Handshake } from './handshake.js'
import type { HttpExchanges } from './http-exchanges.js'
import { HttpLink } from './http-link.js'
import type { PacketLink } from './link.js'
import type { Peer } from './peer.js'
import type { MtprotoSession } from './session.js'

/** One request of MTProto over HTTP: brings a packet, and takes one when there is one. */
export class HttpExchange implements Peer {
  readonly remoteAddress: string
  handshake: Handshake | undefined = undefined
  session: MtprotoSession | undefined = undefined
  failures = 0
  link: HttpLink | undefined = undefined
  /** Nobody is known before a request is whole. */
  readonly authenticatedYet = false
  /** What has arrived of the body. */
  partialBytes = 0
  /** When it is answered in any case. */
  deadlineMs: number
  readonly #exchanges: HttpExchanges
  readonly #response: HttpResponse
  #over = false

  constructor(exchanges: HttpExchanges, response: HttpResponse, remoteAddress: string, deadlineMs: number) {
    this.#exchanges = exchanges
    this.#response = response
    this.remoteAddress = remoteAddress
    this.deadlineMs = deadlineMs
  }

  get over(): boolean {
    return this.#over
  }

  linkFor(session: MtprotoSession): PacketLink | undefined {
    const known = session.link instanceof HttpLink ? session.link : undefined
    const link = known ?? new HttpLink(this.#exchanges.world, session, this.remoteAddress)
    link.add(this)
    this.link = link
    return link
  }

  reply(packet: Buffer): void {
    this.#end('200 OK', packet)
  }

  replyError(code: number): void {
    const packet = Buffer.allocUnsafe(4)
    packet.writeInt32LE(-code)
    this.#end(code === 404 ? '404 Not Found' : '429 Too Many Requests', packet)
  }

  /** HTTP has none. */
  quickAck(): void {}

  authenticated(): void {}

  /** The next packet is another request's. */
  rest(): void {}

  close(_reason: string): void {
    this.#end('400 Bad Request', Buffer.alloc(0))
  }

  /** Answers with nothing: there was nothing to say in time. */
  expire(): void {
    if (this.link) this.link.sendNothing(this)
    else this.reply(Buffer.alloc(0))
  }

  /** The client is gone. */
  aborted(): void {
    this.#finish()
  }

  #end(status: string, body: Buffer) {
    if (this.#over) return
    this.#finish()
    const response = this.#response
    response.cork(() => {
      response.writeStatus(status)
      response.writeHeader('Content-Type', 'application/octet-stream')
      response.writeHeader('Access-Control-Allow-Origin', '*')
      response.end(body)
    })
  }

  #finish() {
    this.#over = true
    this.link?.remove(this)
    this.#exchanges.remove(this)
  }
}
