import { build, type Histogram } from 'hdr-histogram-js'

/** Percentiles of one histogram, in milliseconds, and the curve that the report draws. */
export interface LatencySummary {
  readonly name: string
  readonly count: number
  readonly minMs: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  /** Pairs of percentile and milliseconds. */
  readonly curve: readonly (readonly [percentile: number, ms: number])[]
}

const LONGEST_US = 600_000_000
const CURVE = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 100]

/** Latencies with three significant digits from 1 us to 10 minutes (HDR histogram). */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })

  /** `ms` may have a fraction. */
  record(ms: number): void {
    this.#histogram.recordValue(Math.min(LONGEST_US, Math.max(1, Math.round(ms * 1000))))
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  summary(name: string): LatencySummary {
    const histogram = this.#histogram
    const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000
    const isEmpty = histogram.totalCount === 0
    return {
      name,
      count: histogram.totalCount,
      minMs: isEmpty ? 0 : histogram.minNonZeroValue / 1000,
      meanMs: isEmpty ? 0 : histogram.mean / 1000,
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: at(99.9),
      maxMs: isEmpty ? 0 : histogram.maxValue / 1000,
      curve: isEmpty ? [] : CURVE.map((percentile) => [percentile, at(percentile)] as const),
    }
  }
}
