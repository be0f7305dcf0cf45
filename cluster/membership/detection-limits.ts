import { type LeaseLimits, waitAfterRevocationMs } from '../ownership/node-lease.js'

/** All times are measured on the clock of the node that waits. */
export interface DetectionLimits {
  readonly heartbeatEveryMs: number
  /** How often the silent are looked for. */
  readonly lookEveryMs: number
  /** After this silence the bus is asked whether the node still listens to it. */
  readonly pingAfterMs: number
  readonly pingMs: number
  /** After this silence, or when the bus says that the node is gone, it is probed directly. */
  readonly doubtAfterMs: number
  /** Nobody is suspected of less silence, except when the bus says that he is gone. */
  readonly silenceMs: number
  /** Whose lease has been over for so long, as this node has heard, is asked once more and then suspected. */
  readonly haltMs: number
  /** A node that has had its own lease for less holds nobody's against him: after an outage of the store nodes come back
   * one after the other. */
  readonly steadyMs: number
  /** What a probe may take, all its tries together. */
  readonly probeMs: number
  readonly probeTries: number
  readonly probeAgainAfterMs: number
  /** What a witness may take to answer: its own probe and the way to it. */
  readonly witnessMs: number
  /** So many others are asked for one that is silent. */
  readonly mostWitnesses: number
  /** Of so many silent ones at once; the others wait for their turn. */
  readonly mostAtOnce: number
  /** Between two examinations of one that is silent. */
  readonly restMs: number
  /** This node's event loop may come so much too late, and its wall clock part so far from the monotonic one, before this
   * node starts to listen anew instead of blaming the others. */
  readonly mostOwnPauseMs: number
  /** What the store may take for one question; it is the bound of nothing but the sum that `checkRecoveryTime` asserts. */
  readonly storeMs: number
  /** From the end of the wait until the shards' actors answer; in that sum too. */
  readonly recoveryMs: number
}

export const defaultDetectionLimits: DetectionLimits = {
  heartbeatEveryMs: 250,
  lookEveryMs: 50,
  pingAfterMs: 350,
  pingMs: 300,
  doubtAfterMs: 500,
  silenceMs: 1_000,
  haltMs: 350,
  steadyMs: 4_000,
  probeMs: 400,
  probeTries: 3,
  probeAgainAfterMs: 100,
  witnessMs: 600,
  mostWitnesses: 4,
  mostAtOnce: 32,
  restMs: 500,
  mostOwnPauseMs: 250,
  storeMs: 100,
  recoveryMs: 600,
}

/** Within this a dead node's actors answer again (CORE O4, DESIGN "Figures to reach"). */
const mostCrashMs = 5_000

/** From a node's last sign of life until it is suspected, when a third node is a witness. */
export function suspicionMs(limits: DetectionLimits): number {
  const { doubtAfterMs, lookEveryMs, probeMs, witnessMs, silenceMs } = limits
  return Math.max(silenceMs, doubtAfterMs + lookEveryMs + probeMs + witnessMs)
}

/** The same, when the lease has to stand in for a witness: it is first read when the own probe has failed. */
export function suspicionByLeaseMs(limits: DetectionLimits, leaseMs: number): number {
  const { doubtAfterMs, lookEveryMs, probeMs, silenceMs, storeMs } = limits
  return Math.max(silenceMs, doubtAfterMs + lookEveryMs + probeMs + storeMs + leaseMs + storeMs)
}

/** From the last renewal of a node that is cut off from the store alone, until it is suspected by one that is not. */
export function suspicionByHaltMs(limits: DetectionLimits, leaseMs: number): number {
  const { heartbeatEveryMs, haltMs, lookEveryMs, probeMs, storeMs } = limits
  return leaseMs + heartbeatEveryMs + haltMs + lookEveryMs + probeMs + storeMs
}

/** Throws TypeError, with the relation that does not hold. */
export function checkDetectionLimits(limits: DetectionLimits): void {
  const refuse = (cure: string): never => {
    throw new TypeError(`detection limits ${JSON.stringify(limits)}: ${cure}`)
  }
  for (const [name, value] of Object.entries(limits)) if (!(value > 0)) refuse(`${name} is above 0`)
  const { heartbeatEveryMs, lookEveryMs, pingAfterMs, doubtAfterMs, silenceMs, mostOwnPauseMs } = limits
  if (pingAfterMs <= heartbeatEveryMs) refuse('pingAfterMs is above heartbeatEveryMs')
  if (doubtAfterMs < 2 * heartbeatEveryMs) refuse('doubtAfterMs is at least 2 * heartbeatEveryMs')
  if (silenceMs < 4 * heartbeatEveryMs) refuse('silenceMs is at least 4 * heartbeatEveryMs')
  if (doubtAfterMs > silenceMs) refuse('doubtAfterMs is at most silenceMs')
  if (lookEveryMs + mostOwnPauseMs >= doubtAfterMs) refuse('lookEveryMs + mostOwnPauseMs is below doubtAfterMs')
  if (limits.probeTries * limits.probeAgainAfterMs > limits.probeMs) {
    refuse('probeTries * probeAgainAfterMs is at most probeMs')
  }
  if (limits.witnessMs <= limits.probeMs) refuse('witnessMs is above probeMs, which it contains')
}

/** CORE O4: suspicion, revocation, the lease's wait and recovery together. Throws TypeError. */
export function checkRecoveryTime(detection: DetectionLimits, lease: LeaseLimits): void {
  const { lengthMs } = lease
  const suspectedMs = Math.max(
    suspicionMs(detection),
    suspicionByLeaseMs(detection, lengthMs),
    suspicionByHaltMs(detection, lengthMs),
  )
  const revokedMs = 2 * detection.storeMs
  const waitedMs = waitAfterRevocationMs(lengthMs, lease)
  const sumMs = suspectedMs + revokedMs + waitedMs + detection.recoveryMs
  if (sumMs <= mostCrashMs) return
  throw new TypeError(
    `after a crash ${sumMs} ms pass until actors answer again, more than ${mostCrashMs}: suspicion ${suspectedMs}, ` +
      `revocation ${revokedMs}, the wait for its lease ${waitedMs}, recovery ${detection.recoveryMs}. Shorten the lease.`,
  )
}
