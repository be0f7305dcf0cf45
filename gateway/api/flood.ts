import type { Clock } from '../../runtime/index.js'
import { FloodSharing, type RateStore } from './flood-sharing.js'
import { Lru } from './lru.js'

/** A token bucket: `burst` calls at once, then `perSecond`. */
export interface FloodRule {
  readonly burst: number
  readonly perSecond: number
}

/** For methods that name none: a client test of 1,000 calls in 5 s passes. */
const DEFAULT_FLOOD_RULE: FloodRule = { burst: 3000, perSecond: 300 }

interface Bucket {
  tokens: number
  /** Monotonic, milliseconds: when `tokens` was true. */
  atMs: number
}

export interface FloodLimits {
  /** Buckets kept, one an account (or auth key) and method; beyond it the least recently used is forgotten. */
  readonly buckets: number
  /** Scales burst and rate of every rule. */
  readonly percent: number
}

const defaultFloodLimits: FloodLimits = { buckets: 200_000, percent: 100 }

/**
 * Flood limits per account and method. A forgotten bucket starts full again, which only ever favours the caller. Each
 * gateway has buckets of its own; with a shared counter they come to hold for all gateways together (flood-sharing.ts).
 */
export class FloodGate {
  readonly #clock: Clock
  readonly #limits: FloodLimits
  readonly #buckets: Lru<string, Bucket>
  readonly #sharing: FloodSharing | undefined

  constructor(clock: Clock, limits: Partial<FloodLimits> = {}, rates?: RateStore) {
    this.#clock = clock
    this.#limits = { ...defaultFloodLimits, ...limits }
    this.#buckets = new Lru(this.#limits.buckets)
    this.#sharing = rates && new FloodSharing(clock, rates)
  }

  /** Takes one call of `who`. 0, or the whole seconds after which the next one would pass. */
  take(who: string, method: string, rule: FloodRule = DEFAULT_FLOOD_RULE): number {
    const scale = this.#limits.percent / 100
    const burst = Math.max(1, rule.burst * scale)
    const perMs = (rule.perSecond * scale) / 1000
    const now = this.#clock.monotonic()
    const key = `${who} ${method}`
    const bucket = this.#buckets.get(key) ?? this.#opened(key, burst, now)
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.atMs) * perMs)
    bucket.atMs = now
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perMs / 1000))
    bucket.tokens -= 1
    this.#sharing?.used(key, bucket, burst, perMs)
    return 0
  }

  stop(): void {
    this.#sharing?.stop()
  }

  get size(): number {
    return this.#buckets.size
  }

  #opened(key: string, tokens: number, atMs: number): Bucket {
    const bucket = { tokens, atMs }
    this.#buckets.set(key, bucket)
    return bucket
  }
}
