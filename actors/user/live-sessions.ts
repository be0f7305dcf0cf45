import type { NodeId } from '../../runtime/index.js'
import type { BoxChange } from './changes.js'
import type { LiveNews } from './contract.js'

export interface AttachRequest {
  readonly gateway: NodeId
  /** Hex auth keys of the sessions there. Those not authorized (any more) come back in `unauthorized`. */
  readonly authKeys: readonly string[]
  /** The last pts sent to these sessions; -1: nothing is to be replayed. */
  readonly lastPts: number
  /**
   * The ordinal of the last change sent that has no number and stands under `lastPts`; absent: changes without a number
   * that stand under `lastPts` itself are not replayed.
   */
  readonly lastOrdinal?: number
  /**
   * With `lastPts` -1: what this device (hex auth key) has not acknowledged is replayed, as far as that is known, if it
   * was at another gateway just now.
   */
  readonly replayFor?: string
  /** Hex ids of sessions that came here from elsewhere: other gateways that have them are told (MovedFrame). */
  readonly arrived?: readonly string[]
  readonly leaseMs: number
}

export interface AttachAnswer {
  readonly pts: number
  /** Of the last entry without a number under `pts`; 0: none. With it the gateway can ask for exactly what follows. */
  readonly ordinal?: number
  /** What follows lastPts; undefined when that is too much: the gateway tells the sessions to fetch the difference. */
  readonly following: readonly BoxChange[] | undefined
  readonly unauthorized: readonly string[]
}

/** What a user actor sends to the sink `moved` of other gateways: these sessions (hex ids) go on elsewhere. */
export interface MovedFrame {
  readonly user: number
  readonly sessions: readonly string[]
}

/** What a user actor sends to the sink `push` of each attached gateway. */
export interface PushFrame {
  readonly user: number
  /** The pts before the first change: the gateway sees a hole by it and re-attaches. */
  readonly afterPts: number
  /** Under `afterPts`, the ordinal of the change before the first: a hole of changes without a number shows by it alone. */
  readonly afterOrdinal?: number
  readonly changes: readonly BoxChange[]
  readonly news?: readonly LiveNews[]
}
