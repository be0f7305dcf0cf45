import { open, type RootDatabase } from 'lmdb'
import type { ActorLog, Clock } from '../../runtime/index.js'
import type { KvCounters, KvOperation, KvPair, KvRange, OrderedKv } from '../ports/ordered-kv.js'
import { defaultFlushLimits, FlushFailed, type FlushLimits, FlushQueue, type FlushTarget } from './flush-queue.js'
import { checkLmdbFile } from './lmdb-file.js'

/**
 * OrderedKv on LMDB.
 *
 * 1. `overlappingSync` is off: LMDB then ends a transaction only after fdatasync of its pages and a synchronous write of
 *    its meta page, so the promise of a batch *is* the flush, and readers never see what is not durable (K3). It also
 *    leaves nothing behind when the disk is full (K4). (With it on, `put` resolves before the flush, `flushed` has no
 *    error path, and throughput was the same.)
 * 2. `eventTurnBatching` is off: with it, a failed commit also rejects a promise that nobody can reach, which ends the
 *    process.
 */
export interface LmdbKvOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: ActorLog
  readonly limits?: Partial<FlushLimits>
  /** Address space to reserve; the file grows only as it is used, and the map beyond this by itself. */
  readonly mapBytes?: number
  /** Stands between the queue and the disk: tests make it fail there. */
  readonly through?: (target: FlushTarget) => FlushTarget
}

type BinaryDatabase = RootDatabase<Buffer, Uint8Array>

const defaultMapBytes = 64 * 1024 ** 3

/**
 * While many write, flushes begin so far apart. A flush costs about as much as a hundred records, and when each begins as
 * soon as the last has ended, most carry few: with half of the load that is possible, a message cost as much as two.
 */
const FLUSH_EVERY_MS = 4
/** A flush of so many batches: somebody else writes too. One who writes alone never waits. */
const MANY_BATCHES = 4

export function openLmdbKv(options: LmdbKvOptions): OrderedKv {
  checkLmdbFile(options.path)
  const database: BinaryDatabase = open({
    path: options.path,
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    compression: false,
    cache: false,
    maxDbs: 1,
    mapSize: options.mapBytes ?? defaultMapBytes,
    overlappingSync: false,
    eventTurnBatching: false,
    noMemInit: true,
  })
  return new LmdbKv(database, options)
}

class LmdbKv implements OrderedKv {
  readonly #database: BinaryDatabase
  readonly #queue: FlushQueue

  constructor(database: BinaryDatabase, options: LmdbKvOptions) {
    this.#database = database
    const limits = { ...defaultFlushLimits, ...options.limits }
    const target = new LmdbTarget(database, options)
    this.#queue = new FlushQueue(options.through?.(target) ?? target, options.clock, limits)
  }

  get uncertain(): boolean {
    return this.#queue.uncertain
  }

  get counters(): KvCounters {
    return this.#queue.counters
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#queue.counters.reads++
    return this.#database.get(key)
  }

  range({ start, end, limit, reverse }: KvRange): Iterable<KvPair> {
    this.#queue.counters.reads++
    const bounded = limit === undefined ? {} : { limit }
    if (!reverse) return this.#database.getRange({ start, end, ...bounded })
    // LMDB walks back from `start`, inclusive, to `end`, exclusive: the port's bounds are the other way round.
    return this.#database.getRange({
      start: end,
      end: start,
      reverse: true,
      exclusiveStart: true,
      inclusiveEnd: true,
      ...bounded,
    })
  }

  write(batch: readonly KvOperation[]): Promise<void> {
    return this.#queue.write(batch)
  }

  async close(): Promise<void> {
    await this.#queue.drain()
    // A transaction of unknown fate keeps LMDB's writer: closing would wait for it for ever.
    if (!this.#queue.uncertain) await this.#database.close()
  }
}

class LmdbTarget implements FlushTarget {
  readonly #database: BinaryDatabase
  readonly #clock: Clock
  readonly #log: ActorLog
  /** Monotonic: no flush begins before. */
  #nextMs = Number.NEGATIVE_INFINITY

  constructor(database: BinaryDatabase, { clock, log }: Pick<LmdbKvOptions, 'clock' | 'log'>) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  soon(start: () => void): void {
    const waitMs = this.#nextMs - this.#clock.monotonic()
    if (waitMs > 0) this.#clock.setTimer(waitMs, start)
    else setImmediate(start)
  }

  async flush(batches: readonly (readonly KvOperation[])[]): Promise<void> {
    if (batches.length >= MANY_BATCHES) this.#nextMs = this.#clock.monotonic() + FLUSH_EVERY_MS
    try {
      await this.#database.batch(() => {
        for (const batch of batches) this.#put(batch)
      })
    } catch (error) {
      const cause = await commitError(error)
      const leftNothing = this.#isUsable()
      this.#log.error({ error: String(cause), batches: batches.length, leftNothing }, 'LMDB could not commit')
      throw new FlushFailed(String(cause), leftNothing, cause)
    }
  }

  #put(batch: readonly KvOperation[]): void {
    for (const { key, value } of batch) {
      if (value === undefined) this.#database.remove(key)
      else this.#database.put(key, value as Buffer)
    }
  }

  /** LMDB refuses every further transaction when a meta page, the only place that makes a commit real, failed to be written. */
  #isUsable(): boolean {
    try {
      this.#database.transactionSync(() => undefined)
      return true
    } catch {
      return false
    }
  }
}

async function commitError(error: unknown): Promise<unknown> {
  const pending = (error as { commitError?: Promise<unknown> } | undefined)?.commitError
  if (!pending) return error
  return pending.then(
    () => error,
    (cause: unknown) => cause,
  )
}
