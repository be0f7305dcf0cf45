import type { tl } from '../../tl/index.js'
import { refuseCall } from '../errors.js'
import { longFromNumber } from '../long.js'
import { method } from '../method.js'
import { keepKey } from './code.js'
import { enter } from './sign-in.js'

const TRANSFER_LASTS_SECONDS = 300
const NUMBER_BYTES = 8

/**
 * Carries a login to another auth key, as clients do for connections to other data centres. The bytes are signed by
 * the deployment's key, name the account, the device that asked and an end of validity, and are good for one
 * deployment; a device that was signed out meanwhile carries nothing over.
 */
export const exportAuthorization = method(
  'auth.exportAuthorization',
  { auth: 'user' },
  async ({ dcId }, call): Promise<tl.auth.RawExportedAuthorization> => {
    if (dcId !== call.services.config.dcId) return refuseCall('DC_ID_INVALID')
    const expires = call.now + TRANSFER_LASTS_SECONDS
    const head = Buffer.alloc(2 * NUMBER_BYTES)
    head.writeDoubleLE(call.self, 0)
    head.writeDoubleLE(expires, NUMBER_BYTES)
    const body = Buffer.concat([head, Buffer.from(call.authKey, 'hex')])
    const bytes = Buffer.concat([body, call.services.hashes.sign('transfer', body)])
    return { _: 'auth.exportedAuthorization', id: longFromNumber(call.self), bytes }
  },
)

export const importAuthorization = method(
  'auth.importAuthorization',
  { auth: 'any', flood: { burst: 20, perSecond: 1 } },
  async ({ id, bytes }, call) => {
    const bodyBytes = 3 * NUMBER_BYTES
    const given = Buffer.from(bytes)
    if (given.length <= bodyBytes) return refuseCall('AUTH_BYTES_INVALID')
    const body = given.subarray(0, bodyBytes)
    if (!call.services.hashes.isSigned('transfer', body, given.subarray(bodyBytes))) refuseCall('AUTH_BYTES_INVALID')
    const user = body.readDoubleLE(0)
    if (id !== longFromNumber(user)) refuseCall('USER_ID_INVALID')
    if (body.readDoubleLE(NUMBER_BYTES) < call.now) refuseCall('AUTH_BYTES_INVALID')
    const exporter = body.toString('hex', 2 * NUMBER_BYTES)
    if (!(await call.user(user).isAuthorized(exporter))) refuseCall('AUTH_BYTES_INVALID')
    await keepKey(call)
    return enter(call, user)
  },
)
