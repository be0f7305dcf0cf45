import type { Clock, NodeId, NodeIncarnation, Timer } from '../../runtime/index.js'
import type { Bus } from './bus.js'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat, type NodeLoad } from './heartbeat.js'
import { subjectsOf } from './subjects.js'

export interface HeartbeatsOptions {
  readonly cluster: string
  /** Asked for its incarnation each time: a node that joins again has a new one. */
  readonly self: NodeIncarnation
  readonly bus: Bus
  readonly clock: Clock
  readonly everyMs: number
  /** The newest view that this node has read. */
  readonly view: () => number
  readonly load: () => NodeLoad
  /** This node has no lease at the moment. */
  readonly isHalted: () => boolean
}

/** Kept of nodes that have left as well, until there are too many. */
const mostNodes = 1_000

/**
 * Sends this node's heartbeats and hears the others'.
 *
 * 1. A heartbeat that cannot leave is dropped.
 * 2. What is no heartbeat, is not of the node whose subject it came on, or is older than one that was heard before, is
 *    dropped and counted.
 */
export class Heartbeats {
  /** What was dropped at the door. */
  droppedMessages = 0
  readonly #options: HeartbeatsOptions
  readonly #subjects: ReturnType<typeof subjectsOf>
  readonly #last = new Map<NodeId, Heartbeat>()
  readonly #listeners: ((heartbeat: Heartbeat) => void)[] = []
  readonly #subscriptions: { end(): void }[] = []
  #sequence = 0
  #timer: Timer | undefined

  constructor(options: HeartbeatsOptions) {
    this.#options = options
    this.#subjects = subjectsOf(options.cluster)
  }

  start(): void {
    const { bus, self } = this.#options
    this.#subscriptions.push(
      bus.subscribe(this.#subjects.everyHeartbeat, (payload, subject) => this.#hear(payload, subject)),
      bus.answer(this.#subjects.node(self.node), () => new TextEncoder().encode(self.incarnation)),
    )
    this.#beat()
  }

  stop(): void {
    this.#timer?.cancel()
    for (const subscription of this.#subscriptions.splice(0)) subscription.end()
  }

  /** Told of each heartbeat of another node. */
  onHeartbeat(listener: (heartbeat: Heartbeat) => void): void {
    this.#listeners.push(listener)
  }

  /** The last heartbeat of another node, however old. */
  lastOf(node: NodeId): Heartbeat | undefined {
    return this.#last.get(node)
  }

  /** Whether the bus knows that this incarnation does not listen to it any more. */
  async isGone({ node, incarnation }: NodeIncarnation, withinMs: number): Promise<boolean> {
    const reply = await this.#options.bus.request(this.#subjects.node(node), new Uint8Array(), withinMs)
    if (reply.kind !== 'answer') return reply.kind === 'nobody'
    return reply.payload.length > 0 && new TextDecoder().decode(reply.payload) !== incarnation
  }

  #beat(): void {
    const { bus, self, view, load, isHalted, clock, everyMs } = this.#options
    const { node, incarnation } = self
    const now = { view: view(), load: load(), isHalted: isHalted() }
    const heartbeat = { node, incarnation, sequence: ++this.#sequence, ...now }
    bus.publish(this.#subjects.heartbeat(self.node), encodeHeartbeat(heartbeat))
    this.#timer = clock.setTimer(everyMs, () => this.#beat())
  }

  #hear(payload: Uint8Array, subject: string): void {
    const heartbeat = decodeHeartbeat(payload)
    if (heartbeat === undefined || subject !== this.#subjects.heartbeat(heartbeat.node) || this.#isOld(heartbeat)) {
      this.droppedMessages++
      return
    }
    if (heartbeat.node === this.#options.self.node) return
    this.#keep(heartbeat)
    for (const listener of this.#listeners) listener(heartbeat)
  }

  #isOld({ node, incarnation, sequence }: Heartbeat): boolean {
    const last = this.#last.get(node)
    return last?.incarnation === incarnation && sequence <= last.sequence
  }

  #keep(heartbeat: Heartbeat): void {
    // The one that has been silent longest is the first.
    this.#last.delete(heartbeat.node)
    this.#last.set(heartbeat.node, heartbeat)
    if (this.#last.size <= mostNodes) return
    for (const node of this.#last.keys()) {
      this.#last.delete(node)
      return
    }
  }
}
