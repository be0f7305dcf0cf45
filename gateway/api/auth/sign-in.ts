import { AuthKey } from '../../../actors/auth-key/contract.js'
import { LoginCode } from '../../../actors/login-code/contract.js'
import { phoneKey } from '../../../actors/name/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { lineOf, MAX_NAME_UNITS, optionalLineOf } from '../input/text.js'
import { longToHex } from '../long.js'
import { method } from '../method.js'
import { codeHashOf, phoneOf } from './code.js'
import { registered } from './registration.js'

const TERMS: tl.help.RawTermsOfService = {
  _: 'help.termsOfService',
  id: { _: 'dataJSON', data: '{}' },
  text: 'This server is run by whoever gave you its address. Ask them for their terms.',
  entities: [],
}

/** Signs the device in: the user's journal first (it decides), then the auth key's hint and what the gateway caches. */
export async function enter(call: Call, user: number): Promise<tl.auth.RawAuthorization> {
  const { client, remoteAddress, permanentAuthKeyId, layer } = call.session
  if (call.self !== 0 && call.self !== user) await call.me.revoke({ authKeys: [call.authKey] })
  await call.user(user).authorize({
    authKey: call.authKey,
    hash: longToHex(nonZero(call)),
    createdAtMs: call.nowMs,
    activeAtMs: call.nowMs,
    layer,
    apiId: client?.apiId ?? 0,
    deviceModel: client?.deviceModel ?? '',
    systemVersion: client?.systemVersion ?? '',
    appVersion: client?.appVersion ?? '',
    langCode: client?.langCode ?? '',
    address: remoteAddress,
  })
  await call.ref(AuthKey, call.authKey).signIn(user)
  call.services.authKeys.update(permanentAuthKeyId, { userId: user })
  const [self] = await call.services.people.users({ self: user, deadlineMs: call.deadlineMs, traceId: call.traceId }, [
    user,
  ])
  return { _: 'auth.authorization', user: self! }
}

/** What devices are called in lists of them instead of their keys. */
function nonZero(call: Call) {
  for (;;) {
    const bytes = call.services.random.bytes(8)
    if (bytes.some((byte) => byte !== 0)) return bytes.toString('latin1') as typeof call.session.id
  }
}

export const signIn = method(
  'auth.signIn',
  { auth: 'any' },
  async ({ phoneNumber, phoneCodeHash, phoneCode }, call): Promise<tl.auth.TypeAuthorization> => {
    const phone = phoneOf(phoneNumber)
    const hash = codeHashOf(phoneCodeHash)
    if (!phoneCode) return refuseCall('PHONE_CODE_EMPTY')
    const code = call.ref(LoginCode, phone)
    await code.check({ hash, code: phoneCode, authKey: call.authKey })
    let user = await call.services.names.owner(phoneKey(phone), call)
    if (user === undefined) {
      if (call.services.config.signUp === 'explicit') {
        return { _: 'auth.authorizationSignUpRequired', termsOfService: TERMS }
      }
      user = await registered(call, phone, { firstName: `User ${phone.slice(-4)}`, lastName: '', about: '' })
    }
    const answer = await enter(call, user)
    await code.consume({ hash })
    return answer
  },
)

export const signUp = method(
  'auth.signUp',
  { auth: 'any' },
  async ({ phoneNumber, phoneCodeHash, firstName, lastName }, call) => {
    const phone = phoneOf(phoneNumber)
    const hash = codeHashOf(phoneCodeHash)
    const profile = {
      firstName: lineOf(firstName, MAX_NAME_UNITS, 'FIRSTNAME_INVALID'),
      lastName: optionalLineOf(lastName, MAX_NAME_UNITS, 'LASTNAME_INVALID'),
      about: '',
    }
    const code = call.ref(LoginCode, phone)
    await code.wasChecked({ hash, authKey: call.authKey })
    if ((await call.services.names.owner(phoneKey(phone), call)) !== undefined) refuseCall('PHONE_NUMBER_OCCUPIED')
    const answer = await enter(call, await registered(call, phone, profile))
    await code.consume({ hash })
    return answer
  },
)
