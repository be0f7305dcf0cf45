/**
 * Which actors run the most turns, as operators ask: sampled, so that a turn pays a count.
 *
 * H1. A report covers the last 5 to 10 seconds. Few turns are counted each; of many, one in so many stands for the others.
 * H2. What is remembered is bounded: at most MOST_KNOWN actors a window.
 */
import type { Activation } from './activation.js'
import type { Random } from './random.js'

const WINDOW_MS = 5_000
const MOST_KNOWN = 4_096
/** Each time that so many were sampled in a window, one in twice as many is from then on. */
const SAMPLES = 1_024

export interface HotActor {
  readonly key: string
  /** About how many ended in the window. */
  readonly turns: number
}

interface Counted {
  readonly kind: string
  readonly key: string
  turns: number
}

export class HotActors {
  #current = new Map<string, Counted>()
  #previous = new Map<string, Counted>()
  #startedMs = 0
  #samples = 0
  #period = 1
  #left = 1
  #noise: number

  constructor(random: Random) {
    this.#noise = random.int(2 ** 31)
  }

  /** A turn has ended. `nowMs`: monotonic. */
  turn(activation: Activation, nowMs: number): void {
    if (--this.#left > 0) return
    this.#sample(activation, nowMs)
  }

  /** Those of the kind with the most turns, the busiest first. */
  of(kind: string, most: number, nowMs: number): HotActor[] {
    this.#turnOver(nowMs)
    const sums = new Map<string, number>()
    for (const window of [this.#current, this.#previous]) {
      for (const counted of window.values()) {
        if (counted.kind === kind) sums.set(counted.key, (sums.get(counted.key) ?? 0) + counted.turns)
      }
    }
    const actors = [...sums].map(([key, turns]): HotActor => ({ key, turns }))
    return actors.sort((a, b) => b.turns - a.turns).slice(0, most)
  }

  #sample({ kind, key, address }: Activation, nowMs: number): void {
    this.#turnOver(nowMs)
    const known = this.#current.get(address)
    if (known !== undefined) known.turns += this.#period
    else if (this.#hasRoom()) this.#current.set(address, { kind: kind.name, key, turns: this.#period })
    if (++this.#samples % SAMPLES === 0) this.#period *= 2
    // Not every so-many-th: turns may come in turn.
    this.#noise = (Math.imul(this.#noise, 1_664_525) + 1_013_904_223) | 0
    this.#left = 1 + ((this.#noise >>> 8) % (2 * this.#period - 1))
  }

  #turnOver(nowMs: number): void {
    const passedMs = nowMs - this.#startedMs
    if (passedMs < WINDOW_MS) return
    this.#previous = passedMs < 2 * WINDOW_MS ? this.#current : new Map()
    this.#current = new Map()
    this.#startedMs = nowMs
    // As many turns again would be sampled as often as one period allows.
    this.#period = passedMs < 2 * WINDOW_MS ? Math.max(1, this.#period / 2) : 1
    this.#samples = 0
  }

  /** Makes room by forgetting those that were seen once. */
  #hasRoom(): boolean {
    if (this.#current.size < MOST_KNOWN) return true
    for (const [address, { turns }] of this.#current) if (turns <= this.#period) this.#current.delete(address)
    return this.#current.size < MOST_KNOWN
  }
}
