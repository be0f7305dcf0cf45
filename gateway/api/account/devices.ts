import type { Authorization } from '../../../actors/user/changes.js'
import type { tl } from '../../tl/index.js'
import { forgetDevices, requireSettled } from '../auth/sign-out.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { longFromHex, longToHex, ZERO_LONG } from '../long.js'
import { method } from '../method.js'
import { seconds } from '../present/time.js'

function presentAuthorization(call: Call, device: Authorization): tl.RawAuthorization {
  const current = device.authKey === call.authKey
  return {
    _: 'authorization',
    current,
    hash: current ? ZERO_LONG : longFromHex(device.hash),
    deviceModel: device.deviceModel,
    platform: '',
    systemVersion: device.systemVersion,
    apiId: device.apiId,
    appName: '',
    appVersion: device.appVersion,
    dateCreated: seconds(device.createdAtMs),
    dateActive: seconds(device.activeAtMs),
    ip: device.address,
    country: '',
    region: '',
  }
}

/** Sessions of other devices are never ended for being idle: 0 days would mean "at once" to clients, so a year is said. */
const AUTHORIZATION_TTL_DAYS = 365

export const getAuthorizations = method(
  'account.getAuthorizations',
  { auth: 'user' },
  async (_request, call): Promise<tl.account.RawAuthorizations> => {
    const devices = await call.me.authorizations()
    return {
      _: 'account.authorizations',
      authorizationTtlDays: AUTHORIZATION_TTL_DAYS,
      authorizations: devices.map((device) => presentAuthorization(call, device)),
    }
  },
)

export const resetAuthorization = method('account.resetAuthorization', { auth: 'user' }, async ({ hash }, call) => {
  if (hash === ZERO_LONG) return refuseCall('HASH_INVALID')
  const named = longToHex(hash)
  const devices = await call.me.authorizations()
  if (!devices.some((device) => device.hash === named)) return refuseCall('HASH_INVALID')
  requireSettled(call, devices)
  const revoked = await call.me.revoke({ hash: named })
  await forgetDevices(call, revoked)
  return true
})
