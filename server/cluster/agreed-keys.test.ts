import { expect, test } from 'vitest'
import { MemoryRegister } from '../../runtime/testing/index.js'
import type { SettingsRefused } from '../settings.js'
import { agreeOnKeys } from './agreed-keys.js'

const keys = (fingerprintHex: string, secret: number) => ({
  serverKey: { fingerprintHex },
  accessHashKey: Buffer.alloc(32, secret),
})
const files = { serverKeyFile: '/run/secrets/server-key.pem', accessHashKeyFile: undefined }

test('gateways with the keys of the first one may join, others are refused with the setting', async () => {
  const register = new MemoryRegister()
  await agreeOnKeys(register, keys('aa', 1), files)
  await agreeOnKeys(register, keys('aa', 1), files)
  const refusal = (fingerprint: string, secret: number) =>
    agreeOnKeys(register, keys(fingerprint, secret), files).then(
      () => [],
      (error: SettingsRefused) => error.problems,
    )
  expect(await refusal('bb', 1)).toEqual([
    {
      env: 'HELIOGRAPH_SERVER_KEY_FILE',
      value: '/run/secrets/server-key.pem',
      cure: expect.stringContaining('another key (aa) than this one (bb)'),
    },
  ])
  expect(await refusal('aa', 2)).toMatchObject([{ env: 'HELIOGRAPH_ACCESS_HASH_KEY_FILE', value: undefined }])
  await agreeOnKeys(register, keys('aa', 1), files)
})

test('of two that come at once with different keys one is refused', async () => {
  const register = new MemoryRegister()
  const joins = ['aa', 'bb'].map((each) => agreeOnKeys(register, keys(each, 1), files))
  const outcomes = await Promise.allSettled(joins)
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('nothing of a secret is written down', async () => {
  const register = new MemoryRegister()
  const { accessHashKey, serverKey } = keys('aa', 7)
  await agreeOnKeys(register, { accessHashKey, serverKey }, files)
  const noted = await register.readLease('agreed:access-hash-key')
  expect(noted?.incarnation).toMatch(/^[0-9a-f]{32}$/)
  expect(accessHashKey.toString('hex')).not.toContain(noted!.incarnation)
})
