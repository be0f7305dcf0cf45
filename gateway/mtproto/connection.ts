import type { Timer } from '../../runtime/index.js'
import type { Connections } from './connections.js'
import type { Handshake } from './handshake.js'
import type { PacketLink } from './link.js'
import type { Peer } from './peer.js'
import type { MtprotoSession } from './session.js'
import { type PacketSink, StreamTransport } from './transport/stream.js'

const MIN_DISCONNECT_DELAY_MS = 1000
/** After so many packets that came at once others get their turn. */
const PACKETS_PER_SLICE = 64
/** A socket that holds less is not looked at: most empty themselves before the next write. */
const UNSENT_COUNTED_FROM_BYTES = 64 * 1024

/**
 * A client's stream, whatever carries it: cuts packets out of what arrives, and writes packets.
 *
 * 1. Packets are handled in the order of arrival, also when the key of one has to be loaded first.
 * 2. A client that does not read, or that asks for more work than its share, is not read from; it is closed when too
 *    much waits for it, or when it sends on where reading cannot be stopped.
 * 3. After `close` nothing is handled or written any more, and the sessions know.
 */
export abstract class StreamConnection implements Peer, PacketLink, PacketSink {
  readonly remoteAddress: string
  readonly lossy = false
  handshake: Handshake | undefined = undefined
  session: MtprotoSession | undefined = undefined
  failures = 0
  callsRunning = 0
  readonly #connections: Connections
  readonly #stream: StreamTransport
  readonly #openedMs: number
  #lastInMs: number
  #disconnectAtMs = Number.POSITIVE_INFINITY
  #isAuthenticated = false
  #closed = false
  /** Why no packets are taken just now. */
  #busy = false
  #packetsInSlice = 0
  #unread = false
  /** What of the unsent bytes is counted for its address. */
  #countedBytes = 0
  #rest: Timer | undefined = undefined
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
    if (this.#paused) this.#hold(bytes)
    else this.#handle(() => this.#stream.feed(bytes, this))
    if (world.partials.exhausted) this.#connections.shed()
  }

  onPacket(packet: Buffer, wantsQuickAck: boolean): boolean {
    const under = this.#connections.packets.receive(this, packet, wantsQuickAck)
    if (under) this.#waitFor(under)
    else if (++this.#packetsInSlice >= PACKETS_PER_SLICE) this.#waitFor(this.#connections.world.othersFirst())
    return !this.#closed && !this.#paused
  }

  rest(delayMs: number): void {
    if (this.#closed) return
    this.#rest?.cancel()
    this.#rest = this.#connections.world.clock.setTimer(delayMs, () => {
      this.#rest = undefined
      this.#resume()
    })
    this.setReading(false)
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
    this.#rest?.cancel()
    this.#stream.end()
    this.#connections.countUnsent(this, -this.#countedBytes)
    this.#connections.remove(this)
    this.#connections.handshakes.abandon(this)
    const sessions = this.#sessions
    this.#sessions = undefined
    this.session = undefined
    if (Array.isArray(sessions)) for (const session of sessions) session.detach(this)
    else sessions?.detach(this)
  }

  /** What waited for the client to read has left. */
  protected drained(): void {
    this.#count()
    this.#unread = false
    this.#resume()
  }

  get #paused(): boolean {
    return this.#busy || this.#unread || this.#rest !== undefined
  }

  #handle(work: () => void) {
    const { world } = this.#connections
    this.#packetsInSlice = 0
    try {
      work()
    } catch (error) {
      const isFraming = (error as Error).name === 'TransportError'
      if (!isFraming) world.log.error({ err: error }, 'a packet could not be handled')
      world.metrics.count('bad_packets', 1, isFraming ? 'framing' : 'failed')
      this.close((error as Error).message)
    }
  }

  #hold(bytes: Buffer) {
    this.#stream.hold(bytes)
    if (this.#stream.partialBytes > this.#connections.world.limits.maxUnreadBytes) this.close('sends more than is read')
  }

  #resume() {
    if (this.#closed || this.#paused) return
    this.#handle(() => this.#stream.resume(this))
    if (!this.#closed && !this.#paused) this.setReading(true)
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

  #waitFor(under: Promise<void>) {
    this.#busy = true
    this.setReading(false)
    under
      .catch((error: unknown) => {
        this.#connections.world.log.error({ err: error }, 'a packet could not be handled')
        this.close('a packet could not be handled')
      })
      .finally(() => {
        this.#busy = false
        this.#resume()
      })
  }

  #write(bytes: Buffer) {
    const { limits, metrics } = this.#connections.world
    metrics.count('bytes_out', bytes.length)
    this.write(bytes)
    const unsent = this.unsentBytes
    const isWithinShare = this.#count()
    if (unsent <= limits.pauseReadingAtOutboundBytes && isWithinShare) return
    if (unsent <= limits.maxOutboundBytes && isWithinShare) {
      this.#unread = true
      this.setReading(false)
      return
    }
    metrics.count('slow_readers_closed')
    this.close('the client does not read')
  }

  /** Counts what waits to be sent for the address. False if that has too much. */
  #count(): boolean {
    const unsent = this.#closed ? 0 : this.unsentBytes
    const counted = unsent < UNSENT_COUNTED_FROM_BYTES ? 0 : unsent
    const added = counted - this.#countedBytes
    this.#countedBytes = counted
    return added === 0 || this.#connections.countUnsent(this, added)
  }
}
