import type { Clock, NodeId, NodeIncarnation } from '../../runtime/index.js'
import type { Bus } from './bus.js'
import { type ClusterEvent, type ClusterEventKind, decodeEvent, encodeEvent } from './cluster-event.js'
import { subjectsOf } from './subjects.js'

export interface AnnouncementsOptions {
  readonly cluster: string
  readonly self: NodeIncarnation
  readonly bus: Bus
  readonly clock: Clock
  /** The newest view that this node has read. */
  readonly view: () => number
}

/** The last events that a node keeps for those who ask later. */
const mostKept = 500

/**
 * What happens in the cluster, said to every node. Nothing depends on being heard: who misses a view learns of it by a
 * heartbeat or a batch, or reads the register.
 */
export class Announcements {
  /** What was dropped at the door. */
  droppedMessages = 0
  readonly #options: AnnouncementsOptions
  readonly #subject: string
  readonly #kept: ClusterEvent[] = []
  readonly #listeners = new Set<(event: ClusterEvent) => void>()
  #subscription: { end(): void } | undefined
  #number = 0

  constructor(options: AnnouncementsOptions) {
    this.#options = options
    this.#subject = subjectsOf(options.cluster).events
  }

  start(): void {
    this.#subscription = this.#options.bus.subscribe(this.#subject, (payload) => this.#hear(payload))
  }

  stop(): void {
    this.#subscription?.end()
    this.#listeners.clear()
  }

  /** Says it to all nodes, this one too, at once. */
  say(kind: ClusterEventKind, text: string, about: { readonly node?: NodeId; readonly shards?: number } = {}): void {
    const { self, clock, view, bus } = this.#options
    const { node = '', shards = 0 } = about
    const { node: by, incarnation } = self
    const atMs = Math.round(clock.now())
    const event = { kind, by, incarnation, number: ++this.#number, atMs, view: view(), node, shards, text }
    this.#take(event)
    bus.publish(this.#subject, encodeEvent(event))
  }

  /** Told of every event, of this node and of others. Returns what ends that. */
  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The last events that this node has said or heard, oldest first. */
  recent(): readonly ClusterEvent[] {
    return [...this.#kept]
  }

  #hear(payload: Uint8Array): void {
    const event = decodeEvent(payload)
    if (event === undefined) this.droppedMessages++
    else if (event.by !== this.#options.self.node) this.#take(event)
  }

  #take(event: ClusterEvent): void {
    this.#kept.push(event)
    if (this.#kept.length > mostKept) this.#kept.shift()
    for (const listener of this.#listeners) listener(event)
  }
}
