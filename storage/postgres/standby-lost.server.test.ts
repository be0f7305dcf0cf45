/**
 * C1, C2 and P2: a primary whose synchronous standby is lost keeps every session that writes, for as long as the standby
 * is away. What the program may do then is bounded, and reads go on.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCode, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { slowLink } from '../../test/harness/slow-link.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { accountRow } from '../contract/account-store.suite.js'
import { newDatabases } from '../testing/postgres-harness.js'
import { PrivatePostgres } from '../testing/private-postgres.js'
import { openPostgresStorage, type PostgresStorage } from './open.js'
import type { ServerAddress } from './server-list.js'

const longMs = 180_000
const limits = {
  readConnectionsAServer: 2,
  writeConnectionsAServer: 4,
  connectWithinMs: 1_000,
  statementWithinMs: 300,
  repeatForMs: 500,
  pauseMs: 100,
}
const mostBackends = limits.readConnectionsAServer + limits.writeConnectionsAServer
let primary: PrivatePostgres
let standby: PrivatePostgres
let servers: readonly ServerAddress[]
let storage: PostgresStorage

const open = (to = servers) => openPostgresStorage({ servers: to, clock: systemClock, log: noLog, limits })

beforeAll(async () => {
  const pair = await PrivatePostgres.pair()
  primary = pair.primary
  standby = pair.standby
  servers = await newDatabases([primary])
  storage = await open()
}, longMs)
afterAll(async () => {
  await storage?.close()
  await primary?.dispose()
}, longMs)

/** Eight that take a name and write a row without a pause, and read what they wrote. */
class Load {
  readonly owners = new Map<string, number>()
  attempts = 0
  reads = 0
  readonly codes = new Set<unknown>()
  #isOver = false
  readonly #running = [1, 2, 3, 4, 5, 6, 7, 8].map((user) => this.#run(user))

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#running)
  }

  async #run(user: number): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      const key = { kind: 'username', name: `lost_${user}_${n}` } as const
      try {
        this.attempts++
        const { token } = await storage.directory.reserve({ ...key, user, atMs: Date.now() })
        await storage.directory.confirm({ ...key, user, token })
        this.owners.set(key.name, user)
      } catch (error) {
        this.codes.add(errorCode(error))
      }
      await storage.directory.find([key])
      this.reads++
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

async function backends(): Promise<number> {
  const text = `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE application_name = 'heliograph'`
  const [row] = await primary.sql<{ count: number }>(text)
  return row?.count ?? -1
}

test(
  'the standby is lost under load: sessions stay within their bound, reads are answered, and all goes on when it is back',
  async () => {
    const load = new Load()
    await waitUntil('names are taken', () => load.owners.size > 50, longMs)
    await standby.kill()
    await waitUntil('a write is without its answer', () => load.codes.has('OUTCOME_UNKNOWN'), longMs)
    const before = { taken: load.owners.size, attempts: load.attempts, reads: load.reads }
    let most = 0
    await waitUntil(
      'it was tried again and again',
      async () => {
        most = Math.max(most, await backends())
        return load.attempts > before.attempts + 2_000 || most > mostBackends + 1
      },
      longMs,
    )
    // One more asks what became of the others.
    expect(most).toBeLessThanOrEqual(mostBackends + 1)
    expect(load.owners.size).toBe(before.taken)
    expect(load.reads).toBeGreaterThan(before.reads + 1_000)

    const other = await open()
    await expect(other.accounts.put(accountRow(1, { version: { pts: 1, ordinal: 0 } }))).rejects.toThrow()
    await other.close()

    await primary.start()
    await waitUntil('all goes on', () => load.owners.size > before.taken + 50, longMs)
    await load.end()
    const names = [...load.owners.keys()]
    const found = await storage.directory.find(names.map((name) => ({ kind: 'username', name })))
    expect(found.map((record) => record?.holder)).toEqual(names.map((name) => load.owners.get(name)))
    expect([...load.codes].filter((code) => code !== 'STORE_UNAVAILABLE' && code !== 'OUTCOME_UNKNOWN')).toEqual([])
  },
  longMs,
)

test(
  'C2: a connection that vanished on the way is given up when the server says that it does nothing for it',
  async () => {
    const link = await slowLink(primary.port)
    const through = await open([
      { ...servers[0]!, url: servers[0]!.url.replace(`:${primary.port}/`, `:${link.port}/`) },
    ])
    try {
      const put = (pts: number) => through.accounts.put(accountRow(5, { version: { pts, ordinal: 0 } }))
      await put(1)
      link.swallow()
      await expect(put(2)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
      const isStored = (pts: number) =>
        put(pts).then(
          () => true,
          () => false,
        )
      await waitUntil('writes go on over a new connection', () => isStored(3), longMs)
    } finally {
      await through.close()
      await link.dispose()
    }
  },
  longMs,
)
