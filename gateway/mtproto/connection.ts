import type { Connections } from './connections.js'
import type { Handshake } from './handshake.js'
import type { PacketLink } from './link.js'
import type { Peer } from './peer.js'
import type { MtprotoSession } from './session.js'
import { type PacketSink, StreamTransport } from './transport/stream.js'

const MIN_DISCONNECT_DELAY_MS = 1000

/**
 * A client's stream, whatever carries it: cuts packets out of what arrives, and writes packets.
 *
 * 1. Packets are handled in the order of arrival, also when the key of one has to be loaded first.
 * 2. A client that does not read is not read from, and closed when too much waits for it.
 * 3. After `close` nothing is handled or written any more, and the sessions know.
 */
export abstract class StreamConnection implements Peer, PacketLink, PacketSink {
  readonly remoteAddress: string
  readonly lossy = false
  handshake: Handshake | undefined = undefined
  failures = 0
  callsRunning = 0
  readonly #connections: Connections
  readonly #stream: StreamTransport
  readonly #openedMs: number
  #lastInMs: number
  #disconnectAtMs = Number.POSITIVE_INFINITY
  #isAuthenticated = false
  #closed = false
  /** Packets that wait for the auth key of the one before. */
  #waiting: { readonly packet: Buffer; readonly wantsQuickAck: boolean }[] | undefined = undefined
  /** Mostly there is one. */
  #sessions: MtprotoSession | MtprotoSession[] | undefined = undefined

  constructor(connections: Connections, remoteAddress: string) {
    const { world } = connections
    this.remoteAddress = remoteAddress
    this.#connections = connections
    this.#stream = new StreamTransport(world.limits.maxFrameBytes, world.partials)
    this.#openedMs = world.clock.monotonic()
    this.#lastInMs = this.#openedMs
  }

  /** For metrics. */
  abstract readonly kind: string
  /** Bytes that were written and have not left. */
  abstract readonly unsentBytes: number
  protected abstract write(bytes: Buffer): void
  /** Stops or restarts what arrives, where the carrier can. */
  protected abstract setReading(reading: boolean): void
  protected abstract closeCarrier(): void

  get writable(): boolean {
    return !this.#closed
  }

  get partialBytes(): number {
    return this.#stream.partialBytes
  }

  get authenticatedYet(): boolean {
    return this.#isAuthenticated
  }

  /** Bytes from the client. */
  received(bytes: Buffer): void {
    if (this.#closed) return
    const { world } = this.#connections
    this.#lastInMs = world.clock.monotonic()
    world.metrics.count('bytes_in', bytes.length)
    try {
      this.#stream.feed(bytes, this)
      if (world.partials.exhausted) this.#connections.shed()
    } catch (error) {
      if ((error as Error).name !== 'TransportError') world.log.error({ err: error }, 'a packet could not be handled')
      world.metrics.count('bad_packets')
      this.close((error as Error).message)
    }
  }

  onPacket(packet: Buffer, wantsQuickAck: boolean): boolean {
    if (this.#closed) return false
    if (this.#waiting) {
      if (this.#waiting.length < this.#connections.world.limits.maxWaitingPackets) {
        this.#waiting.push({ packet: Buffer.from(packet), wantsQuickAck })
      } else {
        this.close('too many packets wait')
      }
      return !this.#closed
    }
    const loading = this.#connections.packets.receive(this, packet, wantsQuickAck)
    if (loading) this.#waitFor(loading)
    return !this.#closed
  }

  linkFor(session: MtprotoSession): PacketLink | undefined {
    const known = this.#sessions
    if (known === undefined) this.#sessions = session
    else if (known !== session) return this.#addSession(known, session)
    return this
  }

  begin(packetBytes: number): Buffer {
    return this.#stream.begin(packetBytes, this.#connections.world.random)
  }

  payloadAt(packetBytes: number): number {
    return this.#stream.payloadAt(packetBytes)
  }

  send(frame: Buffer, packetBytes: number): void {
    this.#write(this.#stream.finish(frame, packetBytes, this.#connections.world.random))
  }

  reply(packet: Buffer): void {
    if (!this.#closed) this.#write(this.#stream.frame(packet, this.#connections.world.random))
  }

  replyError(code: number): void {
    if (this.#closed) return
    this.#write(this.#stream.error(code, this.#connections.world.random))
    // Its clients take four bare bytes for an error only at the end of the stream.
    if (this.#stream.name === 'full') this.close('transport error')
  }

  quickAck(token: number): void {
    const bytes = this.#closed ? undefined : this.#stream.quickAck(token)
    if (bytes) this.#write(bytes)
  }

  authenticated(): void {
    this.#isAuthenticated = true
  }

  disconnectAfter(delayMs: number): void {
    const delay = Math.max(delayMs, MIN_DISCONNECT_DELAY_MS)
    this.#disconnectAtMs = this.#connections.world.clock.monotonic() + delay
  }

  /** Why the connection has to be closed now, if it has. */
  overdue(nowMs: number): string | undefined {
    const { limits } = this.#connections.world
    if (nowMs >= this.#disconnectAtMs) return 'no ping'
    if (!this.#isAuthenticated && nowMs - this.#openedMs > limits.unauthenticatedIdleAfterMs) return 'not authenticated'
    return nowMs - this.#lastInMs > limits.idleAfterMs ? 'idle' : undefined
  }

  close(reason: string): void {
    if (this.#closed) return
    this.#connections.world.log.debug({ reason, address: this.remoteAddress }, 'connection closed')
    this.closeCarrier()
    this.gone()
  }

  /** The carrier has closed, by itself or by `close`. */
  gone(): void {
    if (this.#closed) return
    this.#closed = true
    this.#waiting = undefined
    this.#stream.release()
    this.#connections.remove(this)
    this.#connections.handshakes.abandon(this)
    const sessions = this.#sessions
    this.#sessions = undefined
    if (Array.isArray(sessions)) for (const session of sessions) session.detach(this)
    else sessions?.detach(this)
  }

  /** What waited for the client to read has left. */
  protected drained(): void {
    if (!this.#closed && !this.#waiting) this.setReading(true)
  }

  #addSession(known: MtprotoSession | MtprotoSession[], session: MtprotoSession): PacketLink | undefined {
    const list = (Array.isArray(known) ? known : [known]).filter((other) => !other.ended)
    if (!list.includes(session)) {
      if (list.length >= this.#connections.world.limits.sessionsPerConnection) return undefined
      list.push(session)
    }
    this.#sessions = list
    return this
  }

  #waitFor(loading: Promise<void>) {
    this.#waiting = []
    this.setReading(false)
    loading
      .then(() => this.#resume())
      .catch((error: unknown) => {
        this.#connections.world.log.error({ err: error }, 'a packet could not be handled')
        this.close('a packet could not be handled')
      })
  }

  #resume() {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (this.#closed || !waiting) return
    for (const [i, { packet, wantsQuickAck }] of waiting.entries()) {
      if (!this.onPacket(packet, wantsQuickAck)) return
      if (!this.#waiting) continue
      // Another key: the rest waits for it.
      ;(this.#waiting as unknown[]).push(...waiting.slice(i + 1))
      return
    }
    this.setReading(true)
  }

  #write(bytes: Buffer) {
    const { limits, metrics } = this.#connections.world
    metrics.count('bytes_out', bytes.length)
    this.write(bytes)
    const unsent = this.unsentBytes
    if (unsent <= limits.pauseReadingAtOutboundBytes) return
    if (unsent <= limits.maxOutboundBytes) {
      this.setReading(false)
      return
    }
    metrics.count('slow_readers_closed')
    this.close('the client does not read')
  }
}
