import type { NodeId } from './ownership.js'

/** A call as it travels between nodes; `args` and the answer have crossed the codec. */
export interface CallEnvelope {
  readonly kind: string
  readonly key: string
  readonly method: string
  readonly args: Uint8Array
  readonly deadlineMs: number
  readonly traceId: string
  /** Actors that wait for this call, outermost first, as `kind/key`. */
  readonly chain: readonly string[]
  readonly ifActive: boolean
}

/** A one-way message to a named sink of a node: pushes to gateways, cache invalidations. In order a pair of nodes, best effort. */
export interface Frame {
  readonly sink: string
  readonly payload: Uint8Array
}

/** Node-to-node transport. A system that is alone runs with none. */
export interface Transport {
  /** The encoded answer. Rejects with an ActorError: the callee's, or OUTCOME_UNKNOWN, or NOT_OWNER. */
  call(node: NodeId, call: CallEnvelope): Promise<Uint8Array>
  send(node: NodeId, frame: Frame): void
  /** To every node of the cluster, this one too. */
  broadcast(frame: Frame): void
}
