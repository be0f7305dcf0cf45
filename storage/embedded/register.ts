import { ActorError, type NodeId, type Ownership } from '../../runtime/index.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { registerKey } from './keys.js'

/**
 * The register of a node that is alone (CORE O1): it owns every shard, under one epoch a start.
 *
 * 1. The epoch is the number of the start, durable before anything is opened: what a former process wrote has a smaller one.
 * 2. The number of shards never changes once data is stored, for it decides where an actor's rows are.
 */
export interface EmbeddedRegister extends Ownership {
  /** This start's epoch. */
  readonly epoch: number
  /** From here on nothing counts any more that this process does. */
  seal(): void
}

const key = registerKey('node')

export interface StoredRegister {
  readonly epoch: number
  readonly shardCount: number
}

/** What the last start has stored; undefined where there was none. Throws CORRUPT. */
export function storedRegister(kv: OrderedKv): StoredRegister | undefined {
  const stored = kv.get(key)
  return stored && parse(stored)
}

/** Takes the next epoch. Rejects with CORRUPT, and with STORE_UNAVAILABLE as the disk does. */
export async function openRegister(kv: OrderedKv, self: NodeId, shardCount: number): Promise<EmbeddedRegister> {
  const last = storedRegister(kv) ?? { epoch: 0, shardCount }
  if (last.shardCount !== shardCount) {
    throw new ActorError(
      'REFUSED',
      `The data directory has ${last.shardCount} shards and cannot have ${shardCount}. Start with ${last.shardCount}.`,
      { reason: 'SHARD_COUNT_CHANGED' },
    )
  }
  const next: StoredRegister = { epoch: last.epoch + 1, shardCount }
  await kv.write([{ key, value: Buffer.from(JSON.stringify(next)) }])
  return new SingleNodeRegister(self, next)
}

class SingleNodeRegister implements EmbeddedRegister {
  readonly self: NodeId
  readonly shardCount: number
  readonly epoch: number
  #isSealed = false

  constructor(self: NodeId, { epoch, shardCount }: StoredRegister) {
    this.self = self
    this.epoch = epoch
    this.shardCount = shardCount
  }

  seal(): void {
    this.#isSealed = true
  }

  ownerOf(shard: number): NodeId | undefined {
    return this.#has(shard) ? this.self : undefined
  }

  epochOf(shard: number): number | undefined {
    return this.#has(shard) ? this.epoch : undefined
  }

  holds(shard: number, epoch: number): boolean {
    return epoch === this.epoch && this.#has(shard)
  }

  newestEpochOf(): number {
    return this.epoch
  }

  #has(shard: number): boolean {
    return !this.#isSealed && shard >= 0 && shard < this.shardCount
  }
}

function parse(stored: Uint8Array): StoredRegister {
  try {
    const { epoch, shardCount } = JSON.parse(Buffer.from(stored).toString('utf8')) as Partial<StoredRegister>
    if (Number.isSafeInteger(epoch) && Number.isSafeInteger(shardCount))
      return { epoch: epoch!, shardCount: shardCount! }
  } catch {
    // Reported below, as for any other content that is not a register.
  }
  throw new ActorError(
    'CORRUPT',
    'The stored register of shards does not decode. Restore the data directory from a backup.',
  )
}
