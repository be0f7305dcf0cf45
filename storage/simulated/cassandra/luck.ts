import type { Random } from '../../../runtime/index.js'

/** How a ring treats its clients. Chances are in thousandths, and all times are of the clock that was injected. */
export interface RingLuck {
  /** One way between any two machines takes up to this. */
  readonly hopMs: number
  /** A message that takes up to `slowMs` instead. */
  readonly slow: number
  readonly slowMs: number
  /** One of the replicas of a write does not hear of it; a hint tells it later. */
  readonly missed: number
  readonly hintAfterMs: readonly [from: number, to: number]
  /** A hint that is lost: only reads repair what it would have told. */
  readonly lostHint: number
  /** A coordinator dies with a write: any of the replicas have it, nobody tells the others, and nobody is answered. */
  readonly torn: number
  /** A write that lands whole, and nobody is answered. */
  readonly unanswered: number
  /** A write that lands after its sender has given up, up to `lateMs` later. */
  readonly late: number
  readonly lateMs: number
  /** A conditional write that is left undecided: the next one on its partition ends it, either way. */
  readonly undecided: number
  /** Reads at quorum repair what they find to differ; false: as tables with `read_repair = 'NONE'`. */
  readonly repairs: boolean
  /** A read that nobody answers. */
  readonly failedRead: number
  /** A client gives up after these. */
  readonly requestTimeoutMs: number
  readonly decisionTimeoutMs: number
}

/** Everything arrives, soon. */
export const calm: RingLuck = {
  hopMs: 1,
  slow: 0,
  slowMs: 0,
  missed: 0,
  hintAfterMs: [1_000, 10_000],
  lostHint: 0,
  torn: 0,
  unanswered: 0,
  late: 0,
  lateMs: 0,
  undecided: 0,
  repairs: true,
  failedRead: 0,
  requestTimeoutMs: 5_000,
  decisionTimeoutMs: 1_500,
}

/** Replicas that differ nearly always, and nothing that a client would have to hear of. */
export const stale: RingLuck = { ...calm, hopMs: 5, slow: 50, slowMs: 500, missed: 600, lostHint: 500 }

/** All that a ring does to its clients on its worst days. */
export const stormy: RingLuck = {
  ...stale,
  missed: 300,
  torn: 40,
  unanswered: 30,
  late: 40,
  lateMs: 20_000,
  undecided: 100,
  failedRead: 20,
}

export class Fortune {
  luck: RingLuck
  readonly #random: Random

  constructor(random: Random, luck: RingLuck) {
    this.#random = random
    this.luck = luck
  }

  /** Whether what has so many chances in a thousand happens. */
  strikes(thousandths: number): boolean {
    return thousandths > 0 && this.#random.int(1_000) < thousandths
  }

  hopMs(): number {
    const { hopMs, slow, slowMs } = this.luck
    return this.within(0.02, this.strikes(slow) ? slowMs : hopMs)
  }

  within(low: number, high: number): number {
    return low + ((high - low) * this.#random.int(1 << 16)) / (1 << 16)
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.#random.int(from.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }
}
