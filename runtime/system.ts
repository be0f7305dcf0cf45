import type { ActorDefinition, ActorLimits, ActorLog } from './actor.js'
import type { Clock } from './clock.js'
import type { ActorType, CallOptions, Ref } from './contract.js'
import type { AgendaStore, JournalStore } from './journal-store.js'
import type { RuntimeMetrics } from './metrics.js'
import type { NodeId, Ownership } from './ownership.js'
import type { Random } from './random.js'
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
  /** Calls waiting or running on this node, in all; beyond it OVERLOADED. */
  readonly inFlightCalls: number
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
  handle(call: CallEnvelope): Promise<unknown>
  /** The receiver's side of Transport.send and broadcast. Throws CORRUPT on a payload that does not decode. */
  deliver(from: NodeId, frame: Frame): void
  /** Sweeps undelivered rows and due reminders; resolves when the first sweep has found its actors. */
  start(): Promise<void>
  /** Refuses new calls, lets turns and commits end, checkpoints, closes journals. */
  stop(): Promise<void>
  readonly health: SystemHealth
}

/** Health that knows whether turns make progress. */
export interface SystemHealth {
  /** Age of the oldest turn that runs or call that waits, in milliseconds; 0 when idle. */
  oldestWaitMs(): number
  residents(): number
}
