import { listedBatches } from './listed-batches.js'
import { packedBatches } from './packed-batches.js'
import { PACKED_BATCHES } from './protocol-versions.js'
import type { Batch, Message } from './wire.js'

/** How the batches of one stream become bytes. */
export interface BatchCodec {
  /** Throws on a message that cannot be encoded. */
  encode(batch: Batch): Uint8Array
  /** Throws CORRUPT on bytes that no node sends; nothing of such a batch is taken. */
  decode<M extends Message>(bytes: Uint8Array): Batch<M>
}

/** What two nodes that speak this version send each other after their hellos (W3). */
export function batchCodecOf(version: number): BatchCodec {
  return version >= PACKED_BATCHES ? packedBatches : listedBatches
}
