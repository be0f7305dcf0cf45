import { ActorError, type Clock, type Timer } from '../../runtime/index.js'
import type { KvCounters, KvOperation } from '../ports/ordered-kv.js'

/**
 * Lets concurrent batches share a flush (K5), for any disk.
 *
 * 1. At most one flush runs; batches that arrive meanwhile form the next, in the order they arrived (K2).
 * 2. A batch is acknowledged by the end of its flush and by nothing else (K3).
 * 3. A flush that takes longer than `stallAfterMs` is given up on: its batches end with OUTCOME_UNKNOWN, those behind it
 *    with STORE_UNAVAILABLE, and nothing new is taken until the disk has answered after all.
 */
export interface FlushTarget {
  /** Makes the batches durable, all or a prefix of them, in order; rejects with FlushFailed otherwise. */
  flush(batches: readonly (readonly KvOperation[])[]): Promise<void>
  /** Runs `start` soon: late enough for the callers of one turn of the event loop to share a flush. */
  soon(start: () => void): void
}

export class FlushFailed extends Error {
  /** Nothing of the flush is on disk, and nothing of it will be. */
  readonly leftNothing: boolean

  constructor(message: string, leftNothing: boolean, cause?: unknown) {
    super(message, { cause })
    this.name = 'FlushFailed'
    this.leftNothing = leftNothing
  }
}

export interface FlushLimits {
  /** Bytes of keys and values that may wait for a flush, the running one included. */
  readonly unflushedBytes: number
  readonly unflushedBatches: number
  readonly stallAfterMs: number
}

export const defaultFlushLimits: FlushLimits = {
  unflushedBytes: 64 * 1024 * 1024,
  unflushedBatches: 100_000,
  stallAfterMs: 10_000,
}

const retryWhenFullMs = 50
const retryWhenFailedMs = 1_000

/** Batches that share a flush, and so their end: one promise is for all of them. */
class Flush {
  readonly batches: (readonly KvOperation[])[] = []
  operations = 0
  bytes = 0
  readonly ended: Promise<void>
  resolve!: () => void
  reject!: (error: unknown) => void

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

type State = 'idle' | 'scheduled' | 'flushing' | 'stalled' | 'broken' | 'closed'

export class FlushQueue {
  readonly counters = {
    flushes: 0,
    batches: 0,
    operations: 0,
    bytes: 0,
    failures: 0,
    refused: 0,
    reads: 0,
  } satisfies KvCounters
  readonly #target: FlushTarget
  readonly #limits: FlushLimits
  readonly #clock: Clock
  #state: State = 'idle'
  #waiting: Flush | undefined
  #running: Flush | undefined
  #unflushedBytes = 0
  #startedAt = 0
  #watchdog: Timer | undefined
  #drained: (() => void)[] = []

  constructor(target: FlushTarget, clock: Clock, limits: FlushLimits) {
    this.#target = target
    this.#clock = clock
    this.#limits = limits
  }

  /** True while a batch whose caller was told OUTCOME_UNKNOWN may still come to be. */
  get uncertain(): boolean {
    return this.#state === 'stalled' || this.#state === 'broken'
  }

  write(batch: readonly KvOperation[]): Promise<void> {
    const refusal = this.#refusal()
    if (refusal) return Promise.reject(refusal)
    const bytes = batchBytes(batch)
    if (this.#isFullFor(bytes)) {
      this.counters.refused++
      return Promise.reject(unavailable('too much waits for the disk already', retryWhenFullMs))
    }
    this.#unflushedBytes += bytes
    this.#waiting ??= new Flush()
    const flush = this.#waiting
    flush.batches.push(batch)
    flush.operations += batch.length
    flush.bytes += bytes
    this.#schedule()
    return flush.ended
  }

  /** Resolves when nothing waits and nothing runs; a stalled or broken disk is not waited for. */
  async drain(): Promise<void> {
    while (this.#state === 'scheduled' || this.#state === 'flushing') {
      await new Promise<void>((resolve) => this.#drained.push(resolve))
    }
    if (!this.uncertain) this.#state = 'closed'
    this.#watchdog?.cancel()
  }

  #refusal(): ActorError | undefined {
    if (this.#state === 'closed') return unavailable('the store is closed', retryWhenFailedMs)
    if (this.#state === 'stalled') return unavailable('the disk does not answer', retryWhenFailedMs)
    if (this.#state === 'broken') return unavailable('the store failed; restart the process', retryWhenFailedMs)
    return undefined
  }

  #isFullFor(bytes: number): boolean {
    const batches = (this.#waiting?.batches.length ?? 0) + (this.#running?.batches.length ?? 0)
    if (batches >= this.#limits.unflushedBatches) return true
    return this.#unflushedBytes > 0 && this.#unflushedBytes + bytes > this.#limits.unflushedBytes
  }

  #schedule(): void {
    if (this.#state !== 'idle') return
    this.#state = 'scheduled'
    this.#target.soon(() => this.#start())
  }

  #start(): void {
    const flush = this.#waiting
    if (flush === undefined) return
    this.#state = 'flushing'
    this.#running = flush
    this.#waiting = undefined
    this.#startedAt = this.#clock.monotonic()
    this.#watch(this.#limits.stallAfterMs)
    this.#target.flush(flush.batches).then(
      () => this.#flushed(),
      (error) => this.#failed(error),
    )
  }

  #flushed(): void {
    const flushed = this.#end()
    this.counters.flushes++
    this.counters.batches += flushed.batches.length
    this.counters.operations += flushed.operations
    this.counters.bytes += flushed.bytes
    flushed.resolve()
    this.#continue()
  }

  #failed(error: unknown): void {
    const leftNothing = error instanceof FlushFailed && error.leftNothing
    const failed = this.#end()
    this.counters.failures++
    if (!leftNothing) this.#state = 'broken'
    failed.reject(leftNothing ? unavailable('the disk refused the write', retryWhenFailedMs, error) : unknown(error))
    this.#continue()
  }

  #end(): Flush {
    const ended = this.#running!
    this.#running = undefined
    this.#unflushedBytes -= ended.bytes
    this.#state = 'idle'
    return ended
  }

  #continue(): void {
    if (this.#state === 'broken') this.#refuseWaiting()
    else if (this.#waiting !== undefined) this.#schedule()
    if (this.#state === 'scheduled') return
    for (const drained of this.#drained.splice(0)) drained()
  }

  #watch(delayMs: number): void {
    this.#watchdog ??= this.#clock.setTimer(delayMs, () => {
      this.#watchdog = undefined
      if (this.#state !== 'flushing') return
      const leftMs = this.#startedAt + this.#limits.stallAfterMs - this.#clock.monotonic()
      if (leftMs > 0) this.#watch(leftMs)
      else this.#stall()
    })
  }

  #stall(): void {
    this.#state = 'stalled'
    // It stays in #running: its late end is what clears the state.
    this.#running?.reject(unknown(new Error('the disk did not answer in time')))
    this.#refuseWaiting()
    for (const drained of this.#drained.splice(0)) drained()
  }

  #refuseWaiting(): void {
    const refused = this.#waiting
    if (refused === undefined) return
    this.#waiting = undefined
    this.#unflushedBytes -= refused.bytes
    refused.reject(unavailable('the disk does not answer', retryWhenFailedMs))
  }
}

function batchBytes(batch: readonly KvOperation[]): number {
  let bytes = 0
  for (const operation of batch) bytes += operation.key.length + (operation.value?.length ?? 0)
  return bytes
}

function unavailable(why: string, retryAfterMs: number, cause?: unknown): ActorError {
  return new ActorError('STORE_UNAVAILABLE', `Not stored: ${why}. Try again.`, { retryAfterMs }, cause)
}

function unknown(cause: unknown): ActorError {
  return new ActorError('OUTCOME_UNKNOWN', 'The disk failed during a flush: it may be stored or not.', {}, cause)
}
