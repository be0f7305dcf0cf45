import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusalReason } from '../../runtime/index.js'
import { World } from '../testing/world.js'
import { userActor } from '../user/actor.js'
import { User } from '../user/contract.js'
import { type Asker, isUsername, normalizePhone, phoneKey, usernameKey } from './contract.js'
import { NameRegistry } from './registry.js'

const ORIGIN = { authKey: '0'.repeat(16), session: '0'.repeat(16) }
const USERS = [1, 2, 3]
const NAMES = ['alice', 'bobby']
const NUMBER = '491701234567'
const profile = { firstName: 'A', lastName: '', about: '' }

/** Accounts that take names as the gateway does: reserve, then entry. */
class Town {
  readonly world: World
  #ids = 100

  constructor(seed: number) {
    this.world = new World(({ storage }) => [userActor(storage)], seed)
  }

  static async start(seed = 1): Promise<Town> {
    const town = new Town(seed)
    await town.world.start()
    for (const user of USERS) await town.until(town.user(user).register({ phone: `9996620000${user}`, profile }))
    return town
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.until(promise)
  }

  user(id: number) {
    return this.world.node.ref(User, id)
  }

  get names(): NameRegistry {
    const { directory, names } = this.world.storage
    return new NameRegistry({ clock: this.world.clock, directory, names })
  }

  get asker(): Asker {
    const { node } = this.world
    return { ref: (type, id) => node.ref(type, id) }
  }

  /** As much of the change as `steps` allows: the gateway dies then. */
  async take(user: number, username: string, steps = 2): Promise<void> {
    const token = username === '' ? 0 : await this.names.reserveUsername({ username, user }, this.asker)
    if (steps > 1) await this.user(user).setUsername({ username, token, origin: ORIGIN })
  }

  /** The same of a registration: the account that it ends in. */
  async register(steps = 2): Promise<number> {
    const { user, owned } = await this.names.reservePhone({ phone: NUMBER, user: ++this.#ids }, this.asker)
    if (!owned && steps > 1) await this.user(user).register({ phone: NUMBER, profile })
    return user
  }

  async owner(username: string): Promise<number | undefined> {
    return this.until(this.names.owner(usernameKey(username), this.asker))
  }

  async ownerOfNumber(): Promise<number | undefined> {
    return this.until(this.names.owner(phoneKey(NUMBER), this.asker))
  }

  async takenBy(username: string): Promise<readonly number[]> {
    const profiles = await this.until(Promise.all(USERS.map((user) => this.user(user).profile())))
    return USERS.filter((_, at) => profiles[at]?.username.toLowerCase() === username)
  }

  /** Open accounts with the number. */
  async accounts(): Promise<readonly number[]> {
    const ids = Array.from({ length: this.#ids - 100 }, (_, at) => 101 + at)
    const profiles = await this.until(Promise.all(ids.map((id) => this.user(id).profile())))
    return ids.filter((_, at) => profiles[at] && !profiles[at].closed)
  }

  async refused(promise: Promise<unknown>): Promise<string | undefined> {
    return this.until(
      promise.then(
        () => undefined,
        (error) => refusalReason(error) ?? String(error),
      ),
    )
  }
}

describe('usernames', () => {
  it('are five to 32 letters, digits and single underscores, beginning with a letter', () => {
    expect(['alice', 'a1234', 'A_lice', 'x'.repeat(32)].every(isUsername)).toBe(true)
    for (const bad of ['', 'abcd', '1alice', 'alice_', 'al__ice', 'al-ice', 'x'.repeat(33), 'älice']) {
      expect(isUsername(bad), bad).toBe(false)
    }
  })

  it('go to the first who asks, until he drops them', async () => {
    const town = await Town.start()
    await town.until(town.take(1, 'Alice'))
    expect(await town.owner('alice')).toBe(1)
    expect(await town.refused(town.take(2, 'aLICE'))).toBe('USERNAME_OCCUPIED')
    await town.until(town.take(1, ''))
    expect(await town.owner('alice')).toBeUndefined()
    await town.until(town.take(2, 'alice'))
    expect(await town.owner('alice')).toBe(2)
  })

  it('that were exchanged for another are free at once; one commit sets the new and voids the old', async () => {
    const town = await Town.start()
    const token = await town.until(town.names.reserveUsername({ username: 'alice', user: 1 }, town.asker))
    await town.until(town.user(1).setUsername({ username: 'alice', token, origin: ORIGIN }))
    await town.until(town.take(1, 'bobby'))
    expect([await town.owner('alice'), await town.owner('bobby')]).toEqual([undefined, 1])
    const late = town.user(1).setUsername({ username: 'alice', token, origin: ORIGIN })
    expect(await town.refused(late)).toBe('USERNAME_OCCUPIED')
    await town.until(town.take(2, 'alice'))
    const found = await town.until(town.world.storage.names.prefix('ali', 10))
    expect(found).toEqual([{ name: 'alice', userId: 2 }])
  })

  it('keep their owner when only their letters change', async () => {
    const town = await Town.start()
    await town.until(town.take(1, 'alice'))
    await town.until(town.take(1, 'ALICE'))
    expect(await town.owner('alice')).toBe(1)
    expect(await town.until(town.names.search('alice', 5))).toEqual([{ username: 'ALICE', user: 1 }])
  })

  it('that were reserved and left are free after a minute, and the old token is good for nothing', async () => {
    const town = await Town.start()
    const token = await town.until(town.names.reserveUsername({ username: 'alice', user: 1 }, town.asker))
    expect(await town.refused(town.take(2, 'alice'))).toBe('USERNAME_OCCUPIED')
    await town.world.clock.advance(61_000)
    await town.until(town.take(2, 'alice'))
    const late = town.user(1).setUsername({ username: 'alice', token, origin: ORIGIN })
    expect(await town.refused(late)).toBe('USERNAME_OCCUPIED')
    expect(await town.takenBy('alice')).toEqual([2])
  })

  it('that were reserved again, settled as held and then dropped, are free', async () => {
    const town = await Town.start()
    await town.until(town.take(1, 'alice'))
    await town.until(town.take(1, 'alice', 1))
    await town.world.clock.advance(61_000)
    expect(await town.owner('alice')).toBe(1)
    await town.until(town.take(1, ''))
    expect(await town.owner('alice')).toBeUndefined()
  })

  it('of two who want each other`s go to none of them, and nobody waits', async () => {
    const town = await Town.start()
    await town.until(town.take(1, 'alice'))
    await town.until(town.take(2, 'bobby'))
    const both = await town.until(Promise.allSettled([town.take(1, 'bobby'), town.take(2, 'alice')]))
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('are free when their account is deleted', async () => {
    const town = await Town.start()
    await town.until(town.take(1, 'alice'))
    await town.until(town.user(1).close())
    expect(await town.owner('alice')).toBeUndefined()
    expect(await town.until(town.names.owner(phoneKey('99966200001'), town.asker))).toBeUndefined()
    expect(await town.until(town.names.search('alice', 5))).toEqual([])
    expect((await town.world.storage.accounts.get([{ id: 1 }]))[0]).toMatchObject({ deleted: true, username: '' })
  })

  const change = fc.record({
    user: fc.constantFrom(...USERS),
    name: fc.constantFrom(...NAMES, ''),
    steps: fc.integer({ min: 1, max: 2 }),
    pauseMs: fc.constantFrom(0, 0, 3, 61_000),
    crash: fc.constantFrom(false, false, false, true),
  })

  it('have one holder at most, whatever changes cross, stop half way or are cut by crashes; all records agree', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 10 }), fc.integer({ min: 1 }), async (changes, seed) => {
        const town = await Town.start(seed)
        const { world } = town
        for (const { user, name, steps, pauseMs, crash } of changes) {
          town.take(user, name, steps).catch(() => undefined)
          await world.clock.advance(pauseMs)
          if (!crash) continue
          world.crash()
          await world.start()
        }
        await world.clock.advance(70_000)
        // Read before anybody calls an account: what is owed is written by itself.
        const { directory, accounts, names } = world.storage
        const records = await directory.find(NAMES.map(usernameKey))
        const found = await Promise.all(NAMES.map((name) => names.prefix(name, 10)))
        const rows = await accounts.get(USERS.map((id) => ({ id })))
        for (const [at, name] of NAMES.entries()) {
          const takers = await town.takenBy(name)
          expect(takers.length).toBeLessThanOrEqual(1)
          const record = records[at]
          // With a reservation that was left lying, nothing is settled until somebody looks.
          if (record?.reservedAtMs === undefined) expect(record ? [record.holder] : []).toEqual(takers)
          expect(found[at]?.map(({ userId }) => userId)).toEqual(takers)
          expect(await town.owner(name)).toBe(takers[0])
        }
        const profiles = await town.until(Promise.all(USERS.map((user) => town.user(user).profile())))
        expect(rows.map((row) => row?.username)).toEqual(profiles.map((each) => each?.username))
      }),
      { numRuns: 100 },
    )
  })
})

describe('phone numbers', () => {
  it('are five to 15 digits, however they are written', () => {
    expect(normalizePhone('+49 (170) 123-45.67')).toBe('491701234567')
    for (const bad of ['', '0123456', '1234', '1'.repeat(16), '+49 17x'])
      expect(normalizePhone(bad), bad).toBeUndefined()
  })

  it('end in one account, also when two register at once', async () => {
    const town = await Town.start()
    const both = await town.until(Promise.allSettled([town.register(), town.register()]))
    const users = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(new Set(users)).toEqual(new Set([101]))
    expect(await town.ownerOfNumber()).toBe(101)
    expect(await town.accounts()).toEqual([101])
  })

  it('are free again when their account is deleted', async () => {
    const town = await Town.start()
    await town.until(town.register())
    await town.until(town.user(101).close())
    expect(await town.until(town.register())).toBe(102)
    expect(await town.ownerOfNumber()).toBe(102)
  })

  it('that were reserved and left are free after a minute; that account can never be', async () => {
    const town = await Town.start()
    await town.until(town.register(1))
    await town.world.clock.advance(61_000)
    expect(await town.until(town.register())).toBe(102)
    expect(await town.refused(town.user(101).register({ phone: NUMBER, profile }))).toBe('PHONE_NUMBER_OCCUPIED')
    expect(await town.accounts()).toEqual([102])
  })

  const step = fc.record({
    steps: fc.integer({ min: 1, max: 2 }),
    pauseMs: fc.constantFrom(0, 0, 3, 61_000),
    crash: fc.constantFrom(false, false, true),
  })

  it('have one account at most, whatever registrations cross, stop half way or are cut by crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.integer({ min: 1 }), async (steps, seed) => {
        const town = await Town.start(seed)
        for (const { steps: most, pauseMs, crash } of steps) {
          town.register(most).catch(() => undefined)
          await town.world.clock.advance(pauseMs)
          if (!crash) continue
          town.world.crash()
          await town.world.start()
        }
        await town.world.clock.advance(70_000)
        const owner = await town.ownerOfNumber()
        expect(await town.accounts()).toEqual(owner === undefined ? [] : [owner])
      }),
      { numRuns: 40 },
    )
  })
})
