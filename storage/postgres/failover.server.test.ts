/**
 * A primary dies and its synchronous standby takes its place, as docs/operations.md has it: what was acknowledged is there,
 * no name has two owners, and a program that runs goes on at the same address.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCode, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { type SlowLink, slowLink } from '../../test/harness/slow-link.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { accountRow } from '../contract/account-store.suite.js'
import { newDatabases } from '../testing/postgres-harness.js'
import { PrivatePostgres } from '../testing/private-postgres.js'
import { openPostgresStorage, type PostgresStorage } from './open.js'

const longMs = 120_000
let primary: PrivatePostgres
let standby: PrivatePostgres
/** The address that clients know. */
let address: SlowLink
let storage: PostgresStorage

beforeAll(async () => {
  const pair = await PrivatePostgres.pair()
  primary = pair.primary
  standby = pair.standby
  address = await slowLink(primary.port)
  const [{ url, name } = { url: '', name: '' }] = await newDatabases([primary])
  const servers = [{ name, url: url.replace(`:${primary.port}/`, `:${address.port}/`) }]
  const limits = { connectWithinMs: 1_000, statementWithinMs: 2_000, repeatForMs: 1_000, pauseMs: 100 }
  storage = await openPostgresStorage({ servers, clock: systemClock, log: noLog, limits })
}, longMs)
afterAll(async () => {
  await storage?.close()
  await address?.dispose()
  await primary?.dispose()
}, longMs)

/** Takes names and writes rows, one after another, and keeps what was acknowledged; waits out what is not answered. */
class Load {
  readonly owners = new Map<string, number>()
  readonly versions = new Map<number, number>()
  readonly codes = new Set<unknown>()
  #isOver = false
  readonly #running = [1, 2, 3, 4].map((user) => this.#run(user))

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#running)
  }

  async #run(user: number): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      // Each name is wanted by two.
      const key = { kind: 'username', name: `name_${Math.floor(user / 2)}_${n}` } as const
      const record = await this.#told(() => storage.directory.reserve({ ...key, user, atMs: Date.now() }))
      if (record?.holder === user) {
        const confirmed = await this.#told(() =>
          storage.directory.confirm({ ...key, user, token: record.token }).then(() => true),
        )
        if (confirmed) this.owners.set(key.name, user)
      }
      const put = accountRow(user, { version: { pts: n, ordinal: 0 } })
      if (await this.#told(() => storage.accounts.put(put).then(() => true))) this.versions.set(user, n)
    }
  }

  async #told<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (error) {
      this.codes.add(errorCode(error))
      await new Promise((resolve) => setTimeout(resolve, 20))
      return undefined
    }
  }
}

test(
  'the primary is killed under load and the standby promoted: nothing that was acknowledged is lost',
  async () => {
    const load = new Load()
    await waitUntil('names are taken', () => load.owners.size > 100, longMs)
    await primary.kill()
    await waitUntil('who writes waits', () => load.codes.size > 0, longMs)
    await standby.sql('SELECT pg_promote()')
    address.toPort = standby.port
    address.cut()
    const before = load.owners.size
    await waitUntil('all goes on', () => load.owners.size > before + 20, longMs)
    await load.end()
    const names = [...load.owners.keys()]
    const found = await storage.directory.find(names.map((name) => ({ kind: 'username', name })))
    expect(found.map((record) => [record?.holder, record?.owned])).toEqual(
      names.map((name) => [load.owners.get(name), true]),
    )
    for (const [id, pts] of load.versions) {
      const [row] = await storage.accounts.get([{ id }])
      expect(row?.version.pts).toBeGreaterThanOrEqual(pts)
    }
    expect([...load.codes].filter((code) => code !== 'STORE_UNAVAILABLE' && code !== 'OUTCOME_UNKNOWN')).toEqual([])
  },
  longMs,
)
