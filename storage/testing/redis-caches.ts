import { systemClock, systemRandom } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { CACHE_TIMES, type Caches } from '../ports/caches.js'
import { cachesOnRedis, type RedisCachesOptions } from '../redis/caches.js'
import { parseRedisUrl } from '../redis/redis-address.js'

/** Caches on a real Redis, with keys of their own unless told, that answer already. */
export async function cachesAt(url: string, options: Partial<RedisCachesOptions> = {}): Promise<Caches> {
  const caches = startCachesAt(url, options)
  await waitUntil('Redis answers', async () => (await caches.presence.count()) !== undefined)
  return caches
}

/** The same, without waiting for an answer. */
export function startCachesAt(url: string, options: Partial<RedisCachesOptions> = {}): Caches {
  return cachesOnRedis({
    clock: systemClock,
    random: systemRandom,
    log: noLog,
    address: parseRedisUrl(url),
    prefix: `test-${systemRandom.bytes(6).toString('hex')}`,
    ...options,
    times: { ...CACHE_TIMES, ...options.times },
  })
}

/** For suites: a busy machine is no reason to be told "unknown" there. */
export const PATIENT = { timeoutMs: 10_000 } as const
