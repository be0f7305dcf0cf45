import type { LatencySummary } from './measure/latency.js'

/** A figure of DESIGN is reached when the value is at least, or at most, this. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** One number that a scenario found: the median of its repetitions, with their spread. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** As a reader says it: `calls/s`, `x floor`, `KiB`, `us`. */
  readonly unit: string
  /** Lowest and highest of the repetitions. */
  readonly spread?: readonly [low: number, high: number]
  /** What has to be reached. */
  readonly must?: Target
  /** What is hoped for. */
  readonly aim?: Target
}

/** Lines over a common x axis. */
export interface LinePlot {
  readonly kind: 'lines'
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] }[]
}

/** One bar a name; `parts` stack. */
export interface BarPlot {
  readonly kind: 'bars'
  readonly title: string
  readonly unit: string
  readonly bars: readonly {
    readonly name: string
    readonly parts: readonly { readonly name: string; readonly value: number }[]
  }[]
  /** Marks across the bars: a bound that has to be reached. */
  readonly marks?: readonly { readonly name: string; readonly value: number }[]
}

export interface Axis {
  readonly name: string
  readonly logarithmic?: boolean
}

export type Plot = LinePlot | BarPlot

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

/** What a scenario found. All of it goes into the JSON result and the report. */
export interface Outcome {
  readonly figures: readonly Figure[]
  readonly latencies?: readonly LatencySummary[]
  readonly plots?: readonly Plot[]
  readonly tables?: readonly Table[]
  /** What a reader must know to judge the figures. */
  readonly notes?: readonly string[]
}

/** How large a run is: `quick` shows in seconds that the scenario works, `full` takes its time. */
export type Scale = 'quick' | 'normal' | 'full'

export interface Run {
  readonly scale: Scale
  /** One value a scale. */
  sized<T>(sizes: { readonly quick: T; readonly normal: T; readonly full?: T }): T
  /** A line for the person who waits. */
  progress(text: string): void
  /** A directory of its own, removed when the scenario ends. */
  readonly scratch: string
  /** Called in reverse order when the scenario ends, however it ends. */
  onEnd(end: () => void | Promise<void>): void
}

export interface Scenario {
  readonly name: string
  /** One line for `--list`. */
  readonly summary: string
  /** A server that has to run: `npm run services -- up <name>`. */
  readonly needs?: 'cassandra'
  run(run: Run): Promise<Outcome>
}
