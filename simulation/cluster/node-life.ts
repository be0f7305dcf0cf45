import { actorDefinitions } from '../../actors/index.js'
import { ClusterNode, type ClusterOwnership, NodeTransport } from '../../cluster/index.js'
import {
  type ActorLog,
  type ActorSystem,
  createActorSystem,
  errorCode,
  type Ownership,
  type OwnershipRegister,
  shardOf,
} from '../../runtime/index.js'
import {
  cassandraStorageOn,
  type EmbeddedStorage,
  type SimulatedCassandra,
  SimulatedSession,
} from '../../storage/index.js'
import type { Bounds } from '../bounds.js'
import type { Dice } from '../dice.js'
import { Front } from '../front.js'
import type { Mutation } from '../mutation.js'
import { ProcessClock } from '../process-clock.js'
import { runtimeLimits, type Settings } from '../settings.js'
import type { VirtualTime } from '../virtual-time.js'
import type { ClusterSettings } from './cluster-settings.js'
import type { Machine } from './machine.js'
import type { VirtualNetwork } from './network.js'
import { recordsOf } from './records.js'
import type { VirtualBus } from './virtual-bus.js'

export interface NodeParts {
  readonly machine: Machine
  readonly time: VirtualTime
  readonly dice: Dice
  readonly ring: SimulatedCassandra
  readonly network: VirtualNetwork
  readonly bus: VirtualBus
  /** What all nodes share besides. */
  readonly records: EmbeddedStorage
  readonly settings: Settings & { readonly cluster: ClusterSettings }
  readonly bounds: Bounds
  readonly log: ActorLog
  readonly mutation: Mutation
}

const nobodysNames = { owner: () => Promise.resolve(undefined) }
const nobodyLogsIn = { deliver: () => Promise.reject(new Error('no code is asked for in a simulation')) }
const load = { cores: 1, weight: 1, cpu: 0, loopLagMs: 0, callsPerSecond: 0, residents: 0, connections: 0 }
const CLUSTER = 'simulated'
const never = new Promise<never>(() => undefined)

/**
 * One life of a node: the real runtime, actors, ownership, failure detector, coordinator, transport and Cassandra driver,
 * and the gateway before them.
 *
 * Nothing of it runs after `kill`: its timers do not fire, nobody answers it, and nobody listens to it.
 */
export class NodeLife {
  readonly name: string
  readonly clock: ProcessClock
  readonly session: SimulatedSession
  readonly cluster: ClusterNode
  /** What the runtime asks. */
  readonly believed: Ownership
  readonly system: ActorSystem
  readonly front: Front
  readonly bounds: Bounds
  /** It has joined, and takes clients. */
  isServing = false
  isLeaving = false
  readonly #parts: NodeParts

  constructor(parts: NodeParts) {
    const { machine, dice, ring, settings, bounds, mutation } = parts
    this.#parts = parts
    this.name = machine.name
    this.bounds = bounds
    this.clock = new ProcessClock(machine)
    this.session = new SimulatedSession(ring, (run) => machine.enter(run))
    const storage = cassandraStorageOn(mutation.session?.(this.session, this.clock) ?? this.session, {
      bucketBytes: settings.cluster.bucketBytes,
      bucketPts: 200,
    })
    this.cluster = this.#newCluster(mutation.register?.(storage.register) ?? storage.register)
    const { ownership } = this.cluster
    this.believed = mutation.ownership?.(ownership) ?? ownership
    this.system = this.#newSystem(this.believed, storage)
    this.front = new Front(this.system, this.clock, dice, settings, (run) => machine.enter(run))
    this.front.attachesAgain = mutation.neverAttachesAgain !== true
    this.system.receive('push', (frame) => this.front.receive(frame))
    for (const sink of ['profile', 'revoked']) this.system.receive(sink, () => undefined)
    ownership.onChange((shards) => {
      const isMoved = (shard: number) => shards.some(({ from, to }) => from <= shard && shard <= to)
      this.front.ownersChanged((user) => isMoved(shardOf('user', `${user}`, ownership.shardCount)))
    })
  }

  get isAlive(): boolean {
    return this.clock.isAlive
  }

  get ownership(): ClusterOwnership {
    return this.cluster.ownership
  }

  /** Becomes a member and takes clients. Rejects as the store does. */
  async start(): Promise<void> {
    const { mutation } = this.#parts
    const { system, name } = this
    await this.cluster.join(mutation.served?.(system) ?? system, { host: name, port: 0, advertised: name })
    this.isServing = true
    await system.start()
  }

  /** Gives its shards away and ends, as operators have a node restarted. False: it could not in time. */
  async leave(): Promise<boolean> {
    this.isLeaving = true
    this.isServing = false
    this.front.die()
    const isEmpty = await this.cluster.leave(10_000)
    await this.system.stop()
    await this.cluster.close()
    return isEmpty
  }

  kill(): void {
    const { network, machine, bus } = this.#parts
    this.clock.isAlive = false
    this.isServing = false
    this.session.kill()
    bus.die()
    this.front.die()
    network.died(this, machine)
  }

  /** What comes from outside, once this machine takes it in. */
  #heard<T>(answer: Promise<T>): Promise<T> {
    const { machine } = this.#parts
    return new Promise((resolve, reject) => {
      const settle = (run: () => void) => machine.enter(() => this.isAlive && run())
      answer.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      )
    })
  }

  async #reach<T>(ask: () => Promise<T>): Promise<T> {
    const { time, dice, settings } = this.#parts
    if (!this.isAlive) return never
    await time.pause(dice.within(0.1, settings.slowestHopMs + 1))
    return this.#heard(ask())
  }

  #newCluster(register: OwnershipRegister): ClusterNode {
    const { dice, settings, log, network, machine, bus } = this.#parts
    const { clock, name } = this
    return new ClusterNode({
      cluster: CLUSTER,
      self: { node: name, roles: ['actors', 'gateway'], weight: 1 },
      register,
      bus,
      clock,
      random: dice,
      log,
      load: () => load,
      transport: ({ node, incarnation }, peers) =>
        new NodeTransport({
          cluster: CLUSTER,
          self: node,
          incarnation,
          peers,
          clock,
          log,
          atTickEnd: (run) => queueMicrotask(run),
          streams: network.layerOf(this, machine),
        }),
      shardCount: settings.cluster.shardCount,
      ownership: { drainMs: 2_000 },
    })
  }

  #newSystem(ownership: Ownership, storage: ReturnType<typeof cassandraStorageOn>): ActorSystem {
    const { dice, settings, bounds, log, mutation, records } = this.#parts
    const { clock } = this
    const actors = actorDefinitions({
      chat: { clock, random: dice, limits: { appendItems: settings.appendItems, keptEntries: settings.keptEntries } },
      records: recordsOf(records, (ask) => this.#reach(ask)),
      loginCodes: { names: nobodysNames, delivery: nobodyLogsIn, random: dice, testNumbers: false },
    })
    const system = createActorSystem({
      actors: actors.map((actor) => mutation.actor?.(actor) ?? actor),
      clock,
      random: dice,
      journals: mutation.journals?.(storage.journals, clock) ?? storage.journals,
      agenda: mutation.agenda?.(storage.agenda) ?? storage.agenda,
      ownership,
      transport: this.cluster.transport,
      metrics: bounds,
      log,
      limits: runtimeLimits(settings),
      localValues: 'cross',
    })
    bounds.startsAnew(system)
    return system
  }
}

/** What a node is told that cannot join now: it ends, and is started again. */
export function isPassing(error: unknown): boolean {
  return errorCode(error) !== undefined
}
