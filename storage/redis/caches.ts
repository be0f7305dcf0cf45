import type { ActorLog, Clock, Random } from '../../runtime/index.js'
import type { Caches, CacheTimes } from '../ports/caches.js'
import { countsOnRedis } from './counts.js'
import { locationsOnRedis } from './locations.js'
import { LossWatch } from './loss-watch.js'
import { presenceOnRedis } from './presence.js'
import { ratesOnRedis } from './rates.js'
import type { RedisAddress } from './redis-address.js'
import { connectRedis } from './redis-client.js'
import { type LinkLimits, RedisLink } from './redis-link.js'
import { sessionsOnRedis } from './sessions.js'

export interface RedisLimits extends LinkLimits {
  readonly connectTimeoutMs: number
  readonly silenceMs: number
  readonly longestRetryMs: number
  readonly watchEveryMs: number
}

const REDIS_LIMITS: RedisLimits = {
  timeoutMs: 100,
  perArgumentMs: 0.02,
  inFlight: 50_000,
  failures: 3,
  retryAfterMs: 1_000,
  complainEveryMs: 60_000,
  connectTimeoutMs: 1_000,
  silenceMs: 5_000,
  longestRetryMs: 1_000,
  watchEveryMs: 1_000,
}

export interface RedisCachesOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  readonly times: CacheTimes
  readonly address: RedisAddress
  /** Instead of the address's. */
  readonly password?: string
  readonly tlsCa?: string
  /** What all keys begin with. */
  readonly prefix?: string
  readonly limits?: Partial<RedisLimits>
}

/** Caches on Redis. Returns at once: until it is connected, everything is unknown. */
export function cachesOnRedis(options: RedisCachesOptions): Caches {
  const { clock, random, log, times, prefix = 'heliograph' } = options
  const limits = { ...REDIS_LIMITS, ...options.limits }
  let link: RedisLink | undefined
  const client = connectRedis({
    ...options,
    ...limits,
    onError: (error) => link?.noteError(error),
    later: (delayMs, then) => void clock.setTimer(delayMs, then),
  })
  link = new RedisLink(client, clock, log, limits)
  const mark = `${prefix}:mark:${random.bytes(8).toString('hex')}`
  const { watchEveryMs: everyMs, complainEveryMs } = limits
  const watch = new LossWatch({ link, clock, log, mark, everyMs, complainEveryMs })
  const opened = link
  return {
    sessions: sessionsOnRedis(link, clock, prefix, times.sessionMs),
    presence: presenceOnRedis(link, clock, prefix, times),
    rates: ratesOnRedis(link, prefix),
    counts: countsOnRedis(link, prefix, times.countMs),
    locations: locationsOnRedis(link, prefix, times.locationMs),
    isShared: true,
    onLoss: (rewrite) => watch.onLoss(rewrite),
    figures: () => ({ ...opened.figures(), evicted: watch.evicted }),
    async close() {
      watch.close()
      opened.close()
    },
  }
}
