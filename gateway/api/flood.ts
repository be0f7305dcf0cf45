import type { Clock } from '../../runtime/index.js'
import { FloodSharing, type RateStore } from './flood-sharing.js'
import { Lru } from './lru.js'

/** A token bucket: `burst` calls at once, then `perSecond`. */
export interface FloodRule {
  readonly burst: number
  readonly perSecond: number
}

/** What a call cost beyond one call, at most, in seconds of its method's rate: clients sleep that long. */
const LONGEST_DEBT_SECONDS = 10

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
 * Flood limits per account and method. A call that costs as much as several (a search through very many messages, a
 * message to very many members) counts as that many, once it is known. A forgotten bucket starts full again, which only
 * ever favours the caller. Each gateway has buckets of its own; with a shared counter they come to hold for all gateways
 * together (flood-sharing.ts).
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
    const { bucket, key, burst, perMs } = this.#filled(who, method, rule)
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perMs / 1000))
    bucket.tokens -= 1
    this.#sharing?.used(key, bucket, burst, perMs)
    return 0
  }

  /** What a call that was taken cost beyond one; later calls wait for it. */
  spend(who: string, method: string, calls: number, rule: FloodRule = DEFAULT_FLOOD_RULE): void {
    if (calls < 1) return
    const { bucket, key, burst, perMs } = this.#filled(who, method, rule)
    const most = bucket.tokens + LONGEST_DEBT_SECONDS * 1000 * perMs
    const spent = Math.floor(Math.min(calls, Math.max(0, most)))
    bucket.tokens -= spent
    if (spent > 0) this.#sharing?.used(key, bucket, burst, perMs, spent)
  }

  #filled(who: string, method: string, rule: FloodRule) {
    const scale = this.#limits.percent / 100
    const burst = Math.max(1, rule.burst * scale)
    const perMs = (rule.perSecond * scale) / 1000
    const now = this.#clock.monotonic()
    const key = `${who} ${method}`
    const bucket = this.#buckets.get(key) ?? this.#opened(key, burst, now)
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.atMs) * perMs)
    bucket.atMs = now
    return { bucket, key, burst, perMs }
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
