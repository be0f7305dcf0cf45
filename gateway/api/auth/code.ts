import { AuthKey } from '../../../actors/auth-key/contract.js'
import { LoginCode, type SentCode } from '../../../actors/login-code/contract.js'
import { normalizePhone } from '../../../actors/name/contract.js'
import { refusalReason } from '../../../runtime/index.js'
import { addressGroup, isLoopback } from '../../mtproto/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { method } from '../method.js'

/** Digits of the number. Refused: PHONE_NUMBER_INVALID. */
export function phoneOf(text: string): string {
  return normalizePhone(text) ?? refuseCall('PHONE_NUMBER_INVALID')
}

/** The hash of a code as clients repeat it. Refused: PHONE_CODE_HASH_EMPTY. */
export function codeHashOf(hash: string): string {
  if (hash === '') refuseCall('PHONE_CODE_HASH_EMPTY')
  return hash.length > 64 ? refuseCall('PHONE_CODE_EXPIRED') : hash
}

function presentSentCode({ hash, length, via, timeoutSeconds }: SentCode): tl.auth.RawSentCode {
  return {
    _: 'auth.sentCode',
    type: { _: via === 'app' ? 'auth.sentCodeTypeApp' : 'auth.sentCodeTypeSms', length },
    phoneCodeHash: hash,
    nextType: via === 'app' ? { _: 'auth.codeTypeSms' } : undefined,
    timeout: timeoutSeconds,
  }
}

/** A stranger may call these, and each may cost an SMS: a few at once, then one in ten seconds; the number has its own limit. */
const CODE_FLOOD = { burst: 20, perSecond: 0.1 }
/** Auth keys are free: an address has a limit too, wide enough for the people behind one router, or on one machine. */
const ADDRESS_FLOOD = { burst: 50, perSecond: 1 / 30 }
const LOOPBACK_FLOOD = { burst: 10_000, perSecond: 100 }

/** What limits count as one address. Refused: FLOOD_WAIT_X. */
function addressOf({ services, session }: Call): string {
  const from = addressGroup(session.remoteAddress)
  const rule = isLoopback(from) ? LOOPBACK_FLOOD : ADDRESS_FLOOD
  const waitSeconds = services.flood.take(from, 'login codes', rule)
  return waitSeconds === 0 ? from : refuseCall(`FLOOD_WAIT_${waitSeconds}`)
}

/**
 * Somebody is about to sign in on the call's key: it stays for that long. Refused with AUTH_KEY_UNREGISTERED when it was
 * forgotten; its connections end then, and the client makes another.
 */
export async function keepKey(call: Call): Promise<void> {
  try {
    await call.ref(AuthKey, call.authKey).keep()
  } catch (error) {
    if (refusalReason(error) === 'AUTH_KEY_UNREGISTERED') call.services.authKeys.drop(call.session.permanentAuthKeyId)
    throw error
  }
}

export const sendCode = method(
  'auth.sendCode',
  { auth: 'any', flood: CODE_FLOOD },
  async ({ phoneNumber, apiId }, call) => {
    if (!(apiId > 0)) refuseCall('API_ID_INVALID')
    const code = call.ref(LoginCode, phoneOf(phoneNumber))
    const from = addressOf(call)
    await keepKey(call)
    return presentSentCode(await code.send({ authKey: call.authKey, from }))
  },
)

export const resendCode = method(
  'auth.resendCode',
  { auth: 'any', flood: CODE_FLOOD },
  async ({ phoneNumber, phoneCodeHash }, call) => {
    const code = call.ref(LoginCode, phoneOf(phoneNumber))
    return presentSentCode(
      await code.send({ authKey: call.authKey, from: addressOf(call), resend: codeHashOf(phoneCodeHash) }),
    )
  },
)

export const cancelCode = method('auth.cancelCode', { auth: 'any' }, async ({ phoneNumber, phoneCodeHash }, call) => {
  await call.ref(LoginCode, phoneOf(phoneNumber)).cancel({ hash: codeHashOf(phoneCodeHash) })
  return true
})
