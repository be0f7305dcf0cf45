import { expect, test } from 'vitest'
import { AuthKey, type StoredAuthKey } from '../actors/auth-key/contract.js'
import { User } from '../actors/user/contract.js'
import { SeededRandom } from '../runtime/testing/index.js'
import { actorAuthKeys } from './auth-keys.js'
import { refused } from './testing/fake-system.js'
import { ApiRig } from './testing/rig.js'
import { longFromNumber } from './tl/index.js'

const id = longFromNumber(0xab)
const key = Buffer.alloc(256, 5)

function rig(stored: Partial<StoredAuthKey> | undefined, isAuthorized = true) {
  const api = new ApiRig()
  const record = stored && { key: new Uint8Array(key), createdAtMs: 0, user: 0, ...stored }
  api.system
    .stub(AuthKey, () => ({
      load: () => record,
      bind: () => {},
      destroy: () => {},
      remember: () => {},
      create: () => {
        throw refused('AUTH_KEY_DUPLICATED')
      },
    }))
    .stub(User, () => ({ isAuthorized: () => isAuthorized, revoke: () => [] }))
  return { api, store: actorAuthKeys(api.actors, api.clock, new SeededRandom(1)) }
}

test('a key is found by 16 hexadecimal digits, with what its client said', async () => {
  const client = {
    layer: 198,
    apiId: 1,
    deviceModel: 'Phone',
    systemVersion: '',
    appVersion: '',
    systemLangCode: '',
    langPack: '',
    langCode: 'en',
  }
  const { api, store } = rig({ client })
  expect(await store.load(id)).toMatchObject({ id, layer: 198, userId: 0, client: { deviceModel: 'Phone' } })
  expect(api.system.calls[0]).toMatchObject({ kind: 'auth-key', key: '00000000000000ab' })
})

test('whether the device is signed in, the account says and not the key', async () => {
  expect(await rig({ user: 7 }, true).store.load(id)).toMatchObject({ userId: 7 })
  expect(await rig({ user: 7 }, false).store.load(id)).toMatchObject({ userId: 0 })
})

test('an unknown key and one that has expired are none', async () => {
  expect(await rig(undefined).store.load(id)).toBeUndefined()
  expect(await rig({ expiresAtMs: 1 }).store.load(id)).toBeUndefined()
})

test('a temporary key names its permanent one', async () => {
  const { store } = rig({ permanent: '00000000000000cd', expiresAtMs: 2_000_000_000_000 })
  const record = await store.load(id)
  expect(record).toMatchObject({ permanentKeyId: longFromNumber(0xcd), expiresAtSeconds: 2_000_000_000 })
})

test('a key that the first attempt made after all is taken; another one of that id is not', async () => {
  await rig({}).store.create({ id, key })
  await expect(rig({ key: new Uint8Array(256) }).store.create({ id, key })).rejects.toMatchObject({ code: 'REFUSED' })
})

test('destroying a key signs its device out first', async () => {
  const { api, store } = rig({ user: 7 })
  await store.destroy(id)
  expect(api.system.calls.map(({ method }) => method)).toEqual(['load', 'revoke', 'destroy'])
})
