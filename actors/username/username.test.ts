import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusalReason } from '../../runtime/index.js'
import { World } from '../testing/world.js'
import { userActor } from '../user/actor.js'
import { User } from '../user/contract.js'
import { usernameActor } from './actor.js'
import { isUsername, Username } from './contract.js'

const ORIGIN = { authKey: '0'.repeat(16), session: '0'.repeat(16) }
const USERS = [1, 2, 3]
const NAMES = ['alice', 'bobby']

/** Accounts that take names as the gateway does: reserve, entry, confirm, release of the name before. */
class Registry {
  readonly world: World

  constructor(seed = 1) {
    this.world = new World(({ storage }) => [usernameActor(storage.names), userActor], seed)
  }

  static async start(seed = 1): Promise<Registry> {
    const registry = new Registry(seed)
    await registry.world.start()
    for (const user of USERS) {
      const profile = { firstName: `U${user}`, lastName: '', about: '' }
      await registry.until(registry.user(user).register({ phone: `9996620000${user}`, profile }))
    }
    return registry
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.until(promise)
  }

  user(id: number) {
    return this.world.node.ref(User, id)
  }

  name(name: string) {
    return this.world.node.ref(Username, name)
  }

  /** As much of the change as `steps` allows: the gateway dies then. */
  async take(user: number, username: string, steps = 4): Promise<void> {
    const { token } = username === '' ? { token: 0 } : await this.name(username).reserve(user)
    if (steps < 2) return
    const { previous } = await this.user(user).setUsername({ username, token, origin: ORIGIN })
    if (steps < 3) return
    if (username !== '') await this.name(username).confirm({ user, token })
    if (steps < 4 || previous === '' || previous === username) return
    await this.name(previous).release({ user })
  }

  async takenBy(username: string): Promise<readonly number[]> {
    const holders: number[] = []
    for (const user of USERS) {
      const profile = await this.until(this.user(user).profile())
      if (profile?.username.toLowerCase() === username) holders.push(user)
    }
    return holders
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
    const registry = await Registry.start()
    await registry.until(registry.take(1, 'alice'))
    expect(await registry.until(registry.name('alice').owner())).toBe(1)
    expect(await registry.refused(registry.take(2, 'alice'))).toBe('USERNAME_OCCUPIED')
    await registry.until(registry.take(1, ''))
    await registry.until(registry.take(2, 'alice'))
    expect(await registry.until(registry.name('alice').owner())).toBe(2)
  })

  it('that were reserved and left are free after a minute, and the old token is good for nothing', async () => {
    const registry = await Registry.start()
    const { token } = await registry.until(registry.name('alice').reserve(1))
    expect(await registry.refused(registry.name('alice').reserve(2))).toBe('USERNAME_OCCUPIED')
    await registry.world.clock.advance(61_000)
    await registry.until(registry.take(2, 'alice'))
    const late = registry.user(1).setUsername({ username: 'alice', token, origin: ORIGIN })
    expect(await registry.refused(late)).toBe('USERNAME_OCCUPIED')
    expect(await registry.takenBy('alice')).toEqual([2])
  })

  it('that were dropped without a release go to the next who asks', async () => {
    const registry = await Registry.start()
    await registry.until(registry.take(1, 'alice'))
    await registry.until(registry.take(1, '', 3))
    await registry.until(registry.take(2, 'alice'))
    expect(await registry.takenBy('alice')).toEqual([2])
  })

  it('are not lost to a release that comes late', async () => {
    const registry = await Registry.start()
    await registry.until(registry.take(1, 'alice'))
    await registry.until(registry.take(1, 'bobby', 3))
    await registry.until(registry.take(1, 'alice'))
    await registry.until(registry.name('alice').release({ user: 1 }))
    expect(await registry.refused(registry.take(2, 'alice'))).toBe('USERNAME_OCCUPIED')
  })

  const change = fc.record({
    user: fc.constantFrom(...USERS),
    name: fc.constantFrom(...NAMES, ''),
    steps: fc.integer({ min: 1, max: 4 }),
    pauseMs: fc.constantFrom(0, 0, 3, 61_000),
    crash: fc.constantFrom(false, false, false, true),
  })

  it('have one holder at most, whatever changes cross, stop half way or are cut by crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 10 }), fc.integer({ min: 1 }), async (changes, seed) => {
        const registry = await Registry.start(seed)
        const { world } = registry
        for (const { user, name, steps, pauseMs, crash } of changes) {
          registry.take(user, name, steps).catch(() => undefined)
          await world.clock.advance(pauseMs)
          if (!crash) continue
          world.crash()
          await world.start()
        }
        await world.clock.advance(70_000)
        for (const name of NAMES) {
          const owner = await registry.until(registry.name(name).owner())
          const holders = await registry.takenBy(name)
          expect(holders.length).toBeLessThanOrEqual(1)
          // One who dropped the name without a release may still stand there; nobody but the holder otherwise.
          if (holders.length > 0) expect(owner).toBe(holders[0])
          await world.clock.advance(5_000)
          const found = await registry.until(world.storage.names.prefix(name, 10))
          expect(found.map(({ userId }) => userId)).toEqual(owner === undefined ? [] : [owner])
        }
      }),
      { numRuns: 60 },
    )
  })
})
