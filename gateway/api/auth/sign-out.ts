import { AuthKey } from '../../../actors/auth-key/contract.js'
import type { Authorization } from '../../../actors/user/changes.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
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

/**
 * Whoever has just got in does not lock out those who were there. Refused: FRESH_RESET_AUTHORISATION_FORBIDDEN.
 * @see https://core.telegram.org/method/auth.resetAuthorizations
 */
export function requireSettled(call: Call, devices: readonly Authorization[]): void {
  const device = devices.find(({ authKey }) => authKey === call.authKey)
  const settledAtMs = (device?.createdAtMs ?? call.nowMs) + call.services.config.freshSessionMs
  if (call.nowMs < settledAtMs) refuseCall('FRESH_RESET_AUTHORISATION_FORBIDDEN')
}

/** All other devices. */
export const resetAuthorizations = method('auth.resetAuthorizations', { auth: 'user' }, async (_request, call) => {
  requireSettled(call, await call.me.authorizations())
  await forgetDevices(call, await call.me.revoke({ allExcept: call.authKey }))
  return true
})
