/**
 * Flood limits over all gateways together, by a counter that they share.
 *
 * F1. No call waits for it: what passed here is told once in a while, many buckets in one round trip, and the answer lowers
 *     the bucket here to what is left everywhere. Between two tellings each gateway lets its own bucket's worth through;
 *     the shared one goes below zero for that, and all wait it out.
 * F2. Without an answer the bucket here goes on by itself: a limit holds per gateway.
 * F3. Who uses less than an eighth of a limit's rate here, and has more than half of the bucket left, is not told of: it
 *     costs more than it could change, unless somebody spreads calls over very many gateways.
 * F4. Bounded: of more buckets than `buckets` between two tellings the others count here only.
 */
import type { Clock, Timer } from '../../runtime/index.js'

/** The counter that gateways share, as storage has it. */
export interface RateStore {
  /** What is left in each bucket after these uses; undefined: unknown. */
  add(
    uses: readonly {
      readonly key: string
      readonly count: number
      readonly burst: number
      readonly perSecond: number
    }[],
  ): Promise<readonly (number | undefined)[]>
}

interface SharingLimits {
  readonly tellEveryMs: number
  readonly buckets: number
}

const defaultLimits: SharingLimits = { tellEveryMs: 1_000, buckets: 5_000 }

const TOLD_FROM_RATE = 1 / 8
const TOLD_FROM_LEVEL = 1 / 2

interface Use {
  readonly bucket: { tokens: number }
  readonly burst: number
  readonly perMs: number
  count: number
}

export class FloodSharing {
  readonly #clock: Clock
  readonly #rates: RateStore
  readonly #limits: SharingLimits
  /** Since the last telling. */
  #uses = new Map<string, Use>()
  #sinceMs = 0
  #timer: Timer | undefined
  #isStopped = false

  constructor(clock: Clock, rates: RateStore, limits: Partial<SharingLimits> = {}) {
    this.#clock = clock
    this.#rates = rates
    this.#limits = { ...defaultLimits, ...limits }
  }

  /** So many calls passed the bucket. */
  used(key: string, bucket: { tokens: number }, burst: number, perMs: number, count = 1): void {
    const use = this.#uses.get(key)
    if (use) use.count += count
    else if (this.#uses.size < this.#limits.buckets) this.#uses.set(key, { bucket, burst, perMs, count })
    if (!this.#timer && !this.#isStopped) this.#tellLater()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #tellLater(): void {
    this.#sinceMs = this.#clock.monotonic()
    this.#timer = this.#clock.setTimer(this.#limits.tellEveryMs, () => {
      void this.#tell().finally(() => {
        this.#timer = undefined
        if (this.#uses.size > 0 && !this.#isStopped) this.#tellLater()
      })
    })
  }

  async #tell(): Promise<void> {
    const tookMs = this.#clock.monotonic() - this.#sinceMs
    const told = [...this.#uses].filter(([, use]) => isTold(use, tookMs))
    this.#uses = new Map()
    if (told.length === 0) return
    const uses = told.map(([key, { count, burst, perMs }]) => ({ key, count, burst, perSecond: perMs * 1_000 }))
    const left = await this.#rates.add(uses)
    for (const [at, [key, { bucket }]] of told.entries()) {
      const level = left[at]
      if (level === undefined) continue
      const meanwhile = this.#uses.get(key)?.count ?? 0
      bucket.tokens = Math.min(bucket.tokens, level - meanwhile)
    }
  }
}

/** F3. */
function isTold({ bucket, burst, perMs, count }: Use, tookMs: number): boolean {
  return count >= perMs * tookMs * TOLD_FROM_RATE || bucket.tokens <= burst * TOLD_FROM_LEVEL
}
