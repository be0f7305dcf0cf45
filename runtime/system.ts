import type { ActorDefinition, ActorLimits, ActorLog } from './actor.js'
import type { SealedShard } from './bequests.js'
import type { Clock } from './clock.js'
import type { ActorType, CallOptions, Ref } from './contract.js'
import type { SystemInspection } from './inspection.js'
import type { AgendaStore, JournalStore, ShardRange } from './journal-store.js'
import type { HandoverMetrics, RuntimeMetrics } from './metrics.js'
import type { NodeId, Ownership } from './ownership.js'
import type { Random } from './random.js'
import type { Soon } from './soon.js'
import type { CallEnvelope, Frame, Transport } from './transport.js'

export interface ActorSystemOptions {
  // biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
  readonly actors: readonly ActorDefinition<any>[]
  readonly clock: Clock
  readonly random: Random
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  readonly ownership: Ownership
  /** None: this node is alone. */
  readonly transport?: Transport
  readonly metrics: RuntimeMetrics
  /** None: nobody looks. */
  readonly handovers?: HandoverMetrics
  readonly log: ActorLog
  /** Told of every turn that ended, with the trace of its call; for debugging. When absent it costs nothing. */
  readonly onTurn?: (turn: TracedTurn) => void
  readonly limits?: Partial<SystemLimits>
  /**
   * What a local call's arguments and answer go through.
   * `cross`: encoded and decoded (tests). `freeze`: deep-frozen (development). `pass`: as they are (production).
   */
  readonly localValues: 'cross' | 'freeze' | 'pass'
}

/** A turn that ended, as one line of a trace. */
export interface TracedTurn {
  /** `kind/key`. */
  readonly actor: string
  readonly method: string
  readonly traceId: string
  readonly waitMs: number
  readonly runMs: number
  readonly failed: boolean
}

export interface SystemLimits {
  /** Activations kept in memory; beyond it the least recently used that may go is passivated, busy ones stay. */
  readonly residentActors: number
  readonly callTimeoutMs: number
  /** Calls waiting or running on this node, in all; beyond it, and for one kind beyond three quarters of it, OVERLOADED. */
  readonly inFlightCalls: number
  /** Of those, calls and bytes of arguments that wait for shards without an owner, in all; beyond it OVERLOADED. */
  readonly parkedCalls: number
  readonly parkedBytes: number
  readonly sweepEveryMs: number
  readonly actor: ActorLimits
}

export interface ActorSystem {
  readonly node: NodeId
  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>, options?: CallOptions): Ref<Contract>
  /** Frames for `sink` on this node; one receiver a sink. */
  receive(sink: string, receiver: (payload: unknown, from: NodeId) => void): void
  send(node: NodeId, sink: string, payload: unknown): void
  broadcast(sink: string, payload: unknown): void
  /** The callee's side of Transport.call. Rejects with an ActorError; NOT_OWNER when the shard is not this node's. */
  handle(call: CallEnvelope): Soon<unknown>
  /** The receiver's side of Transport.send and broadcast. Throws CORRUPT on a payload that does not decode. */
  deliver(from: NodeId, frame: Frame): void
  /** Sweeps undelivered rows and due reminders; resolves when the first sweep has found its actors. */
  start(): Promise<void>
  /**
   * These shards are about to change hands: `Ownership.epochOf` says undefined of them already, and `holds` is still true
   * under the epoch that is given up. Calls that have not started are parked; what somebody waits for ends; what nobody
   * waits for is dropped, and found again by the next owner. `released` hears once of each shard of which nothing is in
   * memory or under way any more, as soon as that is so; it must be given away without waiting for the others, since those
   * may wait for calls to it. What has not ended `withinMs` is given up, its callers are told OUTCOME_UNKNOWN. Resolves when
   * of every shard `released` was told, or Ownership has opened it again (`onChange`): such a one was called off.
   */
  release(shards: readonly ShardRange[], withinMs: number, released: (shard: number) => void): Promise<void>
  /**
   * The register has taken the seal of these shards, which were released under these epochs, and `to` is their next owner: it
   * is sent what this node had of their actors in memory.
   */
  sealed(shards: readonly SealedShard[], to: NodeId): void
  /** How many actors of the shard are in memory. */
  residentsIn(shard: number): number
  /** This node has just opened these: their undelivered rows and due reminders are looked for in the background. */
  acquire(shards: readonly ShardRange[]): void
  /**
   * The lease was revoked, and Ownership says so: every activation is over at once, nothing is acknowledged any more. The
   * system goes on living, and takes up what it is given under new epochs.
   */
  abandon(): void
  /** Refuses new calls, lets turns and commits end, checkpoints, closes journals. */
  stop(): Promise<void>
  readonly health: SystemHealth
  readonly inspection: SystemInspection
}

/** Health that knows whether turns make progress. */
export interface SystemHealth {
  /** Age of the oldest turn that runs or call that waits, in milliseconds; 0 when idle. */
  oldestWaitMs(): number
  residents(): number
}
