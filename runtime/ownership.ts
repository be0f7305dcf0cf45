import { codeAt } from './code-at.js'
import type { ShardRange } from './journal-store.js'

export type NodeId = string

/**
 * What this node may own (CORE O1, O2). On one node the embedded register answers; in a cluster the register in the
 * linearizable store. Checks compare both clocks themselves; no timer decides.
 */
export interface Ownership {
  readonly self: NodeId
  readonly shardCount: number
  /** The node that owns the shard, as far as this node knows. */
  ownerOf(shard: number): NodeId | undefined
  /**
   * The epoch under which this node takes new calls for the shard; undefined when it does not own it, has not opened it
   * yet, or is about to give it up.
   */
  epochOf(shard: number): number | undefined
  /** True while what this node does for the shard under the epoch counts: checked at a turn's start and before each reply. */
  holds(shard: number, epoch: number): boolean
  /** The newest epoch that this node knows of, whoever owns the shard: what carries an older one is dropped. */
  newestEpochOf(shard: number): number
  /** Told after `ownerOf` or `epochOf` has changed for these shards. One that never changes tells nobody. */
  onChange?(listener: (shards: readonly ShardRange[]) => void): void
}

/** The shard of an actor: FNV-1a over `kind/key`, folded to the number of shards. Never changes for stored data. */
export function shardOf(kind: string, key: string, shardCount: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < kind.length; i++) hash = Math.imul(hash ^ codeAt(kind, i), 0x01000193)
  hash = Math.imul(hash ^ 0x2f, 0x01000193)
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ codeAt(key, i), 0x01000193)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x7feb352d)
  hash ^= hash >>> 15
  return (hash >>> 0) % shardCount
}

/** The fixed number of shards of a deployment (DESIGN, "One register decides everything"). */
export const DEFAULT_SHARD_COUNT = 4096
