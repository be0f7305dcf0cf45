import type { SystemLimits } from '../runtime/index.js'
import type { ClusterSettings } from './cluster/cluster-settings.js'
import type { Dice } from './dice.js'

/** One world's size, limits and troubles; drawn from its seed, so that seeds differ in more than their luck. */
export interface Settings {
  readonly users: number
  readonly devicesPerUser: number
  readonly groups: number
  readonly actionsPerDevice: number
  readonly longestThoughtMs: number
  /** The gateway lives and dies with the node, as in one process; otherwise it outlives it, as in a cluster. */
  readonly gatewayDiesWithNode: boolean
  /** Calls are let in before the first sweep has ended. */
  readonly servesBeforeSweep: boolean
  readonly crashes: number
  /** Events between crashes, at most. */
  readonly eventsBetweenCrashes: number
  /** A last crash soon after the last answer, with nobody calling any chat afterwards. */
  readonly crashesAtEnd: boolean
  readonly diskTroubles: boolean
  /** The wall clock jumps, forward or back. */
  readonly clockJumps: boolean
  /** Each way to the store takes up to this, so that everything that awaits it can be overtaken. */
  readonly slowestStoreMs: number
  readonly slowestHopMs: number
  readonly residentActors: number
  readonly checkpointEntries: number
  readonly mailboxCalls: number
  readonly inFlightCalls: number
  readonly idleAfterMs: number
  readonly sweepEveryMs: number
  readonly stallAfterMs: number
  readonly unflushedBatches: number
  readonly appendItems: number
  readonly keptEntries: number
  readonly sliceLimit: number
  readonly totalLimit: number
  readonly renewAfterMs: number
  readonly pendingChanges: number
  readonly packAfterMs: number
  /** Of a world of several nodes. */
  readonly cluster?: ClusterSettings
}

export function drawSettings(dice: Dice): Settings {
  const isTight = dice.chance(0.5)
  const isRough = dice.chance(0.8)
  return {
    users: dice.between(2, 5),
    devicesPerUser: dice.between(1, 2),
    groups: dice.between(0, 2),
    actionsPerDevice: dice.between(6, 16),
    longestThoughtMs: dice.pick([2, 20, 200]),
    gatewayDiesWithNode: dice.chance(0.6),
    servesBeforeSweep: dice.chance(0.5),
    crashes: isRough ? dice.between(1, 4) : 0,
    eventsBetweenCrashes: dice.pick([60, 250, 800]),
    crashesAtEnd: isRough && dice.chance(0.5),
    diskTroubles: dice.chance(0.5),
    slowestStoreMs: dice.pick([0, 0.5, 4]),
    slowestHopMs: dice.pick([0.2, 2, 15]),
    residentActors: isTight ? dice.between(1, 5) : 1_000,
    checkpointEntries: dice.pick([1, 3, 16, 256]),
    mailboxCalls: isTight ? dice.between(5, 9) : 1_000,
    inFlightCalls: isTight ? dice.between(8, 40) : 10_000,
    idleAfterMs: dice.pick([1_000, 5_000, 60_000]),
    sweepEveryMs: dice.pick([300, 4_000]),
    stallAfterMs: 400,
    // With 2, an actor that comes back each second could for ever lose to the rows of two that make room for it.
    unflushedBatches: isTight ? dice.between(3, 6) : 1_000,
    appendItems: dice.pick([1, 3, 100]),
    keptEntries: dice.pick([1, 8, 512]),
    sliceLimit: dice.pick([1, 3, 10, 100]),
    totalLimit: dice.pick([5, 40, 10_000]),
    renewAfterMs: dice.pick([500, 2_000]),
    pendingChanges: isTight ? dice.between(1, 4) : 1_000,
    clockJumps: isRough && dice.chance(0.2),
    packAfterMs: dice.pick([1, 1, 30_000]),
  }
}

/** What a node's runtime may hold at once. */
export function runtimeLimits(settings: Settings): Partial<SystemLimits> {
  return {
    residentActors: settings.residentActors,
    callTimeoutMs: 3_000,
    inFlightCalls: settings.inFlightCalls,
    sweepEveryMs: settings.sweepEveryMs,
    actor: {
      mailboxCalls: settings.mailboxCalls,
      mailboxBytes: 1024 * 1024,
      mailboxAgeMs: 1_000,
      idleAfterMs: settings.idleAfterMs,
      packAfterMs: settings.packAfterMs,
      checkpointEntries: settings.checkpointEntries,
      checkpointBytes: 256 * 1024,
    },
  }
}
