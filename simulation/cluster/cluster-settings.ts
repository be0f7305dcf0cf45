import type { RingLuck } from '../../storage/index.js'
import { Dice } from '../dice.js'
import type { Settings } from '../settings.js'

/** What a world of several nodes has besides. */
export interface ClusterSettings {
  readonly nodes: number
  readonly shardCount: number
  /** Each machine's clock is at most so much fast or slow; what nodes are told is the bound. */
  readonly clockDrift: number
  /** So many troubles, then none. */
  readonly troubleCount: number
  /** One that lasts takes a time between these. */
  readonly troubleMs: readonly [from: number, to: number]
  /** Between any two troubles, at most. */
  readonly troubleEveryMs: number
  /** How often each, beside the others; 0: never in this world. */
  readonly troubles: Readonly<Record<Trouble, number>>
  /** How Cassandra treats its clients until all is healed. */
  readonly ring: Partial<RingLuck>
  /** Rows that a bucket of a journal holds, about. */
  readonly bucketBytes: number
}

export type Trouble =
  | 'crash'
  | 'stall'
  | 'suspend'
  | 'part'
  | 'partOneWay'
  | 'cutStorage'
  | 'outage'
  | 'replica'
  | 'restart'
  | 'slow'

/** People who are still at it when troubles come, and the cluster. */
export function drawClusterSettings(dice: Dice): Pick<Settings, 'longestThoughtMs'> & { cluster: ClusterSettings } {
  return { longestThoughtMs: dice.pick([300, 1_000, 2_000]), cluster: drawCluster(dice) }
}

function drawCluster(dice: Dice): ClusterSettings {
  const isRough = dice.chance(0.85)
  const often = (weight: number) => (isRough && dice.chance(0.7) ? weight : 0)
  const isRingRough = isRough && dice.chance(0.6)
  return {
    nodes: dice.between(2, 4),
    shardCount: dice.pick([4, 8]),
    clockDrift: dice.pick([0, 0.01]),
    troubleCount: dice.between(1, 12),
    troubleMs: dice.pick([
      [1, 500],
      [1, 8_000],
      [2_500, 6_000],
    ] as const),
    troubleEveryMs: dice.pick([300, 1_000, 3_000]),
    troubles: {
      crash: often(4),
      stall: often(3),
      suspend: often(1),
      part: often(3),
      partOneWay: often(2),
      cutStorage: often(2),
      outage: often(1),
      replica: often(2),
      restart: dice.chance(0.7) ? 3 : 0,
      slow: often(2),
    },
    ring: {
      hopMs: dice.pick([0.5, 3]),
      slow: dice.pick([0, 30]),
      slowMs: 400,
      missed: dice.pick([0, 100, 500]),
      lostHint: dice.pick([0, 500]),
      ...(isRingRough && { torn: 8, unanswered: 8, late: 8, lateMs: 10_000, undecided: 30, failedRead: 4 }),
    },
    bucketBytes: dice.pick([2_000, 1_000_000]),
  }
}

export const noTroubles: ClusterSettings['troubles'] = {
  crash: 0,
  stall: 0,
  suspend: 0,
  part: 0,
  partOneWay: 0,
  cutStorage: 0,
  outage: 0,
  replica: 0,
  restart: 0,
  slow: 0,
}

/** A small world of three nodes with just these troubles, and busy while they last. */
export function smallCluster(
  seed: number,
  troubled: Partial<ClusterSettings>,
  besides: Partial<Settings> = {},
): Partial<Settings> {
  const cluster = { ...drawCluster(new Dice(seed, 'small cluster')), nodes: 3, ...troubled }
  return { users: 3, groups: 1, actionsPerDevice: 14, longestThoughtMs: 1_200, cluster, ...besides }
}
