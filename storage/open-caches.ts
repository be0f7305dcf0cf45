import type { ActorLog, Clock, Random } from '../runtime/index.js'
import { cachesInProcess } from './in-process/caches.js'
import { CACHE_TIMES, type Caches, type CacheTimes } from './ports/caches.js'
import { cachesOnRedis } from './redis/caches.js'
import { parseRedisUrl } from './redis/redis-address.js'

export interface CachesOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  /** Without it: in this process's memory. */
  readonly redis?: RedisPlace | undefined
  readonly times?: Partial<CacheTimes>
}

export interface RedisPlace {
  /** As `parseRedisUrl` takes it. */
  readonly url: string
  /** Instead of the URL's. */
  readonly password?: string
  /** Certificates (PEM) that the server's must come from; the system's unless told. */
  readonly tlsCa?: string
  /** Of one round trip; what takes longer is unknown. */
  readonly timeoutMs?: number
}

/**
 * The caches of one process. Never waits for Redis, and never fails because of it.
 *
 * @throws RangeError when the URL is none
 */
export function openCaches({ clock, random, log, redis, times: given }: CachesOptions): Caches {
  const times = { ...CACHE_TIMES, ...given }
  if (!redis) return cachesInProcess(clock, times)
  const { url, timeoutMs, ...secrets } = redis
  const address = parseRedisUrl(url)
  return cachesOnRedis({ clock, random, log, times, address, ...secrets, ...(timeoutMs && { limits: { timeoutMs } }) })
}
