import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { errorCode, refusalReason, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { accountRow } from '../contract/account-store.suite.js'
import type { NameKey } from '../ports/name-directory.js'
import { newDatabases } from '../testing/postgres-harness.js'
import { PrivatePostgres } from '../testing/private-postgres.js'
import { openPostgresStorage, type PostgresStorage } from './open.js'
import type { ServerAddress } from './server-list.js'
import { families, indexShard, nameShard, type ShardKey } from './shard.js'
import { type MoveStep, moveShards } from './shard-move.js'

const servers: PrivatePostgres[] = []
let addresses: readonly ServerAddress[]
let storage: PostgresStorage

beforeAll(async () => {
  servers.push(...(await Promise.all([PrivatePostgres.start(), PrivatePostgres.start()])))
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.dispose()))
})
beforeEach(async () => {
  addresses = await newDatabases(servers)
  storage = await openPostgresStorage({ servers: addresses, clock: systemClock, log: noLog })
  return () => storage.close()
})

const move = (shards: readonly ShardKey[], to: string, onStep?: (step: MoveStep) => void) =>
  moveShards(shards, { servers: addresses, to, nowMs: () => performance.now(), ...(onStep && { onStep }) })

/** The shard of each family that everything in these tests lies in. */
const SHARD = 5
const all: readonly ShardKey[] = families.map((family) => ({ family, shard: SHARD }))
const account = (n: number) => n * 1024 + SHARD
const names: readonly NameKey[] = Array.from({ length: 60_000 }, (_, n) => ({
  kind: 'username' as const,
  name: `name${n}`,
})).filter((key) => nameShard(key) === SHARD)
const prefix = Array.from({ length: 26 * 36 * 36 }, (_, n) => (n + 10 * 36 * 36).toString(36)).find(
  (text) => indexShard(text) === SHARD,
)!

async function heldBy(shard: ShardKey): Promise<string[]> {
  const held: string[] = []
  for (const [at, server] of servers.entries()) {
    const database = new URL(addresses[at]!.url).pathname.slice(1)
    const rows = await server.sql<{ state: string }>(
      `SELECT state FROM held_shard WHERE family = '${shard.family}' AND shard = ${shard.shard}`,
      database,
    )
    for (const { state } of rows) held.push(`${addresses[at]!.name} ${state}`)
  }
  return held
}

describe('a shard that moves', () => {
  test('H1-H3: under load, to and fro: no call fails, nothing acknowledged is lost, no name is given twice', async () => {
    const versions = new Map<number, number>()
    const holders = new Map<string, number>()
    let calls = 0
    let isOver = false
    async function write(worker: number) {
      for (let n = 1; !isOver; n++) {
        const id = account(worker * 100 + (n % 20))
        await storage.accounts.put(accountRow(id, { version: { pts: n, ordinal: 0 }, firstName: `${n}` }))
        versions.set(id, Math.max(n, versions.get(id) ?? 0))
        const [row] = await storage.accounts.get([{ id, atLeast: { pts: n, ordinal: 0 } }])
        expect(row?.firstName).toBe(`${n}`)
        const key = names[n % names.length]!
        const { holder, token } = await storage.directory.reserve({ ...key, user: worker, atMs: n })
        expect(holders.get(key.name) ?? holder).toBe(holder)
        holders.set(key.name, holder)
        if (holder === worker) await storage.directory.confirm({ ...key, user: worker, token })
        await storage.names.put(`${prefix}_${worker}`, worker)
        calls += 5
      }
    }
    const load = Promise.all([1, 2, 3, 4, 5, 6].map(write))
    const moves = []
    for (let round = 0; round < 6; round++) {
      moves.push(...(await move(all, addresses[(round + 1) % 2]!.name)))
    }
    isOver = true
    await load
    expect(moves).toHaveLength(18)
    expect(calls).toBeGreaterThan(500)
    const ids = [...versions.keys()]
    const rows = await storage.accounts.get(ids.map((id) => ({ id })))
    expect(rows.map((row) => row?.version.pts)).toEqual(ids.map((id) => versions.get(id)))
    const found = await storage.directory.find([...holders.keys()].map((name) => ({ kind: 'username', name })))
    expect(found.map((record) => record?.holder)).toEqual([...holders.values()])
    expect(found.every((record) => record?.owned)).toBe(true)
    expect(await storage.names.prefix(prefix, 10)).toHaveLength(6)
    for (const shard of all) expect((await heldBy(shard)).sort()).toEqual(['server-0 held', 'server-1 moved'])
  })

  test.each(['copied', 'locked', 'marked', 'held', 'emptied'] as const)(
    'H3: cut off when it was %s, the same call goes on, and one server serves',
    async (last) => {
      const [shard] = all
      await storage.accounts.put(accountRow(account(1), { firstName: 'before' }))
      const cut = move([shard!], 'server-1', (step) => {
        if (step === last) throw new Error('cut off')
      })
      await expect(cut).rejects.toThrow('cut off')
      expect((await heldBy(shard!)).filter((text) => text.endsWith(' held')).length).toBeLessThanOrEqual(1)
      if (last === 'copied' || last === 'locked') {
        await storage.accounts.put(accountRow(account(1), { firstName: 'meanwhile', version: { pts: 2, ordinal: 0 } }))
      }
      await move([shard!], 'server-1')
      expect(await heldBy(shard!)).toEqual(['server-0 moved', 'server-1 held'])
      const [row] = await storage.accounts.get([{ id: account(1) }])
      expect(row?.firstName).toBe(last === 'copied' || last === 'locked' ? 'meanwhile' : 'before')
    },
  )

  test('is refused to go where there is no server, or elsewhere while it is on its way', async () => {
    const [shard] = all
    const reason = (promise: Promise<unknown>) => promise.then(() => undefined, refusalReason)
    expect(await reason(move([shard!], 'nowhere'))).toBe('NO_SUCH_SERVER')
    expect(await move([shard!], 'server-0')).toEqual([])
    await expect(
      move([shard!], 'server-1', (step) => {
        if (step === 'marked') throw new Error('cut off')
      }),
    ).rejects.toThrow('cut off')
    expect(await reason(move([shard!], 'server-0'))).toBe('BEING_MOVED')
  })

  test('H5: a target that freezes during the switch holds nobody up for long', async () => {
    const [shard] = all
    await storage.accounts.put(accountRow(account(1)))
    let isFrozen = false
    const moving = move([shard!], 'server-1', (step) => {
      if (step !== 'copied') return
      servers[1]!.freeze()
      isFrozen = true
    })
    const failed = expect(moving).rejects.toThrow()
    const put = () => storage.accounts.put(accountRow(account(1), { version: { pts: 2, ordinal: 0 }, firstName: 'on' }))
    const waitsForSwitch = async () => {
      const [{ waiting = 0 } = {}] = await servers[0]!.sql<{ waiting: number }>(
        `SELECT count(*)::integer AS waiting FROM pg_stat_activity WHERE state = 'idle in transaction'`,
      )
      return waiting > 0
    }
    while (!isFrozen || !(await waitsForSwitch())) await pause(20)
    for (;;) {
      const isPut = await put().then(
        () => true,
        (error) => {
          expect(errorCode(error)).toMatch(/^(STORE_UNAVAILABLE|OUTCOME_UNKNOWN)$/)
          return false
        },
      )
      if (isPut) break
    }
    servers[1]!.thaw()
    await failed
    expect(await heldBy(shard!)).toEqual(['server-0 held', 'server-1 arriving'])
    await move([shard!], 'server-1')
    expect((await storage.accounts.get([{ id: account(1) }]))[0]?.firstName).toBe('on')
  })

  test('rows of other shards stay where they are', async () => {
    await storage.accounts.put(accountRow(6))
    await storage.accounts.put(accountRow(account(0)))
    await move(all, 'server-1')
    const counted = await servers[0]!.sql<{ ids: string }>(
      `SELECT string_agg(id::text, ',') AS ids FROM account`,
      new URL(addresses[0]!.url).pathname.slice(1),
    )
    expect(counted[0]?.ids).toBe('6')
    expect((await storage.accounts.get([{ id: 6 }, { id: account(0) }])).map((row) => row?.id)).toEqual([6, 5])
  })
})
