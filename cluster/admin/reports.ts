/** What operators are told, by the command line and the dashboard. Sums only grow; whoever shows rates makes them. */
import type { LastError, NodeId, NodeRole, ResidentReport, ShardRun } from '../../runtime/index.js'
import type { NodeLoad } from '../membership/heartbeat.js'

/** What one node says of itself. */
export interface NodeReport {
  readonly node: NodeId
  readonly version: string
  readonly upMs: number
  /** The newest view of the register that it goes by; 0 for a node that has none. */
  readonly view: number
  readonly load: NodeLoad
  readonly sums: {
    /** API calls that were answered. */
    readonly calls: number
    readonly turns: number
    readonly commits: number
    readonly pushes: number
    /** Calls that were refused: overloaded, too late, not the owner. */
    readonly refusals: number
  }
  readonly sizes: {
    readonly connections: number
    readonly sessions: number
    /** Actors in memory. */
    readonly residents: number
    /** Calls that wait for their turn. */
    readonly queued: number
    /** Calls that wait for a shard without an owner. */
    readonly parked: number
    /** Bytes of updates that wait to be pushed. */
    readonly pendingPushBytes: number
  }
  /** Age of the oldest turn that runs or call that waits, milliseconds. */
  readonly oldestWaitMs: number
  /** How long calls waited for their turns since the start. */
  readonly waits: Waits
  /** How many of its shards are in each phase: open, waiting, draining, ... */
  readonly phases: Readonly<Record<string, number>>
  readonly kinds: readonly KindReport[]
  readonly hot: readonly HotActor[]
}

/** Counts by upper bound, not cumulative; the last is for what is above all bounds. */
export interface Waits {
  readonly boundsMs: readonly number[]
  readonly counts: readonly number[]
}

export interface KindReport {
  readonly kind: string
  readonly residents: number
  readonly queued: number
  readonly turns: number
}

/** An actor by what it did within the last seconds. */
export interface HotActor {
  readonly kind: string
  readonly key: string
  readonly turnsPerSecond: number
  /** The share of time in which one of its turns ran; 1 is all the time. */
  readonly busy: number
  /** Mean wait of its calls for their turn. */
  readonly waitMs: number
}

export interface ClusterReport {
  readonly cluster: string
  readonly atMs: number
  /** The node that was asked. */
  readonly self: NodeId
  readonly view: number
  readonly shardCount: number
  readonly nodes: readonly NodeStatus[]
}

/** A member as the node that was asked sees it. */
export interface NodeStatus {
  readonly node: NodeId
  readonly incarnation: string
  readonly address: string
  readonly roles: readonly NodeRole[]
  readonly weight: number
  readonly isDraining: boolean
  readonly isAlive: boolean
  /** By its own last word it has no lease: nothing that it does counts. */
  readonly isHalted: boolean
  /** Shards that it owns by the register. */
  readonly shards: number
  /** Shards that are to come to it, and to go. */
  readonly coming: number
  readonly going: number
  /** From its last heartbeat, when it does not report. */
  readonly load?: NodeLoad
  /** Undefined: it did not answer in time. */
  readonly report?: NodeReport
}

/** Who owns which shards. */
export interface ShardMap {
  readonly view: number
  readonly shardCount: number
  readonly shards: readonly ShardRun[]
}

/** Actors that did something within the last seconds, the busiest first. */
export interface ActorQuery {
  readonly kind: string
  readonly limit: number
}

/** An actor that is busy, and where. */
export interface ActorRow extends HotActor {
  readonly node: NodeId
}

/** What an actor's node has of it. */
export interface ActivationReport {
  /** Undefined: it is not in memory. */
  readonly resident?: ResidentReport
  /** The last one that this node remembers. */
  readonly lastError?: LastError
}

export interface ActorStatus {
  readonly kind: string
  readonly key: string
  readonly shard: number
  /** Undefined: nobody owns its shard now. */
  readonly owner: NodeId | undefined
  readonly epoch: number
  readonly next: NodeId | undefined
  /** Undefined: its node does not answer, or knows no such kind (an older version). */
  readonly activation: ActivationReport | undefined
  /** Its turns of late, newest last. */
  readonly turns: readonly TracedHop[]
}

/** A turn that ended. */
export interface TracedHop {
  readonly node: NodeId
  /** `kind/key`. */
  readonly actor: string
  readonly method: string
  readonly traceId: string
  /** When it ended, by the wall clock of its node, milliseconds since the Unix epoch. */
  readonly atMs: number
  readonly waitMs: number
  readonly runMs: number
  readonly failed: boolean
}
