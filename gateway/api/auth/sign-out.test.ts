import { expect, test } from 'vitest'
import { User } from '../../../actors/user/contract.js'
import { ApiRig } from '../../testing/rig.js'
import { longToHex } from '../long.js'

test('a device may sign out others once it has been signed in for a day, and not before', async () => {
  const api = new ApiRig()
  const authKey = longToHex(api.session.permanentAuthKeyId)
  const createdAtMs = api.clock.now()
  const devices = [{ authKey, createdAtMs }] as never
  api.system.stub(User, () => ({ authorizations: () => devices, revoke: () => [] }))
  const others = { _: 'auth.resetAuthorizations' } as const
  await api.clock.advance(api.services.config.freshSessionMs - 1)
  expect(await api.error(others)).toBe('406 FRESH_RESET_AUTHORISATION_FORBIDDEN')
  expect(api.system.callsOf('revoke')).toEqual([])
  await api.clock.advance(1)
  expect(await api.error(others)).toMatch(/^no error/)
  expect(api.system.callsOf('revoke')).toHaveLength(1)
})
