import type { Violations } from './check/histories.js'
import type { Kind } from './experiment.js'
import type { Waits } from './measure.js'

/** A call as the timeline shows it; times in ms since the load began. */
export interface Point {
  readonly startMs: number
  readonly tookMs: number
  readonly failures: number
}

/** A figure and the bound that it is held to. */
export interface Bound {
  readonly name: string
  readonly value: number
  readonly unit: 'ms' | 'calls' | 'messages' | 'connections'
  readonly atMost?: number
  readonly atLeast?: number
}

/** What an experiment found. `format` rises when a reader of older ones would go wrong. */
export interface Result {
  readonly format: 1
  readonly experiment: string
  readonly summary: string
  readonly kind: Kind
  readonly isFull: boolean
  readonly startedAt: string
  readonly tookMs: number
  /** Of the machine at the end: others that use it make everything late. */
  readonly loadAverage: number
  readonly bounds: readonly Bound[]
  /** Latencies by what the calls met. */
  readonly waits: Readonly<Record<string, Waits>>
  readonly events: readonly { readonly atMs: number; readonly text: string }[]
  readonly calls: readonly Point[]
  /** Errors that the server answered, by method and text: the libraries tried again by themselves. */
  readonly refusals: Readonly<Record<string, number>>
  /** Why libraries gave up calls, by reason. */
  readonly failures: Readonly<Record<string, number>>
  readonly violations: Violations
  readonly notes: readonly string[]
}

export function brokenBounds({ bounds }: Pick<Result, 'bounds'>): readonly Bound[] {
  return bounds.filter(
    ({ value, atMost, atLeast }) =>
      (atMost !== undefined && !(value <= atMost)) || (atLeast !== undefined && !(value >= atLeast)),
  )
}

/** As people read it: `at most 5000`; undefined for a figure that is only told. */
export function limitOf({ atMost, atLeast }: Bound): string | undefined {
  if (atMost !== undefined) return `at most ${atMost}`
  return atLeast === undefined ? undefined : `at least ${atLeast}`
}

/** What clients may be made to wait. */
export const movedP99Ms = 250
export const crashP99Ms = 5_000
