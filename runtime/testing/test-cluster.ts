/**
 * Several nodes on one virtual clock and one store: a register of owners and epochs that each node learns of in its own
 * time, and a network that keeps the order of each pair of nodes. What is proven on it holds of the runtime only.
 */
import { createActorSystem } from '../actor-system.js'
import { decodeError, encodeError } from '../codec.js'
import { ActorError } from '../errors.js'
import type { ShardRange } from '../journal-store.js'
import type { HandoverMetrics } from '../metrics.js'
import type { NodeId, Ownership } from '../ownership.js'
import type { ActorSystem, ActorSystemOptions } from '../system.js'
import type { CallEnvelope, Frame, Transport } from '../transport.js'
import { MemoryStore } from './memory-store.js'
import { SeededRandom } from './seeded-random.js'
import { KeptLog, noMetrics } from './silence.js'
import { VirtualClock } from './virtual-clock.js'

const SHARDS = 16

interface Owned {
  readonly owner: NodeId | undefined
  readonly epoch: number
}

/** What one node knows of the register, and what it has open. */
class NodeOwnership implements Ownership {
  readonly self: NodeId
  readonly shardCount = SHARDS
  readonly open = new Set<number>()
  readonly draining = new Set<number>()
  readonly sealed = new Set<number>()
  view = 0
  hasLease = true
  #known: readonly Owned[] = []
  #listener: (shards: readonly ShardRange[]) => void = () => undefined

  constructor(self: NodeId) {
    this.self = self
  }

  onChange(listener: (shards: readonly ShardRange[]) => void): void {
    this.#listener = listener
  }

  ownerOf(shard: number): NodeId | undefined {
    return this.#known[shard]?.owner
  }

  epochOf(shard: number): number | undefined {
    return this.#has(shard) && !this.draining.has(shard) ? this.newestEpochOf(shard) : undefined
  }

  holds(shard: number, epoch: number): boolean {
    return this.hasLease && this.#has(shard) && !this.sealed.has(shard) && epoch === this.newestEpochOf(shard)
  }

  newestEpochOf(shard: number): number {
    return this.#known[shard]?.epoch ?? 0
  }

  changed(shards: readonly number[]): void {
    this.#listener(shards.map((shard) => ({ from: shard, to: shard })))
  }

  /** Returns the shards that became this node's. */
  learn(view: number, register: readonly Owned[]): number[] {
    if (view <= this.view) return []
    const before = this.#known
    this.view = view
    this.#known = [...register]
    const changed = register.flatMap((owned, shard) => (before[shard]?.epoch === owned.epoch ? [] : [shard]))
    for (const shard of changed) {
      this.open.delete(shard)
      this.draining.delete(shard)
      this.sealed.delete(shard)
    }
    return changed
  }

  #has(shard: number): boolean {
    return this.ownerOf(shard) === this.self && this.open.has(shard)
  }
}

class HandoverCounts implements HandoverMetrics {
  parkedNow = 0
  mostParked = 0
  releases = 0
  givenUp = 0
  overtakenFrames = 0

  parked(_kind: string, change: 1 | -1): void {
    this.parkedNow += change
    this.mostParked = Math.max(this.mostParked, this.parkedNow)
  }

  released(): void {
    this.releases++
  }

  gaveUp(): void {
    this.givenUp++
  }

  overtakenFrame(): void {
    this.overtakenFrames++
  }
}

export interface TestNode {
  readonly node: NodeId
  readonly system: ActorSystem
  readonly ownership: NodeOwnership
  readonly counts: HandoverCounts
  readonly log: KeptLog
}

export interface TestClusterOptions extends Partial<ActorSystemOptions> {
  /** One way through the network, and until a node has learned of a change. */
  readonly delayMs?: () => number
}

export class TestCluster {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore()
  readonly nodes = new Map<NodeId, TestNode>()
  /** Of calls that left a node: `from>to kind/key.method`. */
  readonly sent: string[] = []
  readonly frames: { readonly to: NodeId; readonly frame: Frame }[] = []
  /** A shard that has changed hands is opened by its owner as soon as it learns of it; false: when the test says so. */
  opensAtOnce = true
  /** What a node makes of a call before it arrives: `lost` is never answered. */
  fate: (from: NodeId, to: NodeId, call: CallEnvelope) => 'arrives' | 'lost' | ActorError = () => 'arrives'
  readonly #delayMs: () => number
  readonly #register: Owned[]
  readonly #arrivals = new Map<string, number>()
  #view = 1

  constructor(names: readonly NodeId[], actors: ActorSystemOptions['actors'], options: TestClusterOptions = {}) {
    const { delayMs = () => 1, ...given } = options
    this.#delayMs = delayMs
    this.#register = Array.from({ length: SHARDS }, (_, shard) => ({ owner: names[shard % names.length]!, epoch: 1 }))
    for (const node of names) {
      const ownership = new NodeOwnership(node)
      const counts = new HandoverCounts()
      const log = new KeptLog()
      const { clock, store } = this
      const system = createActorSystem({
        actors,
        clock,
        random: new SeededRandom(1),
        journals: store,
        agenda: store,
        ownership,
        transport: this.#transportOf(node),
        metrics: noMetrics,
        handovers: counts,
        log,
        localValues: 'cross',
        ...given,
      })
      const each: TestNode = { node, system, ownership, counts, log }
      this.nodes.set(node, each)
      this.#learn(each)
      for (let shard = 0; shard < SHARDS; shard++) ownership.open.add(shard)
    }
  }

  at(node: NodeId): TestNode {
    const found = this.nodes.get(node)
    if (found === undefined) throw new Error(`no node ${node}`)
    return found
  }

  ownerOf(shard: number): NodeId | undefined {
    return this.#register[shard]?.owner
  }

  epochOf(shard: number): number {
    return this.#register[shard]?.epoch ?? 0
  }

  /** A planned move: drain, seal, open. Resolves when all of the shards are drained. */
  async move(shards: readonly number[], to: NodeId, withinMs = 2_000): Promise<void> {
    const moves = [...this.nodes.values()].map(({ ownership, system }) => {
      const own = shards.filter((shard) => ownership.epochOf(shard) !== undefined && this.ownerOf(shard) !== to)
      if (own.length === 0) return Promise.resolve()
      for (const shard of own) ownership.draining.add(shard)
      ownership.changed(own)
      return system.release(
        own.map((shard) => ({ from: shard, to: shard })),
        withinMs,
        (shard) => this.seal(ownership.self, shard, to),
      )
    })
    await Promise.all(moves)
  }

  /** A move is called off: the shards are open again where they were. */
  callOff(node: NodeId, shards: readonly number[]): void {
    const { ownership } = this.at(node)
    for (const shard of shards) ownership.draining.delete(shard)
    ownership.changed(shards)
  }

  seal(node: NodeId, shard: number, to: NodeId): void {
    const { ownership, system } = this.at(node)
    const epoch = this.epochOf(shard)
    ownership.sealed.add(shard)
    this.give([shard], to)
    system.sealed([{ shard, epoch }], to)
  }

  /** The register is changed, whatever the owners do. */
  give(shards: readonly number[], to: NodeId | undefined): void {
    for (const shard of shards) this.#register[shard] = { owner: to, epoch: this.epochOf(shard) + 1 }
    this.#view++
    for (const each of this.nodes.values()) this.clock.setTimer(this.#delayMs(), () => this.#learn(each))
  }

  /** The owner of these opens them, as after a wait. */
  open(node: NodeId, shards: readonly number[]): void {
    const { ownership, system } = this.at(node)
    for (const shard of shards) ownership.open.add(shard)
    ownership.changed(shards)
    system.acquire(shards.map((shard) => ({ from: shard, to: shard })))
  }

  #learn({ node, ownership, system }: TestNode): void {
    const changed = ownership.learn(this.#view, this.#register)
    if (changed.length === 0) return
    const mine = changed.filter((shard) => ownership.ownerOf(shard) === node)
    if (this.opensAtOnce) for (const shard of mine) ownership.open.add(shard)
    ownership.changed(changed)
    if (this.opensAtOnce) system.acquire(mine.map((shard) => ({ from: shard, to: shard })))
  }

  #transportOf(from: NodeId): Transport {
    return {
      call: (to, call, outcome) =>
        void this.#call(from, to, call).then(
          (answer) => outcome.answered(answer),
          (error) => outcome.failed(error),
        ),
      send: (to, frame) => this.#send(from, to, frame),
      broadcast: (frame) => {
        for (const to of this.nodes.keys()) this.#send(from, to, frame)
      },
    }
  }

  async #call(from: NodeId, to: NodeId, call: CallEnvelope): Promise<unknown> {
    this.sent.push(`${from}>${to} ${call.kind}/${call.key}.${call.method}`)
    const fate = this.fate(from, to, call)
    if (fate === 'lost') return new Promise(() => undefined)
    const { view } = this.at(from).ownership
    const carried = structuredClone(call)
    await this.#travel(from, to)
    if (fate instanceof ActorError) throw fate
    const callee = this.at(to)
    if (callee.ownership.view < view) this.#learn(callee)
    try {
      const answer = await callee.system.handle(carried)
      await this.#travel(to, from)
      return answer
    } catch (error) {
      await this.#travel(to, from)
      throw decodeError(encodeError(error))
    }
  }

  #send(from: NodeId, to: NodeId, frame: Frame): void {
    this.frames.push({ to, frame })
    const carried = structuredClone(frame)
    void this.#travel(from, to).then(() => this.at(to).system.deliver(from, carried))
  }

  /** Nothing overtakes on the way from one node to another. */
  #travel(from: NodeId, to: NodeId): Promise<void> {
    const way = `${from}>${to}`
    const nowMs = this.clock.monotonic()
    const arrivesMs = Math.max(nowMs + this.#delayMs(), this.#arrivals.get(way) ?? 0)
    this.#arrivals.set(way, arrivesMs)
    return new Promise((resolve) => {
      this.clock.setTimer(arrivesMs - nowMs, resolve)
    })
  }
}
