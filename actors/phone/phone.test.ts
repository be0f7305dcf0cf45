import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { World } from '../testing/world.js'
import { userActor } from '../user/actor.js'
import { User } from '../user/contract.js'
import { phoneActor } from './actor.js'
import { normalizePhone, Phone } from './contract.js'

const NUMBER = '491701234567'
const PROFILE = { firstName: 'A', lastName: '', about: '' }

class Registry {
  readonly world: World
  #ids = 0

  constructor(seed = 1) {
    this.world = new World(() => [phoneActor, userActor], seed)
  }

  static async start(seed = 1): Promise<Registry> {
    const registry = new Registry(seed)
    await registry.world.start()
    return registry
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.until(promise)
  }

  user(id: number) {
    return this.world.node.ref(User, id)
  }

  get phone() {
    return this.world.node.ref(Phone, NUMBER)
  }

  /** As much of a registration as `steps` allows: the gateway dies then. The account that it ends in. */
  async register(steps = 3): Promise<number> {
    const { user, owned } = await this.phone.reserve(++this.#ids)
    if (owned || steps < 2) return user
    await this.user(user).register({ phone: NUMBER, profile: PROFILE })
    if (steps < 3) return user
    await this.phone.confirm(user)
    return user
  }

  async accounts(): Promise<readonly number[]> {
    const open: number[] = []
    for (let user = 1; user <= this.#ids; user++) {
      const profile = await this.until(this.user(user).profile())
      if (profile && !profile.closed) open.push(user)
    }
    return open
  }
}

describe('phone numbers', () => {
  it('are five to 15 digits, however they are written', () => {
    expect(normalizePhone('+49 (170) 123-45.67')).toBe('491701234567')
    for (const bad of ['', '0123456', '1234', '1'.repeat(16), '+49 17x'])
      expect(normalizePhone(bad), bad).toBeUndefined()
  })

  it('end in one account, also when two register at once', async () => {
    const registry = await Registry.start()
    const [one, other] = await registry.until(Promise.allSettled([registry.register(), registry.register()]))
    const users = [one, other].flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(new Set(users)).toEqual(new Set([1]))
    expect(await registry.until(registry.phone.owner())).toBe(1)
    expect(await registry.accounts()).toEqual([1])
  })

  it('are free again when their account is deleted, also without a release', async () => {
    const registry = await Registry.start()
    await registry.until(registry.register())
    await registry.until(registry.user(1).close())
    expect(await registry.until(registry.register())).toBe(2)
    expect(await registry.until(registry.phone.owner())).toBe(2)
  })

  it('that were reserved and left are free after a minute; that account can never be', async () => {
    const registry = await Registry.start()
    await registry.until(registry.register(1))
    await registry.world.clock.advance(61_000)
    expect(await registry.until(registry.register())).toBe(2)
    await expect(registry.until(registry.user(1).register({ phone: NUMBER, profile: PROFILE }))).rejects.toThrow()
    expect(await registry.accounts()).toEqual([2])
  })

  const step = fc.record({
    steps: fc.integer({ min: 1, max: 3 }),
    pauseMs: fc.constantFrom(0, 0, 3, 61_000),
    crash: fc.constantFrom(false, false, true),
  })

  it('have one account at most, whatever registrations cross, stop half way or are cut by crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.integer({ min: 1 }), async (steps, seed) => {
        const registry = await Registry.start(seed)
        for (const { steps: most, pauseMs, crash } of steps) {
          registry.register(most).catch(() => undefined)
          await registry.world.clock.advance(pauseMs)
          if (!crash) continue
          registry.world.crash()
          await registry.world.start()
        }
        await registry.world.clock.advance(70_000)
        const owner = await registry.until(registry.phone.owner())
        expect(await registry.accounts()).toEqual(owner === undefined ? [] : [owner])
      }),
      { numRuns: 40 },
    )
  })
})
