/**
 * Calls and frames between the nodes of a cluster (runtime's Transport), and the cluster's own questions beside them.
 *
 * T1. From one node to another all calls and frames of a lane travel on one ordered stream.
 * T2. The control lane is a connection of its own: a probe or a seal never waits behind data.
 * T3. Two nodes talk only if they are of one cluster and share a protocol version; otherwise the stream is refused with
 *     the reason, and calls fail with it. Who is dialled says hello even then, so that both know why.
 */
import type {
  ActorLog,
  ActorSystem,
  CallEnvelope,
  CallOutcome,
  Clock,
  Frame,
  NodeId,
  Transport,
} from '../../runtime/index.js'
import { ActorError } from '../../runtime/index.js'
import { CalledHalf, type NodeService } from './called-half.js'
import type { Traffic } from './calling-half.js'
import {
  grpcStreams,
  type Stream,
  type StreamEvents,
  type StreamLayer,
  type StreamListener,
  type TlsKeys,
} from './grpc-streams.js'
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './limits.js'
import { Link } from './link.js'
import { PROTOCOL_VERSIONS } from './protocol-versions.js'
import { commonVersion, decodeHello, encodeHello, type Hello, type Lane, refusalOf } from './wire.js'

/** What the transport asks of its cluster. */
export interface Peers {
  /** `host:port` of a node, or undefined for one that is not known. Asked for when it is dialled. */
  addressOf(node: NodeId): string | undefined
  /** The others. */
  others(): Iterable<NodeId>
  /** The newest view that this node has read. */
  view(): number
  /** Another node knows this view. */
  saw(view: number): void
  /** Reads the register until the view is at least this one. Rejects when it cannot be read. */
  refresh(view: number): Promise<void>
  /** A stream to this node ended, or could not be opened, for whatever reason. */
  lost?(node: NodeId): void
}

/** The answer to a question of another node. Rejects with an ActorError. */
export type Answerer = (payload: Uint8Array, from: NodeId, leftMs: number) => Promise<Uint8Array>

export interface NodeTransportOptions {
  readonly cluster: string
  readonly self: NodeId
  readonly incarnation: string
  readonly peers: Peers
  readonly clock: Clock
  readonly log: ActorLog
  /** Runs once this turn of the event loop is over: what is put in until then leaves in one batch. */
  readonly atTickEnd: (run: () => void) => void
  readonly tls?: TlsKeys
  /** What carries the bytes. Default: gRPC. */
  readonly streams?: StreamLayer
  readonly limits?: Partial<TransportLimits>
  /** The versions that this build speaks; tests of rolling upgrades say others. */
  readonly versions?: Pick<Hello, 'oldest' | 'newest'>
  /** The program's version, for people on other nodes. */
  readonly program?: string
}

export class NodeTransport implements Transport {
  readonly #options: NodeTransportOptions
  readonly #limits: TransportLimits
  readonly #layer: StreamLayer
  readonly #links: Readonly<Record<Lane, Map<NodeId, Link>>> = { control: new Map(), data: new Map() }
  readonly #answerers = new Map<string, Answerer>()
  readonly #streams = new Set<Stream>()
  #system: Pick<ActorSystem, 'handle' | 'deliver'> | undefined
  #listener: StreamListener | undefined
  /** Frames that were dropped because too much waited, or their node could not be reached. */
  droppedFrames = 0
  readonly traffic: Traffic = { calls: 0, timed: 0, thereMs: 0, betweenMs: 0 }

  constructor(options: NodeTransportOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits }
    this.#layer = options.streams ?? grpcStreams
  }

  /** Where calls and frames of other nodes go. */
  serve(system: Pick<ActorSystem, 'handle' | 'deliver'>): void {
    this.#system = system
  }

  /** One answerer a topic. */
  answer(topic: string, answerer: Answerer): void {
    this.#answerers.set(topic, answerer)
  }

  /** Takes other nodes' streams from now on; returns the port. */
  async listen(host: string, port: number): Promise<number> {
    this.#listener = await this.#layer.listen({ host, port }, this.#streamOptions(), (stream) => this.#accept(stream))
    return this.#listener.port
  }

  call(node: NodeId, call: CallEnvelope, outcome: CallOutcome): void {
    this.#link(node, 'data').call(call, outcome)
  }

  /** Calls and frames for this node are to be expected. */
  reach(node: NodeId): void {
    this.#link(node, 'data').reach()
  }

  send(node: NodeId, frame: Frame): void {
    this.#link(node, 'data').send(frame)
  }

  broadcast(frame: Frame): void {
    this.#system?.deliver(this.#options.self, frame)
    for (const node of this.#options.peers.others()) this.send(node, frame)
  }

  /** A question on the control lane. Rejects with an ActorError. */
  ask(node: NodeId, topic: string, payload: Uint8Array, leftMs: number): Promise<Uint8Array> {
    return this.#link(node, 'control').ask(topic, payload, leftMs)
  }

  /** Streams to other nodes that are open, by the protocol version that is spoken on them. */
  streamsOf(version: number): number {
    let streams = 0
    for (const links of Object.values(this.#links)) {
      for (const link of links.values()) if (link.version === version) streams++
    }
    return streams
  }

  /**
   * Why this node and the one at this address would not talk (T3); undefined when they would, or when nobody says hello
   * there in time.
   */
  async refusalBy(address: string): Promise<string | undefined> {
    const hello = await this.#helloOf(address)
    return hello && refusalOf(this.#hello('control'), hello)
  }

  /** Whether this node answers at the address. */
  async reaches({ node, address }: { readonly node: NodeId; readonly address: string }): Promise<boolean> {
    return (await this.#helloOf(address))?.node === node
  }

  /** Who answers there; undefined: nobody does in time. */
  #helloOf(address: string): Promise<Hello | undefined> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      let isDone = false
      const done = (hello: Hello | undefined) => {
        if (isDone) return
        isDone = true
        late.cancel()
        resolve(hello)
        stream.end('it was only to be asked who it is')
      }
      const late = clock.setTimer(this.#limits.connectMs, () => done(undefined))
      const stream = this.#layer.dial(address, this.#streamOptions(), {
        message(bytes) {
          try {
            done(decodeHello(bytes))
          } catch {
            done(undefined)
          }
        },
        ended: () => done(undefined),
      })
      stream.write(encodeHello(this.#hello('control')))
    })
  }

  /** The node is dead or has begun anew: what is under way there ends now, its outcome unknown. */
  forget(node: NodeId): void {
    for (const links of Object.values(this.#links)) {
      links.get(node)?.close()
      links.delete(node)
    }
  }

  /** The node has left: what is under way there still ends. */
  retire(node: NodeId): void {
    for (const links of Object.values(this.#links)) {
      links.get(node)?.retire(this.#limits.retireMs)
      links.delete(node)
    }
  }

  /** Resolves once no other node has a stream to this one any more, or after `withinMs`. */
  async idle(withinMs: number): Promise<void> {
    const { clock } = this.#options
    const untilMs = clock.monotonic() + withinMs
    while (this.#streams.size > 0 && clock.monotonic() < untilMs) {
      await new Promise<void>((resolve) => {
        clock.setTimer(20, resolve)
      })
    }
  }

  async close(): Promise<void> {
    for (const links of Object.values(this.#links)) {
      for (const link of links.values()) link.close()
      links.clear()
    }
    for (const stream of [...this.#streams]) stream.end('this node is stopping')
    await this.#listener?.close()
  }

  #link(node: NodeId, lane: Lane): Link {
    const links = this.#links[lane]
    let link = links.get(node)
    if (link === undefined) {
      link = this.#newLink(node, lane)
      links.set(node, link)
    }
    return link
  }

  #newLink(node: NodeId, lane: Lane): Link {
    const { peers, clock, atTickEnd, log } = this.#options
    const port = {
      clock,
      atTickEnd,
      view: () => peers.view(),
      saw: (view: number) => peers.saw(view),
      ended: () => peers.lost?.(node),
      dropped: (frame: Frame) => {
        this.droppedFrames++
        log.debug({ node, sink: frame.sink }, 'a frame was dropped')
      },
      traffic: this.traffic,
      hello: this.#hello(lane),
      dial: (events: StreamEvents): Stream => {
        const address = peers.addressOf(node)
        return address === undefined ? nowhere(events) : this.#layer.dial(address, this.#streamOptions(), events)
      },
    }
    return new Link(node, port, this.#limits)
  }

  #accept(stream: Stream): StreamEvents {
    let half: CalledHalf | undefined
    this.#streams.add(stream)
    return {
      message: (bytes) => {
        try {
          if (half) half.received(bytes)
          else half = this.#greet(stream, decodeHello(bytes))
        } catch (error) {
          stream.end(error instanceof Error ? error.message : String(error))
        }
      },
      ended: () => {
        this.#streams.delete(stream)
        half?.end()
      },
    }
  }

  /** Throws the reason for which the stream is refused. */
  #greet(stream: Stream, theirs: Hello): CalledHalf {
    const mine = this.#hello(theirs.lane)
    stream.write(encodeHello(mine))
    const version = commonVersion(mine, theirs)
    const refusal = refusalOf(mine, theirs)
    if (version === undefined || refusal !== undefined) throw new Error(refusal)
    const { peers, clock, atTickEnd } = this.#options
    const port = {
      version,
      service: this.#serviceFor(theirs.node),
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      view: () => peers.view(),
      saw: (view: number) => peers.saw(view),
      refresh: (view: number) => peers.refresh(view),
      write: (batch: Uint8Array) => stream.write(batch),
      end: (why: string) => stream.end(why),
      atTickEnd,
    }
    return new CalledHalf(port, this.#limits)
  }

  #serviceFor(from: NodeId): NodeService {
    return {
      handle: (call) => (this.#system === undefined ? Promise.reject(notReady()) : this.#system.handle(call)),
      deliver: (frame) => {
        try {
          this.#system?.deliver(from, frame)
        } catch (error) {
          this.#options.log.warn({ from, sink: frame.sink, error }, 'a frame of another node does not decode')
        }
      },
      answer: (topic, payload, leftMs) => {
        const answerer = this.#answerers.get(topic)
        return answerer ? answerer(payload, from, leftMs) : Promise.reject(unknownTopic(topic))
      },
    }
  }

  #hello(lane: Lane): Hello {
    const { cluster, self, incarnation, program, versions = PROTOCOL_VERSIONS } = this.#options
    return { cluster, node: self, incarnation, lane, ...versions, ...(program !== undefined && { program }) }
  }

  #streamOptions() {
    return { tls: this.#options.tls, frameBytes: this.#limits.frameBytes }
  }
}

/** The stream to a node whose address nobody knows. */
function nowhere(events: StreamEvents): Stream {
  queueMicrotask(() => events.ended('its address is not known'))
  return { write: () => undefined, end: () => undefined }
}

function notReady(): ActorError {
  return new ActorError('STOPPED', 'this node takes no calls yet')
}

function unknownTopic(topic: string): ActorError {
  return new ActorError('INTERNAL', `this node knows no question ${topic}`)
}
