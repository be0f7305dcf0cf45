import { LoginCode, type SentCode } from '../../../actors/login-code/contract.js'
import { normalizePhone } from '../../../actors/phone/contract.js'
import type { tl } from '../../tl/index.js'
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

export const sendCode = method(
  'auth.sendCode',
  { auth: 'any', flood: CODE_FLOOD },
  async ({ phoneNumber, apiId }, call) => {
    if (!(apiId > 0)) refuseCall('API_ID_INVALID')
    return presentSentCode(await call.ref(LoginCode, phoneOf(phoneNumber)).send({ authKey: call.authKey }))
  },
)

export const resendCode = method(
  'auth.resendCode',
  { auth: 'any', flood: CODE_FLOOD },
  async ({ phoneNumber, phoneCodeHash }, call) => {
    const code = call.ref(LoginCode, phoneOf(phoneNumber))
    return presentSentCode(await code.send({ authKey: call.authKey, resend: codeHashOf(phoneCodeHash) }))
  },
)

export const cancelCode = method('auth.cancelCode', { auth: 'any' }, async ({ phoneNumber, phoneCodeHash }, call) => {
  await call.ref(LoginCode, phoneOf(phoneNumber)).cancel({ hash: codeHashOf(phoneCodeHash) })
  return true
})
