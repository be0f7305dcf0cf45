import { AuthKey } from '../../../actors/auth-key/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { longFromHex } from '../long.js'
import { method } from '../method.js'

/** After the user's journal has signed these devices out: their keys' hints, and what this gateway caches of them. */
export async function forgetDevices(call: Call, authKeys: readonly string[]): Promise<void> {
  await Promise.all(authKeys.map((authKey) => call.ref(AuthKey, authKey).signIn(0)))
  for (const authKey of authKeys) call.services.authKeys.update(longFromHex(authKey), { userId: 0 })
}

export const logOut = method('auth.logOut', { auth: 'user' }, async (_request, call): Promise<tl.auth.RawLoggedOut> => {
  await call.me.revoke({ authKeys: [call.authKey] })
  await forgetDevices(call, [call.authKey])
  return { _: 'auth.loggedOut' }
})

/** All other devices. */
export const resetAuthorizations = method('auth.resetAuthorizations', { auth: 'user' }, async (_request, call) => {
  await forgetDevices(call, await call.me.revoke({ allExcept: call.authKey }))
  return true
})
