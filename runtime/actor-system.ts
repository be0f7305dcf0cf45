import type { SealedShard } from './bequests.js'
import type { ActorType, CallOptions, Ref } from './contract.js'
import type { Receiver } from './frames.js'
import { Host } from './host.js'
import { Inspection, type SystemInspection } from './inspection.js'
import type { ShardRange } from './journal-store.js'
import type { NodeId } from './ownership.js'
import { Shutdown } from './shutdown.js'
import type { Soon } from './soon.js'
import type { ActorSystem, ActorSystemOptions, SystemHealth } from './system.js'
import type { CallEnvelope, Frame } from './transport.js'

/**
 * Makes the actor system of this node. It answers calls at once; `start` adds the sweeps, so that what was committed and
 * not delivered, and what is due, is found without anybody calling.
 */
export function createActorSystem(options: ActorSystemOptions): ActorSystem {
  return new NodeSystem(new Host(options))
}

class NodeSystem implements ActorSystem, SystemHealth {
  readonly #host: Host
  readonly #shutdown: Shutdown
  readonly inspection: SystemInspection

  constructor(host: Host) {
    this.#host = host
    this.#shutdown = new Shutdown(host)
    this.inspection = new Inspection(host)
    host.residency.start()
    host.bequests.start()
  }

  get node(): NodeId {
    return this.#host.ownership.self
  }

  get health(): SystemHealth {
    return this
  }

  ref<Contract, Id>(type: ActorType<Contract, Id>, id: Id, options?: CallOptions): Ref<Contract> {
    return this.#host.reference(type, id, {
      deadlineMs: options?.deadlineMs,
      traceId: options?.traceId,
      chain: undefined,
      from: undefined,
      ifActive: options?.ifActive ?? false,
      origin: 'outside',
      isReceived: false,
    })
  }

  receive(sink: string, receiver: Receiver): void {
    this.#host.frames.receive(sink, receiver)
  }

  send(node: NodeId, sink: string, payload: unknown): void {
    this.#host.frames.send(node, sink, this.#host.carry(payload), undefined)
  }

  broadcast(sink: string, payload: unknown): void {
    this.#host.frames.broadcast(sink, this.#host.carry(payload), undefined)
  }

  handle(call: CallEnvelope): Soon<unknown> {
    return this.#host.dispatcher.receive(call)
  }

  deliver(from: NodeId, frame: Frame): void {
    this.#host.frames.deliver(from, frame)
  }

  start(): Promise<void> {
    return this.#host.sweeper.start()
  }

  release(shards: readonly ShardRange[], withinMs: number, released: (shard: number) => void): Promise<void> {
    return this.#host.releases.release(shards, withinMs, released)
  }

  residentsIn(shard: number): number {
    return this.#host.residency.countOf(shard)
  }

  sealed(shards: readonly SealedShard[], to: NodeId): void {
    this.#host.bequests.sealed(shards, to)
  }

  acquire(shards: readonly ShardRange[]): void {
    this.#host.bequests.open(shards)
    this.#host.sweeper.acquired(shards)
  }

  abandon(): void {
    this.#host.releases.abandon()
  }

  stop(): Promise<void> {
    return this.#shutdown.run()
  }

  oldestWaitMs(): number {
    const nowMs = this.#host.clock.monotonic()
    let oldestMs = nowMs
    for (const { running, work } of this.#host.busy) {
      const queued = work?.oldestArrivalMs() ?? nowMs
      const unreleased = work?.unreleased.peek()?.arrivedMs ?? nowMs
      oldestMs = Math.min(oldestMs, running?.startedMs ?? nowMs, queued, unreleased)
    }
    return nowMs - oldestMs
  }

  residents(): number {
    return this.#host.residency.count
  }
}
