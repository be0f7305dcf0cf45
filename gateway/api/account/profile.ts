import { isUsername, usernameKey } from '../../../actors/name/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { lineOf, MAX_BIO_UNITS, MAX_NAME_UNITS, optionalLineOf } from '../input/text.js'
import { method } from '../method.js'

/** The caller as others would see a change just made. */
async function selfAnew(call: Call): Promise<tl.RawUser> {
  call.services.people.forgetUser(call.self)
  const [self] = await call.services.people.users(call, [call.self])
  return self!
}

export const updateProfile = method(
  'account.updateProfile',
  { auth: 'user' },
  async ({ firstName, lastName, about }, call) => {
    const profile = {
      ...(firstName !== undefined && { firstName: lineOf(firstName, MAX_NAME_UNITS, 'FIRSTNAME_INVALID') }),
      ...(lastName !== undefined && { lastName: optionalLineOf(lastName, MAX_NAME_UNITS, 'LASTNAME_INVALID') }),
      ...(about !== undefined && { about: optionalLineOf(about, MAX_BIO_UNITS, 'ABOUT_TOO_LONG') }),
    }
    if (Object.keys(profile).length > 0) await call.me.updateProfile({ profile, origin: call.origin })
    return selfAnew(call)
  },
)

export const checkUsername = method('account.checkUsername', { auth: 'user' }, async ({ username }, call) => {
  if (!isUsername(username)) return refuseCall('USERNAME_INVALID')
  const owner = await call.services.names.owner(usernameKey(username), call)
  return owner === undefined || owner === call.self
})

/**
 * Reserve, then entry; the account's actor confirms the name and frees the one before. Cut off after the reservation,
 * whoever wants the name next settles it with the journal.
 */
export const updateUsername = method(
  'account.updateUsername',
  { auth: 'user', flood: { burst: 30, perSecond: 0.2 } },
  async ({ username }, call) => {
    if (username !== '' && !isUsername(username)) refuseCall('USERNAME_INVALID')
    const current = (await call.me.profile())?.username ?? ''
    if (current === username) return refuseCall('USERNAME_NOT_MODIFIED')
    const token = username === '' ? 0 : await call.services.names.reserveUsername({ username, user: call.self }, call)
    await call.me.setUsername({ username, token, origin: call.origin })
    return selfAnew(call)
  },
)
