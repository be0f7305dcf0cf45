import type { Move } from './cluster/register-watch.js'
import type { Call } from './load/call.js'

/** A node that went without a word, and the shards that it had then. */
export interface Crash {
  readonly node: string
  readonly atMs: number
  readonly shards: ReadonlySet<number>
}

export interface Waits {
  readonly calls: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
}

type ShardsOf = (call: Call) => readonly number[]

/** The register is looked at from time to time: a shard may have been on its way this long before and after. */
const marginMs = 200

export function waitsOf(durations: readonly number[]): Waits {
  const sorted = [...durations].sort((one, other) => one - other)
  const at = (part: number) => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0
  return { calls: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: sorted.at(-1) ?? 0 }
}

const tookMs = ({ startMs, ackMs }: Call) => (ackMs ?? Number.POSITIVE_INFINITY) - startMs

/** Calls that were under way while one of their shards changed hands as planned. */
export function movedCalls(calls: readonly Call[], moves: readonly Move[], shardsOf: ShardsOf): readonly Call[] {
  const planned = new Map<number, Move[]>()
  for (const move of moves) {
    if (!move.isTakeover) planned.set(move.shard, [...(planned.get(move.shard) ?? []), move])
  }
  const overlaps =
    ({ startMs, ackMs = Number.POSITIVE_INFINITY }: Call) =>
    ({ afterMs, seenMs }: Move) =>
      startMs <= seenMs + marginMs && ackMs >= afterMs - marginMs
  return calls.filter((call) => shardsOf(call).some((shard) => planned.get(shard)?.some(overlaps(call))))
}

export function waits(calls: readonly Call[]): Waits {
  return waitsOf(calls.map(tookMs))
}

/**
 * From the crash until the dead node's actors answered again, by each sender's clock: of each call to them that was under
 * way at the crash, and of the first one made after it.
 */
export function recoveries(calls: readonly Call[], crashes: readonly Crash[], shardsOf: ShardsOf): readonly number[] {
  return crashes.flatMap(({ atMs, shards }) => {
    const first = new Map<string, Call>()
    for (const call of calls) {
      if ((call.ackMs ?? Number.POSITIVE_INFINITY) < atMs || !shardsOf(call).some((shard) => shards.has(shard)))
        continue
      const key = `${call.sender} ${call.chat} ${call.startMs < atMs}`
      const known = first.get(key)
      if (known === undefined || call.startMs < known.startMs) first.set(key, call)
    }
    return [...first.values()].map(({ ackMs = Number.POSITIVE_INFINITY }) => ackMs - atMs)
  })
}

/** Calls of quiet times: while no shard was on its way and nobody was gone. */
export function quietCalls(calls: readonly Call[], untilMs: number): readonly Call[] {
  return calls.filter(({ ackMs = Number.POSITIVE_INFINITY }) => ackMs <= untilMs)
}
