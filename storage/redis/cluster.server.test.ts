import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisGroup, startRedisCluster } from '../../test/harness/redis-groups.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { cachesSuite } from '../contract/caches.suite.js'
import { CACHE_TIMES } from '../ports/caches.js'
import { cachesAt, PATIENT } from '../testing/redis-caches.js'
import { keySlot } from './key-slot.js'

let cluster: RedisGroup
beforeAll(async () => {
  cluster = await startRedisCluster(3)
})
afterAll(() => cluster?.dispose())

cachesSuite('a Redis Cluster of three', (times) =>
  cachesAt(cluster.url, { times: { ...CACHE_TIMES, ...times }, limits: PATIENT }),
)

test('slots are computed as the servers do it', async () => {
  for (const key of ['', 'a', 'heliograph:seen:{p12}', '{}x', '{a}{b}', 'ü{ü', '123456789'])
    expect(keySlot(key)).toBe(await cluster.servers[0]!.ask('CLUSTER', 'KEYSLOT', key))
})

test('with one primary gone, what lies on the others is known, at once, and the rest is unknown', async () => {
  const caches = await cachesAt(cluster.url)
  const channels = Array.from({ length: 60 }, (_, at) => at)
  const knownAmong = async () => (await caches.counts.of(channels)).filter((count) => count !== undefined).length
  await waitUntil('all are put', () => caches.counts.put(channels.map((channel) => ({ channel, count: channel }))))
  await waitUntil('all are known', async () => (await knownAmong()) === 60)
  cluster.servers[2]!.freeze()
  await waitUntil('those on the two others are known, the rest is not', async () => {
    const startMs = performance.now()
    const known = await knownAmong()
    return known > 20 && known < 60 && performance.now() - startMs < 80
  })
  cluster.servers[2]!.thaw()
  await waitUntil('all are known again', async () => (await knownAmong()) === 60)
  await caches.close()
})
