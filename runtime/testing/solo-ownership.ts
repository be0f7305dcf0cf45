import type { NodeId, Ownership } from '../ownership.js'

/** A node that owns every shard under one epoch, until a test says otherwise. */
export class SoloOwnership implements Ownership {
  readonly self: NodeId
  readonly shardCount: number
  epoch: number
  /** False: the lease is over. */
  isHeld = true
  /** Who owns a shard, when it is not this node. */
  elsewhere: (shard: number) => NodeId | undefined = () => undefined

  constructor(epoch = 1, self: NodeId = 'solo', shardCount = 16) {
    this.epoch = epoch
    this.self = self
    this.shardCount = shardCount
  }

  ownerOf(shard: number): NodeId | undefined {
    return this.elsewhere(shard) ?? this.self
  }

  epochOf(shard: number): number | undefined {
    return this.elsewhere(shard) === undefined ? this.epoch : undefined
  }

  holds(shard: number, epoch: number): boolean {
    return this.isHeld && epoch === this.epoch && this.elsewhere(shard) === undefined
  }

  newestEpochOf(): number {
    return this.epoch
  }
}
