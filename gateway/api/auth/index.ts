import type { Method } from '../method.js'
import { cancelCode, resendCode, sendCode } from './code.js'
import { signIn, signUp } from './sign-in.js'
import { logOut, resetAuthorizations } from './sign-out.js'
import { exportAuthorization, importAuthorization } from './transfer.js'

// auth.bindTempAuthKey is part of the session: gateway/mtproto answers it.
export const authMethods: readonly Method[] = [
  sendCode,
  resendCode,
  cancelCode,
  signIn,
  signUp,
  logOut,
  resetAuthorizations,
  exportAuthorization,
  importAuthorization,
]
