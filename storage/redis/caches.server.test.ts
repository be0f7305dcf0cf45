import { afterAll, beforeAll } from 'vitest'
import { type RedisServer, startRedis } from '../../test/harness/redis-server.js'
import { cachesSuite } from '../contract/caches.suite.js'
import { CACHE_TIMES } from '../ports/caches.js'
import { cachesAt, PATIENT } from '../testing/redis-caches.js'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis?.dispose())

cachesSuite('Redis', (times) => cachesAt(redis.url, { times: { ...CACHE_TIMES, ...times }, limits: PATIENT }))
