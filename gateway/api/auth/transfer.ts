import type { tl } from '../../tl/index.js'
import { refuseCall } from '../errors.js'
import { longFromNumber } from '../long.js'
import { method } from '../method.js'
import { keepKey } from './code.js'
import { enter } from './sign-in.js'

const TRANSFER_LASTS_SECONDS = 300
const NUMBER_BYTES = 8
const SECRET_BYTES = 16
const BODY_BYTES = 2 * NUMBER_BYTES + SECRET_BYTES

/**
 * Carries a login to another auth key, as clients do for connections to other data centres. The bytes are signed by
 * the deployment's key, name the account, an end of validity and a secret number, and are good for one auth key: the
 * account knows the number and who came with it, for as long as it is in memory. After that, or once the device that
 * asked is signed out, they are refused, and the client asks for others.
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
    const secret = call.services.random.bytes(SECRET_BYTES)
    const transfer = Buffer.from(secret).toString('hex')
    await call.me.offerTransfer({ transfer, from: call.authKey, untilMs: expires * 1000 })
    const body = Buffer.concat([head, secret])
    const bytes = Buffer.concat([body, call.services.hashes.sign('transfer', body)])
    return { _: 'auth.exportedAuthorization', id: longFromNumber(call.self), bytes }
  },
)

export const importAuthorization = method(
  'auth.importAuthorization',
  { auth: 'any', flood: { burst: 20, perSecond: 1 } },
  async ({ id, bytes }, call) => {
    const given = Buffer.from(bytes)
    if (given.length <= BODY_BYTES) return refuseCall('AUTH_BYTES_INVALID')
    const body = given.subarray(0, BODY_BYTES)
    if (!call.services.hashes.isSigned('transfer', body, given.subarray(BODY_BYTES))) refuseCall('AUTH_BYTES_INVALID')
    const user = body.readDoubleLE(0)
    if (id !== longFromNumber(user)) refuseCall('USER_ID_INVALID')
    if (body.readDoubleLE(NUMBER_BYTES) < call.now) refuseCall('AUTH_BYTES_INVALID')
    const transfer = body.toString('hex', 2 * NUMBER_BYTES)
    await keepKey(call)
    if (!(await call.user(user).takeTransfer({ transfer, by: call.authKey }))) refuseCall('AUTH_BYTES_INVALID')
    return enter(call, user)
  },
)
