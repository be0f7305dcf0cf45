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

  it('name one secret for ever', async () => {
    const { world, key, refused } = await started()
    await world.until(key().create({ key: KEY }))
    expect(await refused(key().create({ key: Buffer.alloc(256, 8) }))).toBe('AUTH_KEY_DUPLICATED')
    await world.until(key().destroy())
    expect(await world.until(key().load())).toBeUndefined()
    expect(await refused(key().create({ key: KEY }))).toBe('AUTH_KEY_DUPLICATED')
    expect(await refused(key().signIn(3))).toBe('AUTH_KEY_UNREGISTERED')
  })
})
