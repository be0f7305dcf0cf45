/**
 * Redis fails in every way while real clients send: nothing is lost, nothing comes twice, no call fails or waits because
 * of it, and once it is back presence and sessions are in it again without anybody's doing.
 */
import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { TelegramClient } from '@mtcute/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { cachesAt, PATIENT } from '../../storage/testing/index.js'
import { mtcuteClient, type ServerProcess, smallDisk, startServer, testPhone, waitUntil } from '../harness/index.js'
import { type RedisServer, startRedis } from '../harness/redis-server.js'
import { type SlowLink, slowLink } from '../harness/slow-link.js'
import { history } from '../harness/witness.js'

/** How long Redis is away; a minute by hand: `HELIOGRAPH_TEST_AWAY_MS=60000 npm test -- test/caches`. */
const awayMs = Number(process.env.HELIOGRAPH_TEST_AWAY_MS ?? 2_000)
/** A call that takes longer waits for something that it must not wait for. */
const patienceMs = 5_000

let redis: RedisServer
let link: SlowLink
let server: ServerProcess
let anna: TelegramClient
let bert: TelegramClient
let annasId: number
let load: Load
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  redis = await startRedis({ settings: ['--enable-protected-configs', 'yes'] })
  ends.push(() => redis.dispose())
  link = await slowLink(redis.port)
  ends.push(() => link.dispose())
  server = await startServer({ env: { HELIOGRAPH_REDIS_URL: `redis://127.0.0.1:${link.port}` } })
  ends.push(() => server.dispose())
  anna = await mtcuteClient(server, { phone: testPhone(1), username: 'anna_redis' })
  ends.push(() => anna.destroy())
  bert = await mtcuteClient(server, { phone: testPhone(2), username: 'bert_redis' })
  ends.push(() => bert.destroy())
  annasId = (await anna.getMe()).id
  await bert.call({
    _: 'contacts.addContact',
    id: await bert.resolveUser('anna_redis'),
    firstName: 'Anna',
    lastName: '',
    phone: '',
  })
})
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Both send to each other and look who is online, over and over; every call has to succeed at once. */
interface Load {
  readonly sent: { readonly anna: string[]; readonly bert: string[] }
  readonly failures: unknown[]
  /** Resolves when each has sent and looked several times more. */
  goesOn(): Promise<void>
  stop(): Promise<void>
}

let round = 0
function startLoad(): Load {
  const name = `round ${++round}`
  const sent: Load['sent'] = { anna: [], bert: [] }
  const failures: unknown[] = []
  let looks = 0
  let isStopped = false
  const timed = async (what: string, call: () => Promise<unknown>) => {
    const startMs = performance.now()
    await call().catch((error: unknown) => failures.push({ what, error }))
    const tookMs = performance.now() - startMs
    if (tookMs > patienceMs) failures.push({ what, tookMs })
  }
  const sends = async (who: TelegramClient, to: string, texts: string[]) => {
    while (!isStopped) {
      const text = `${name}: ${to} ${texts.length}`
      await timed(text, () => who.sendText(to, text))
      texts.push(text)
    }
  }
  const looksOn = async () => {
    while (!isStopped) {
      await timed('getStatuses', async () => {
        const statuses = await bert.call({ _: 'contacts.getStatuses' })
        expect(statuses).toMatchObject([{ userId: annasId, status: { _: 'userStatusOnline' } }])
      })
      looks++
      await pause(5)
    }
  }
  const running = [sends(anna, 'bert_redis', sent.anna), sends(bert, 'anna_redis', sent.bert), looksOn()]
  return {
    sent,
    failures,
    async goesOn() {
      const [annas, berts, seen] = [sent.anna.length + 20, sent.bert.length + 20, looks + 10]
      const isOn = () => sent.anna.length >= annas && sent.bert.length >= berts && looks >= seen
      await waitUntil('the load goes on', isOn, 30_000)
    },
    async stop() {
      isStopped = true
      await Promise.all(running)
    },
  }
}

const answers = async () => (await server.metrics()).sum('heliograph_cache_answers') === 1

async function expectRebuilt(): Promise<void> {
  await waitUntil('the server says that Redis answers', answers)
  const caches = await cachesAt(redis.url, { prefix: 'heliograph', limits: PATIENT })
  try {
    await waitUntil('Anna is online in Redis', async () => (await caches.presence.onlineAmong([annasId]))[0])
    const [seen] = await caches.presence.of([annasId])
    expect(seen?.onlineUntilMs).toBeGreaterThan(Date.now())
    await waitUntil('her session is in Redis', async () => (await caches.sessions.of([annasId]))[0]?.length === 1)
  } finally {
    await caches.close()
  }
}

beforeEach(async () => {
  await anna.call({ _: 'account.updateStatus', offline: false })
  await expectRebuilt()
  load = startLoad()
  await load.goesOn()
})

/** Whatever was done to Redis. */
async function heal(): Promise<void> {
  link.delayMs = 0
  redis.thaw()
  if (!redis.isRunning()) await redis.restart()
  await redis.ask('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
}

afterEach(async () => {
  await load.stop()
  await heal()
})

async function expectAllOnce(): Promise<void> {
  await load.goesOn()
  await load.stop()
  expect(load.failures).toEqual([])
  const annas = (await history(anna, 'bert_redis')).map(({ text }) => text)
  const berts = (await history(bert, 'anna_redis')).map(({ text }) => text)
  expect(berts).toEqual(annas)
  for (const texts of [load.sent.anna, load.sent.bert]) {
    const wanted = new Set(texts)
    expect(annas.filter((text) => wanted.has(text))).toEqual(texts)
  }
}

test('killed', async () => {
  await redis.kill9()
  await waitUntil('the server goes on without it', async () => !(await answers()))
  await expectAllOnce()
})

test('back after a while, empty', { timeout: 60_000 + awayMs }, async () => {
  await redis.kill9()
  await waitUntil('the server goes on without it', async () => !(await answers()))
  await load.goesOn()
  await pause(awayMs)
  await redis.restart()
  await expectRebuilt()
  await expectAllOnce()
})

test('frozen', async () => {
  redis.freeze()
  await waitUntil('the server goes on without it', async () => !(await answers()))
  await load.goesOn()
  redis.thaw()
  await expectRebuilt()
  await expectAllOnce()
})

test('slow: 200 ms', async () => {
  link.delayMs = 200
  await waitUntil('the server goes on without it', async () => !(await answers()))
  await load.goesOn()
  link.delayMs = 0
  await expectRebuilt()
  await expectAllOnce()
})

/** Somebody else's keys, more and more of them, in what little memory there is. */
function crowding(): { stop(): Promise<void> } {
  let isOver = false
  const crowds = async () => {
    for (let n = 0; !isOver; n++) await redis.ask('SET', `other:${n}`, 'x'.repeat(1_000)).catch(() => pause(1))
  }
  const running = crowds()
  return {
    async stop() {
      isOver = true
      await running
    },
  }
}

test.each([
  ['refuses', 'noeviction', 'heliograph_cache_refused_total'],
  ['gives up keys', 'allkeys-random', 'heliograph_cache_evicted_total'],
])('full memory: it %s', async (_, policy, figure) => {
  const counted = async () => (await server.metrics()).sum(figure)
  const before = await counted()
  const [, used] = /used_memory:(\d+)/.exec(String(await redis.ask('INFO', 'memory')))!
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', Number(used) + 100_000)
  const others = crowding()
  try {
    await waitUntil('the server counts it', async () => {
      await anna.call({ _: 'account.updateStatus', offline: false })
      return (await counted()) > before
    })
    await load.goesOn()
  } finally {
    await others.stop()
  }
  await redis.ask('CONFIG', 'SET', 'maxmemory', '0')
  await expectRebuilt()
  await expectAllOnce()
})

test('full disk', async () => {
  const disk = smallDisk(1)
  try {
    disk.fill()
    await redis.ask('CONFIG', 'SET', 'dir', disk.dir, 'save', '3600 1')
    const isSaved = async (status: string) => {
      await redis.ask('BGSAVE').catch(() => undefined)
      return String(await redis.ask('INFO', 'persistence')).includes(`rdb_last_bgsave_status:${status}`)
    }
    await waitUntil('Redis finds no room', () => isSaved('err'))
    const refused = async () => (await server.metrics()).sum('heliograph_cache_refused_total')
    const before = await refused()
    await anna.call({ _: 'account.updateStatus', offline: false })
    await waitUntil('Redis refuses', async () => (await refused()) > before)
    await load.goesOn()
    disk.empty()
    await waitUntil('Redis finds room', () => isSaved('ok'))
    await expectRebuilt()
    await expectAllOnce()
  } finally {
    await redis.ask('CONFIG', 'SET', 'dir', tmpdir(), 'save', '')
    disk.dispose()
  }
})

test('flushed', async () => {
  await redis.ask('FLUSHALL')
  await expectRebuilt()
  await expectAllOnce()
})

test('refused when the server starts, and there later', async () => {
  await load.stop()
  await redis.kill9()
  await server.restart()
  await waitUntil('the clients are back', async () => (await anna.getMe()).id === annasId)
  await anna.call({ _: 'account.updateStatus', offline: false })
  load = startLoad()
  await load.goesOn()
  await redis.restart()
  await expectRebuilt()
  await expectAllOnce()
})

test('a server that stops takes its sessions with it', async () => {
  await load.stop()
  await server.stop()
  const caches = await cachesAt(redis.url, { prefix: 'heliograph', limits: PATIENT })
  expect(await caches.sessions.of([annasId])).toEqual([[]])
  await caches.close()
})
