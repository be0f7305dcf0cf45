import { Phone } from '../../../actors/phone/contract.js'
import { Username } from '../../../actors/username/contract.js'
import { forgetDevices } from '../auth/sign-out.js'
import { method } from '../method.js'

/** The journal first: it ends the account. What then is cut off (its names) the directories settle with the journal. */
export const deleteAccount = method('account.deleteAccount', { auth: 'user' }, async (_request, call) => {
  const { phone, username, revoked } = await call.me.close()
  if (username !== '') await call.ref(Username, username).release({ user: call.self })
  if (phone !== '') await call.ref(Phone, phone).release(call.self)
  await forgetDevices(call, revoked)
  call.services.people.forgetUser(call.self)
  call.services.presence.forget(call.self)
  return true
})
