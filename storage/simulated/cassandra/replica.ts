import { type Content, type Mutation, Partition, type Slice } from './partition.js'
import type { Table } from './schema.js'

interface Arrival {
  atMs: number
  readonly order: number
  readonly mutation: Mutation
}

interface Stored {
  readonly partition: Partition
  /** On its way here, in the order of arrival. */
  arrivals: Arrival[]
}

/**
 * One replica: partitions, and what is on its way to them. What arrives is applied when somebody looks, so that a write
 * costs no event of its own.
 */
export class Replica {
  isUp = true
  /** When it last came or went. */
  sinceMs = Number.NEGATIVE_INFINITY
  stops = 0
  #stoppedMs = Number.NEGATIVE_INFINITY
  readonly #partitions = new Map<string, Stored>()
  #sent = 0

  /** A write arrives at this moment. */
  send(table: Table, name: string, mutation: Mutation, atMs: number): void {
    const { arrivals } = this.#stored(table, name)
    const arrival = { atMs, order: this.#sent++, mutation }
    let at = arrivals.length
    while (at > 0 && arrivals[at - 1]!.atMs > atMs) at--
    arrivals.splice(at, 0, arrival)
  }

  read(table: Table, name: string, slice: Slice, nowMs: number): Content {
    const stored = this.#stored(table, name)
    if (this.isUp) land(stored, nowMs)
    return stored.partition.read(slice)
  }

  /** Whether it took what was to arrive then, and was sent when it had stopped so often. */
  kept(arrivesMs: number, stops: number): boolean {
    return this.stops === stops || (this.stops === stops + 1 && this.#stoppedMs >= arrivesMs)
  }

  /** It stops now. `again`: when what was on its way comes instead, or undefined for never. */
  stop(nowMs: number, again: () => number | undefined): void {
    this.isUp = false
    this.sinceMs = nowMs
    this.stops++
    this.#stoppedMs = nowMs
    for (const stored of this.#partitions.values()) {
      land(stored, nowMs)
      const later = stored.arrivals.flatMap((arrival) => {
        const atMs = again()
        return atMs === undefined ? [] : [{ ...arrival, atMs }]
      })
      stored.arrivals = later.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    }
  }

  /** It comes back. What came while it was away waits for a hint. */
  start(nowMs: number, hintMs: () => number): void {
    this.isUp = true
    this.sinceMs = nowMs
    for (const stored of this.#partitions.values()) {
      for (const arrival of stored.arrivals) arrival.atMs = Math.max(arrival.atMs, nowMs + hintMs())
      stored.arrivals.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    }
  }

  #stored(table: Table, name: string): Stored {
    let stored = this.#partitions.get(name)
    if (stored === undefined) {
      stored = { partition: new Partition(table), arrivals: [] }
      this.#partitions.set(name, stored)
    }
    return stored
  }
}

function land(stored: Stored, nowMs: number): void {
  const { arrivals, partition } = stored
  let landed = 0
  while (landed < arrivals.length && arrivals[landed]!.atMs <= nowMs) partition.apply(arrivals[landed++]!.mutation)
  if (landed > 0) arrivals.splice(0, landed)
}
