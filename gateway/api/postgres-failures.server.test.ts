/**
 * What clients see while PostgreSQL fails, on real servers:
 *
 * X1. What needs no names goes on: messages are sent, people are shown.
 * X2. What needs them is answered, soon, and by a wait of at most ten seconds that clients sleep out.
 * X3. Nothing that was acknowledged is lost, no name is given twice, and names, rows and journals agree afterwards,
 *     without anybody restarting the program.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { usernameKey } from '../../actors/name/contract.js'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { openPostgresStorage, type PostgresStorage } from '../../storage/index.js'
import { newDatabases, PrivatePostgres } from '../../storage/testing/index.js'
import { slowLink } from '../../test/harness/slow-link.js'
import { smallDisk } from '../../test/harness/small-disk.js'
import { Town } from '../testing/town.js'
import { longFromNumber } from '../tl/index.js'

/** A tenth of the limits that hold by default: an outage of six seconds is to this program what a minute is to others. */
const TENTH = { connectWithinMs: 300, statementWithinMs: 300, repeatForMs: 600, pauseMs: 100 }
/** By hand a whole minute: `HELIOGRAPH_TEST_AWAY_MS=60000 npm test -- gateway/api/postgres`. */
const awayMs = Number(process.env.HELIOGRAPH_TEST_AWAY_MS ?? 6_000)
const USERS = [1024, 2049, 3074, 4099]
const PATIENCE_MS = 50_000

vi.setConfig({ testTimeout: 150_000 })

let shared: PrivatePostgres
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  shared = await PrivatePostgres.start()
})
afterAll(() => shared.dispose())
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`it did not come true in ${PATIENCE_MS} ms: ${condition}`)
    await pause(20)
  }
}

/** Clients who take one username after another, and want each other's, send messages and look at people. */
class Crowd {
  readonly town: Town
  readonly storage: PostgresStorage
  taken = 0
  waits = 0
  sent = 0
  slowestMs = 0
  #isOver = false
  #load: Promise<unknown> = Promise.resolve()
  /** The last username that each was told it has, and what it asked for since. */
  readonly #told = new Map<number, { had: string; maybe: Set<string> }>()

  constructor(town: Town, storage: PostgresStorage) {
    this.town = town
    this.storage = storage
  }

  static async on(server: PrivatePostgres, port = server.port, limits = TENTH): Promise<Crowd> {
    const [address] = await newDatabases([server])
    return Crowd.at(address!.url.replace(`:${server.port}/`, `:${port}/`), limits)
  }

  static async at(url: string, limits = TENTH): Promise<Crowd> {
    const storage = await openPostgresStorage({
      servers: [{ name: 'one', url }],
      clock: systemClock,
      log: noLog,
      limits,
    })
    stops.push(() => storage.close())
    const town = await Town.start(storage)
    stops.push(() => town.stop())
    const crowd = new Crowd(town, storage)
    for (const user of USERS) {
      const profile = { firstName: `U${user}`, lastName: '', about: '' }
      await town.user(user).register({ phone: `1555${user}`, profile })
    }
    return crowd
  }

  begin(): this {
    this.#load = Promise.all(USERS.flatMap((user) => [this.#takeNames(user), this.#talk(user)]))
    // Reported by `end`; until then a failure is not unhandled.
    this.#load.catch(() => undefined)
    return this
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#load
  }

  /** X2. */
  async #takeNames(user: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const username = n % 3 === 0 ? 'wanted_by_all' : `name_${user}_${n}`
      const told = this.#told.get(user) ?? { had: '', maybe: new Set() }
      this.#told.set(user, told)
      const startedMs = performance.now()
      const answer = await this.town.call(user, { _: 'account.updateUsername', username })
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs)
      if (!(answer instanceof Error)) {
        this.taken++
        this.#told.set(user, { had: username, maybe: new Set() })
        continue
      }
      if (answer.message === 'USERNAME_OCCUPIED') continue
      // The entry of an attempt before may have been made without a word of it.
      if (answer.message === 'USERNAME_NOT_MODIFIED') continue
      expect(answer.message).toMatch(/^FLOOD_WAIT_([1-9]|10)$/)
      told.maybe.add(username)
      this.waits++
      await pause(50)
    }
  }

  /** X1. */
  async #talk(user: number): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      const other = USERS[(USERS.indexOf(user) + 1) % USERS.length]!
      const accessHash = this.town.hashes.ofUser(user, other)
      const peer = { _: 'inputPeerUser', userId: other, accessHash } as const
      const randomId = longFromNumber(user * 100_000 + n)
      const sent = await this.town.call(user, { _: 'messages.sendMessage', peer, message: `${n}`, randomId })
      expect(sent).not.toBeInstanceOf(Error)
      const shown = await this.town.call(user, {
        _: 'users.getUsers',
        id: [{ _: 'inputUser', userId: other, accessHash }],
      })
      expect(shown).toMatchObject([{ _: 'user', id: other, firstName: `U${other}` }])
      this.sent++
      await pause(5)
    }
  }

  /** Messages go on being sent, and names are waited for. */
  async isHurt(): Promise<void> {
    const { waits, sent } = this
    await waitFor(() => this.waits > waits + 3 && this.sent > sent + 10)
  }

  async isWell(): Promise<void> {
    const { taken } = this
    await waitFor(() => this.taken > taken + 8)
  }

  /** X3. */
  async agrees(): Promise<void> {
    const { directory, accounts } = this.storage
    for (const user of USERS) {
      const username = (await this.town.user(user).profile())?.username ?? ''
      const { had, maybe } = this.#told.get(user)!
      expect([had, ...maybe]).toContain(username)
      if (username === '') continue
      const owns = async () => {
        const [record] = await directory.find([usernameKey(username)])
        const [row] = await accounts.get([{ id: user }])
        return record?.holder === user && record.owned && row?.username === username
      }
      await waitFor(owns)
    }
  }
}

test('killed under load, and back after a while: all that was told is true', {
  timeout: 150_000 + awayMs,
}, async () => {
  const crowd = (await Crowd.on(shared)).begin()
  await crowd.isWell()
  await shared.kill()
  await crowd.isHurt()
  await pause(awayMs)
  await crowd.isHurt()
  await shared.start()
  await crowd.isWell()
  await crowd.end()
  await crowd.agrees()
})

test('frozen: nobody waits long, and it goes on where it was', async () => {
  const crowd = (await Crowd.on(shared)).begin()
  await crowd.isWell()
  shared.freeze()
  await crowd.isHurt()
  shared.thaw()
  await crowd.isWell()
  await crowd.end()
  // Two round trips with names, each at most an attempt to connect, repeats, and what the machine is busy with.
  expect(crowd.slowestMs).toBeLessThan(10_000)
  await crowd.agrees()
})

test('slow by 200 ms: everything is as it was, only later', async () => {
  const proxy = await slowLink(shared.port)
  proxy.delayMs = 200
  stops.push(() => proxy.dispose())
  const generous = { ...TENTH, connectWithinMs: 5_000, statementWithinMs: 5_000, repeatForMs: 10_000 }
  const crowd = (await Crowd.on(shared, proxy.port, generous)).begin()
  await crowd.isWell()
  await crowd.end()
  expect(crowd.waits).toBe(0)
  await crowd.agrees()
})

test('refused at the start: it is used as soon as it is there', async () => {
  const [address] = await newDatabases([shared])
  await shared.stop()
  const crowd = (await Crowd.at(address!.url)).begin()
  await crowd.isHurt()
  expect(crowd.taken).toBe(0)
  await shared.start()
  await crowd.isWell()
  await crowd.end()
  await crowd.agrees()
})

test('full disk: what cannot be written is waited for, and taken when there is room', async () => {
  const disk = smallDisk(200)
  stops.push(async () => disk.dispose())
  const settings = { min_wal_size: '32MB', max_wal_size: '48MB', shared_buffers: '8MB' }
  const server = await PrivatePostgres.start({ dir: disk.dir, settings })
  stops.push(() => server.dispose())
  const crowd = (await Crowd.on(server)).begin()
  await crowd.isWell()
  const { waits, sent } = crowd
  let leastFree = Number.POSITIVE_INFINITY
  await waitFor(() => {
    disk.fill()
    leastFree = Math.min(leastFree, disk.freeBytes())
    return crowd.waits > waits + 3 && crowd.sent > sent + 10
  })
  expect(leastFree).toBe(0)
  disk.empty()
  const { taken } = crowd
  // A server that found no room for its log ends, now or at its next try to recover: whoever supervises it starts it.
  await waitFor(async () => {
    if (!(await server.runs())) await server.start()
    return crowd.taken > taken + 8
  })
  await crowd.end()
  await crowd.agrees()
})
