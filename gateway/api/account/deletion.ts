import { forgetDevices } from '../auth/sign-out.js'
import { method } from '../method.js'

/** The journal ends the account, and the account's actor then releases its names, now or later. */
export const deleteAccount = method('account.deleteAccount', { auth: 'user' }, async (_request, call) => {
  const { revoked } = await call.me.close()
  await forgetDevices(call, revoked)
  call.services.people.forgetUser(call.self)
  call.services.presence.forget(call.self)
  return true
})
