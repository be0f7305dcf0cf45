import { describe, expect, it } from 'vitest'
import { refusalReason } from '../../runtime/index.js'
import { World } from '../testing/world.js'
import { authKeyActor } from './actor.js'
import { AuthKey } from './contract.js'

const ID = '0123456789abcdef'
const KEY = Buffer.alloc(256, 7)

async function started() {
  const world = new World(() => [authKeyActor])
  await world.start()
  const key = () => world.node.ref(AuthKey, ID)
  const refused = (promise: Promise<unknown>) =>
    world.until(
      promise.then(
        () => undefined,
        (error) => refusalReason(error),
      ),
    )
  return { world, key, refused }
}

describe('auth keys', () => {
  it('are there after a crash, with what was bound, remembered and signed in', async () => {
    const { world, key } = await started()
    const client = { layer: 198, apiId: 1, deviceModel: 'd', systemVersion: 's', appVersion: 'a' }
    const said = { ...client, systemLangCode: 'en', langPack: '', langCode: 'en' }
    await world.until(key().create({ key: KEY, expiresAtMs: 5 }))
    await world.until(key().bind({ permanent: 'ffffffffffffffff' }))
    await world.until(key().remember(said))
    await world.until(key().signIn(9))
    world.crash()
    await world.start()
    const stored = await world.until(key().load())
    expect(stored).toMatchObject({ expiresAtMs: 5, permanent: 'ffffffffffffffff', user: 9, client: said })
    expect(Buffer.compare(Buffer.from(stored?.key ?? []), KEY)).toBe(0)
  })

  it('name one secret', async () => {
    const { world, key, refused } = await started()
    await world.until(key().create({ key: KEY }))
    expect(await refused(key().create({ key: Buffer.alloc(256, 8) }))).toBe('AUTH_KEY_DUPLICATED')
    await world.until(key().destroy())
    expect(await world.until(key().load())).toBeUndefined()
    expect(await refused(key().signIn(3))).toBe('AUTH_KEY_UNREGISTERED')
  })

  const DAY_MS = 24 * 3_600_000
  /** Time passes while the node is down; then it does what is due. */
  async function later(world: World, ms: number) {
    world.crash()
    await world.clock.advance(ms)
    await world.start()
    await world.clock.advance(5_000)
  }
  const rows = (world: World) => [...world.disk.range({ start: Buffer.of(1), end: Buffer.of(7) })].length

  it('that nobody signs in on are forgotten after a day, and leave nothing behind', async () => {
    const { world, key, refused } = await started()
    const before = rows(world)
    await world.until(key().create({ key: KEY }))
    await later(world, DAY_MS - 60_000)
    await world.until(key().keep())
    await later(world, DAY_MS - 60_000)
    expect(await world.until(key().load())).toBeDefined()
    expect(rows(world)).toBeGreaterThan(before)
    await later(world, 120_000)
    expect(rows(world)).toBe(before)
    expect(await world.until(key().load())).toBeUndefined()
    expect(await refused(key().keep())).toBe('AUTH_KEY_UNREGISTERED')
  })

  it('that somebody signed in on stay, until a day after the logout', async () => {
    const { world, key } = await started()
    await world.until(key().create({ key: KEY }))
    await world.until(key().signIn(9))
    await world.until(key().keep())
    await later(world, 30 * DAY_MS)
    expect(await world.until(key().load())).toMatchObject({ user: 9 })
    await world.until(key().signIn(0))
    await later(world, DAY_MS - 60_000)
    expect(await world.until(key().load())).toMatchObject({ user: 0 })
    await later(world, 120_000)
    expect(await world.until(key().load())).toBeUndefined()
  })

  it('of a limited life are forgotten at its end, and destroyed ones at once', async () => {
    const { world, key } = await started()
    const before = rows(world)
    await world.until(key().create({ key: KEY, expiresAtMs: world.nowMs + 3_600_000 }))
    await world.until(key().bind({ permanent: 'ffffffffffffffff' }))
    await world.until(key().keep())
    await later(world, 3_700_000)
    expect(rows(world)).toBe(before)
    await world.until(key().create({ key: KEY }))
    await world.until(key().signIn(9))
    await world.until(key().destroy())
    await world.waitFor(() => rows(world) === before)
    expect(world.warnings).toBe('')
  })
})
