import type { Clock, Random } from '../../runtime/index.js'
import { FlushFailed, type FlushTarget } from '../embedded/flush-queue.js'
import type { KvOperation, KvPair, KvRange } from '../ports/ordered-kv.js'

/**
 * A disk in memory whose time and luck are injected: the same clock and random give the same run.
 *
 * 1. What a flush is given becomes durable and visible at its end. A crash in the middle of it leaves a prefix of its
 *    batches, of a length that `random` chooses (LMDB leaves all or none; a prefix is the harsher of the two).
 * 2. After `crash` the process that had the disk is gone: nothing of it settles or writes any more. The disk can be
 *    opened again.
 * 3. `crashAfter(n)` crashes between any two writes: n more batches become durable, then the crash comes by itself.
 */
export interface SimulatedDiskOptions {
  readonly clock: Clock
  readonly random: Random
  /** A flush takes from `minMs` to `maxMs`. Default: 0.3 to 3. */
  readonly flush?: { readonly minMs: number; readonly maxMs: number }
  /** Called when `crashAfter` strikes, so that the simulation can end the process. */
  readonly onCrash?: () => void
}

export class SimulatedDisk {
  readonly clock: Clock
  readonly #random: Random
  readonly #flushMs: { readonly minMs: number; readonly maxMs: number }
  readonly #onCrash: (() => void) | undefined
  readonly #pairs = new SortedPairs()
  /** Rises at a crash: what belongs to a former process is ignored. */
  #process = 0
  #running: readonly (readonly KvOperation[])[] = []
  #slowness = 1
  #failures = 0
  #isStalled = false
  #resumed: (() => void)[] = []
  #batchesUntilCrash = Number.POSITIVE_INFINITY

  constructor({ clock, random, flush = { minMs: 0.3, maxMs: 3 }, onCrash }: SimulatedDiskOptions) {
    this.clock = clock
    this.#random = random
    this.#flushMs = flush
    this.#onCrash = onCrash
  }

  /** Ends the process that has the disk. What it had not flushed is gone, but for a prefix of a running flush. */
  crash(): void {
    const survivors = this.#running.length === 0 ? 0 : this.#random.int(this.#running.length + 1)
    this.#crashWith(survivors)
  }

  /** Crashes by itself once `batches` more batches are durable. */
  crashAfter(batches: number): void {
    this.#batchesUntilCrash = batches
  }

  /** Flushes take `factor` times as long from now on; 1 is the usual. */
  slow(factor: number): void {
    this.#slowness = factor
  }

  /** The next `flushes` flushes fail and leave nothing, as when the disk is full. */
  fail(flushes: number): void {
    this.#failures = flushes
  }

  /** Flushes do not end until `resume`. */
  stall(): void {
    this.#isStalled = true
  }

  resume(): void {
    this.#isStalled = false
    for (const resumed of this.#resumed.splice(0)) resumed()
  }

  /** The disk as a new process sees it. */
  attach(): SimulatedTarget {
    return new SimulatedTarget(this, this.#process)
  }

  has(process: number): boolean {
    return process === this.#process
  }

  get(key: string): Uint8Array | undefined {
    return this.#pairs.get(key)
  }

  range(range: KvRange): Iterable<KvPair> {
    return this.#pairs.range(range)
  }

  async flush(process: number, batches: readonly (readonly KvOperation[])[]): Promise<void> {
    if (!this.has(process)) return never
    this.#running = batches
    await this.#latency()
    if (this.#isStalled) await new Promise<void>((resolve) => this.#resumed.push(resolve))
    if (!this.has(process)) return never
    if (this.#failures > 0) {
      this.#failures--
      this.#running = []
      throw new FlushFailed('simulated: no space left on the disk', true)
    }
    if (batches.length > this.#batchesUntilCrash) {
      this.#crashWith(this.#batchesUntilCrash)
      return never
    }
    this.#apply(batches, batches.length)
    this.#running = []
  }

  #latency(): Promise<void> {
    const { minMs, maxMs } = this.#flushMs
    const share = this.#random.int(1024) / 1023
    const delayMs = (minMs + (maxMs - minMs) * share) * this.#slowness
    return new Promise((resolve) => {
      this.clock.setTimer(delayMs, resolve)
    })
  }

  #crashWith(survivors: number): void {
    this.#apply(this.#running, survivors)
    this.#process++
    this.#running = []
    this.#resumed = []
    this.#isStalled = false
    this.#failures = 0
    const wasArmed = Number.isFinite(this.#batchesUntilCrash)
    this.#batchesUntilCrash = Number.POSITIVE_INFINITY
    if (wasArmed) this.#onCrash?.()
  }

  #apply(batches: readonly (readonly KvOperation[])[], count: number): void {
    for (const batch of batches.slice(0, count)) {
      for (const { key, value } of batch) this.#pairs.set(textOf(key), value)
    }
    this.#batchesUntilCrash -= count
  }
}

/** One process's access to the disk. */
export class SimulatedTarget implements FlushTarget {
  readonly #disk: SimulatedDisk
  readonly #process: number

  constructor(disk: SimulatedDisk, process: number) {
    this.#disk = disk
    this.#process = process
  }

  get isAlive(): boolean {
    return this.#disk.has(this.#process)
  }

  flush(batches: readonly (readonly KvOperation[])[]): Promise<void> {
    return this.#disk.flush(this.#process, batches)
  }

  soon(start: () => void): void {
    this.#disk.clock.setTimer(0, start)
  }
}

// A process that is gone neither gets an answer nor an error.
const never = new Promise<never>(() => undefined)

const textOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** Pairs by key, in byte order: latin-1 text sorts as its bytes. */
class SortedPairs {
  readonly #values = new Map<string, Uint8Array>()
  readonly #keys: string[] = []

  get(key: string): Uint8Array | undefined {
    const value = this.#values.get(key)
    return value && Buffer.from(value)
  }

  set(key: string, value: Uint8Array | undefined): void {
    const isThere = this.#values.has(key)
    const at = this.#position(key)
    if (value === undefined) {
      if (isThere) this.#keys.splice(at, 1)
      this.#values.delete(key)
      return
    }
    if (!isThere) this.#keys.splice(at, 0, key)
    // A copy: the disk does not share memory with the process.
    this.#values.set(key, Buffer.from(value))
  }

  /** As of now: writes during the iteration are not seen (LMDB reads from a snapshot, too). */
  *range({ start, end, limit = Number.POSITIVE_INFINITY, reverse = false }: KvRange): Iterable<KvPair> {
    const from = this.#position(textOf(start))
    const to = this.#position(textOf(end))
    const keys = reverse
      ? this.#keys.slice(Math.max(from, to - limit), to).reverse()
      : this.#keys.slice(from, Math.min(to, from + limit))
    const pairs = keys.map((key) => ({ key, value: this.#values.get(key)! }))
    for (const { key, value } of pairs) yield { key: Buffer.from(key, 'latin1'), value: Buffer.from(value) }
  }

  /** Index of the first key that is not below `key`. */
  #position(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
