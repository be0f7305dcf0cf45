import type { NodeId } from './ownership.js'

/** The epoch under which an actor sent something, its shard, then the shards of those that wait for it, innermost first. */
export type SenderPath = readonly number[]

/** A call as it travels between nodes. */
export interface CallEnvelope {
  readonly kind: string
  readonly key: string
  readonly method: string
  readonly args: readonly unknown[]
  readonly deadlineMs: number
  /** Undefined: the caller has no trace; who runs the call begins one if it needs one. */
  readonly traceId: string | undefined
  /** Actors that wait for this call, outermost first, as `kind/key`. */
  readonly chain: readonly string[]
  readonly ifActive: boolean
  /** Undefined: no actor made the call. */
  readonly from?: SenderPath | undefined
}

/** A one-way message to a named sink of a node: pushes to gateways, cache invalidations. In order a pair of nodes, best effort. */
export interface Frame {
  readonly sink: string
  readonly payload: Uint8Array
  /** Undefined: no actor sent it. */
  readonly from?: SenderPath | undefined
}

/** Who waits for a call that has left. No promise: a node makes tens of thousands of such calls a second. */
export interface CallOutcome {
  answered(answer: unknown): void
  /** The callee's error, OUTCOME_UNKNOWN, NOT_OWNER, OVERLOADED, or INTERNAL for arguments that cannot be encoded. */
  failed(error: unknown): void
}

/** Node-to-node transport. A system that is alone runs with none. */
export interface Transport {
  /** Tells `outcome` once, later. Arguments and answer cross the runtime's codec on the way (`encode`). */
  call(node: NodeId, call: CallEnvelope, outcome: CallOutcome): void
  send(node: NodeId, frame: Frame): void
  /** To every node of the cluster, this one too. */
  broadcast(frame: Frame): void
}
