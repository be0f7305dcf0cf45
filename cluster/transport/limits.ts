import type { CalledLimits } from './called-half.js'

export interface TransportLimits extends CalledLimits {
  /** From dialling to the other node's hello. */
  readonly connectMs: number
  /** How long calls that are under way at a node that has left may still take. */
  readonly retireMs: number
  /** After a stream ended, calls fail at once for this long before the node is dialled again. */
  readonly redialAfterMs: number
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  windowBytes: 8 * 1024 * 1024,
  batchBytes: 256 * 1024,
  waitingBytes: 32 * 1024 * 1024,
  waitingMessages: 100_000,
  callsUnderWay: 20_000,
  frameBytes: 32 * 1024 * 1024,
  connectMs: 2_000,
  redialAfterMs: 200,
  retireMs: 10_000,
}
