import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/wait-until.js'
import { type PrivateService, startPrivateService } from '../../test/services.js'
import { parseRedisUrl } from './redis-address.js'
import { connectRedis, type RedisClient } from './redis-client.js'

let server: PrivateService
beforeAll(async () => {
  server = await startPrivateService('redis')
}, 120_000)
afterAll(() => server?.dispose(), 60_000)

function connected(database: number) {
  const errors: string[] = []
  const client: RedisClient = connectRedis({
    address: parseRedisUrl(`${server.url.replace(/[/]\d*$/, '')}/${database}`),
    ...{ connectTimeoutMs: 5_000, silenceMs: 5_000, longestRetryMs: 100 },
    onError: (error) => errors.push(error.message),
    later: (delayMs, then) => void setTimeout(then, delayMs),
  })
  return { client, errors }
}

test('a database that the server has is used; for one that it has not, nothing is written anywhere', async () => {
  const there = connected(3)
  const nowhere = connected(99)
  const admin = new Redis(server.url)
  try {
    await waitUntil('it answers', async () => 'value' in (await there.client.send([['SET', 'heliograph:a', '1']]))[0]!)
    await waitUntil('it is refused', async () => {
      await nowhere.client.send([['SET', 'heliograph:b', '1']])
      return nowhere.errors.some((message) => message.startsWith('database 99 of HELIOGRAPH_REDIS_URL'))
    })
    expect((await nowhere.client.send([['SET', 'heliograph:b', '1']]))[0]).toHaveProperty('error')
    expect(await admin.dbsize()).toBe(0)
    await admin.select(3)
    expect(await admin.keys('*')).toEqual(['heliograph:a'])
  } finally {
    there.client.close()
    nowhere.client.close()
    admin.disconnect()
  }
}, 60_000)
