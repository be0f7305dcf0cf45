import { isUsername, Username } from '../../../actors/username/contract.js'
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
  const owner = await call.ref(Username, username).owner()
  return owner === undefined || owner === call.self
})

/**
 * Reserve, entry, confirm; then the old name is free. Cut off after the reservation, the directory settles it with the
 * journal; cut off after the entry, it finds the name held.
 */
export const updateUsername = method(
  'account.updateUsername',
  { auth: 'user', flood: { burst: 30, perSecond: 0.2 } },
  async ({ username }, call) => {
    if (username !== '' && !isUsername(username)) refuseCall('USERNAME_INVALID')
    const current = (await call.me.profile())?.username ?? ''
    if (current === username) return refuseCall('USERNAME_NOT_MODIFIED')
    const directory = username === '' ? undefined : call.ref(Username, username)
    const { token } = directory ? await directory.reserve(call.self) : { token: 0 }
    const { previous } = await call.me.setUsername({ username, token, origin: call.origin })
    await directory?.confirm({ user: call.self, token })
    if (previous !== '' && previous.toLowerCase() !== username.toLowerCase()) {
      await call.ref(Username, previous).release({ user: call.self })
    }
    return selfAnew(call)
  },
)
