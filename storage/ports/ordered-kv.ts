/**
 * What the embedded driver asks of a disk: ordered byte keys, atomic batches, one shared flush.
 *
 * K1. A batch is atomic: a reader, and a crash, sees all of it or nothing.
 * K2. Batches become visible and durable in the order they were given to `write`.
 * K3. `write` resolves when the batch is flushed; reads see flushed batches only.
 * K4. A `write` that rejects with STORE_UNAVAILABLE left nothing and never will; one that rejects with OUTCOME_UNKNOWN
 *     may be there now or later, and `uncertain` is true until that is decided.
 * K5. Concurrent batches share a flush; what waits for one is bounded in bytes and count (STORE_UNAVAILABLE beyond).
 */
export interface OrderedKv {
  /** The value, which the caller may keep; undefined where there is none. */
  get(key: Uint8Array): Uint8Array | undefined
  /** Pairs with start <= key < end in key order (`reverse`: from the end). Lazy: reads no further than it is consumed. */
  range(range: KvRange): Iterable<KvPair>
  /** The batch and its bytes must not change until it settles. Later operations on one key win over earlier ones. */
  write(batch: readonly KvOperation[]): Promise<void>
  /** True while the fate of some earlier batch is unknown (K4): what is read now may change without a `write`. */
  readonly uncertain: boolean
  readonly counters: KvCounters
  /** Waits until all that was written is flushed, then releases the disk. */
  close(): Promise<void>
}

export interface KvPair {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface KvRange {
  readonly start: Uint8Array
  readonly end: Uint8Array
  readonly limit?: number
  readonly reverse?: boolean
}

/** A put, or with `value` undefined a removal. */
export interface KvOperation {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Since the start of the process. */
export interface KvCounters {
  /** Flushes to disk that ended well: far fewer than `batches` under load. */
  readonly flushes: number
  /** Batches that were acknowledged. */
  readonly batches: number
  /** Puts and removals acknowledged. */
  readonly operations: number
  /** Bytes of keys and values acknowledged. */
  readonly bytes: number
  /** Flushes that failed. */
  readonly failures: number
  /** Batches refused because too much waited already. */
  readonly refused: number
  /** Values asked for and ranges begun. */
  readonly reads: number
}
