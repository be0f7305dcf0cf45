const bucketsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000]

interface Series {
  /** One count a bucket, not cumulative; the last is for what is above all bounds. */
  readonly counts: Float64Array
  sumMs: number
}

/**
 * Durations by one label, in fixed buckets: an observation is a look-up, a short search and two additions. Told in the
 * Prometheus text form, in seconds as its conventions ask.
 */
export class Distribution {
  readonly #series = new Map<string, Series>()
  readonly #name: string
  readonly #help: string
  readonly #label: string

  /** @param name ends in `_seconds` */
  constructor(name: string, help: string, label: string) {
    this.#name = name
    this.#help = help
    this.#label = label
  }

  observe(label: string, tookMs: number): void {
    let series = this.#series.get(label)
    if (series === undefined) {
      series = { counts: new Float64Array(bucketsMs.length + 1), sumMs: 0 }
      this.#series.set(label, series)
    }
    let bucket = 0
    while (bucket < bucketsMs.length && tookMs > bucketsMs[bucket]!) bucket++
    series.counts[bucket]! += 1
    series.sumMs += tookMs
  }

  /** All labels together: counts by upper bound, not cumulative; the last is for what is above all bounds. */
  counts(): { readonly boundsMs: readonly number[]; readonly counts: readonly number[] } {
    const sums = new Array<number>(bucketsMs.length + 1).fill(0)
    for (const { counts } of this.#series.values()) for (const [index, count] of counts.entries()) sums[index]! += count
    return { boundsMs: bucketsMs, counts: sums }
  }

  text(): string {
    const lines = [`# HELP ${this.#name} ${this.#help}`, `# TYPE ${this.#name} histogram`]
    for (const [value, { counts, sumMs }] of this.#series) {
      const label = `${this.#label}="${value}"`
      let below = 0
      for (const [index, count] of counts.entries()) {
        below += count
        const bound = index < bucketsMs.length ? String(bucketsMs[index]! / 1_000) : '+Inf'
        lines.push(`${this.#name}_bucket{${label},le="${bound}"} ${below}`)
      }
      lines.push(`${this.#name}_sum{${label}} ${sumMs / 1_000}`, `${this.#name}_count{${label}} ${below}`)
    }
    return lines.join('\n')
  }
}
