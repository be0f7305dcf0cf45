import { type ActorError, errorCode, refusalReason } from '../../runtime/index.js'
import { floodWait, RpcError } from '../mtproto/index.js'

/**
 * What an error of the actors becomes for a client. This is the only table of it:
 *
 * | error | answer |
 * |---|---|
 * | REFUSED | its reason, under the code that Telegram gives it (400 unless listed here) |
 * | OVERLOADED, STORE_UNAVAILABLE | FLOOD_WAIT_X, X from its `retryAfterMs`, 1 to 10 |
 * | DEADLINE_EXCEEDED, NOT_OWNER, OVERTAKEN, STOPPED | FLOOD_WAIT_X, X from 1 to 10 |
 * | OUTCOME_UNKNOWN | found out before (actor-calls.ts); if even that ended, FLOOD_WAIT_X |
 * | anything else | a fault of ours: logged, 500 INTERNAL |
 *
 * @see https://core.telegram.org/api/errors
 */
const CODES: Readonly<Record<string, number>> = {
  AUTH_KEY_UNREGISTERED: 401,
  AUTH_KEY_INVALID: 401,
  AUTH_KEY_PERM_EMPTY: 401,
  SESSION_REVOKED: 401,
  SESSION_EXPIRED: 401,
  SESSION_PASSWORD_NEEDED: 401,
  USER_DEACTIVATED: 401,
  CHAT_FORBIDDEN: 403,
  CHAT_WRITE_FORBIDDEN: 403,
  CHAT_GUEST_SEND_FORBIDDEN: 403,
  CHAT_SEND_PLAIN_FORBIDDEN: 403,
  MESSAGE_AUTHOR_REQUIRED: 403,
  MESSAGE_DELETE_FORBIDDEN: 403,
  RIGHT_FORBIDDEN: 403,
  USER_PRIVACY_RESTRICTED: 403,
  USER_NOT_MUTUAL_CONTACT: 403,
  USER_DELETED: 403,
  PREMIUM_ACCOUNT_REQUIRED: 403,
  FRESH_RESET_AUTHORISATION_FORBIDDEN: 406,
  FRESH_CHANGE_ADMINS_FORBIDDEN: 406,
  PHONE_PASSWORD_FLOOD: 406,
}

const WAIT = /^(FLOOD_WAIT|FLOOD_PREMIUM_WAIT|SLOWMODE_WAIT|2FA_CONFIRM_WAIT)_[0-9]+$/
const MIGRATE = /^(PHONE|USER|NETWORK|FILE|STATS)_MIGRATE_[0-9]+$/
const ERROR_TEXT = /^[A-Z0-9_]{2,64}$/

/** Clients sleep out this many seconds silently; beyond it they fail the call. */
const MAX_WAIT_SECONDS = 10

/** Telegram's error with the code that its text has there. */
export function apiError(text: string): RpcError {
  if (WAIT.test(text)) return new RpcError(420, text)
  if (MIGRATE.test(text)) return new RpcError(303, text)
  return new RpcError(CODES[text] ?? 400, text)
}

/** Ends a handler with Telegram's error. */
export function refuseCall(text: string): never {
  throw apiError(text)
}

/** The answer for an error that a handler threw; undefined for one that is a fault of ours. */
export function answerFor(error: unknown): RpcError | undefined {
  if (error instanceof RpcError) return error
  const reason = refusalReason(error)
  if (reason !== undefined) return ERROR_TEXT.test(reason) ? apiError(reason) : undefined
  switch (errorCode(error)) {
    case 'OVERLOADED':
    case 'STORE_UNAVAILABLE':
      return waitOf((error as ActorError).details.retryAfterMs ?? 1000)
    case 'DEADLINE_EXCEEDED':
    case 'NOT_OWNER':
    case 'OVERTAKEN':
      return waitOf(1000)
    case 'STOPPED':
    case 'OUTCOME_UNKNOWN':
      return waitOf(3000)
    default:
      return undefined
  }
}

function waitOf(afterMs: number): RpcError {
  return floodWait(Math.min(MAX_WAIT_SECONDS, afterMs / 1000))
}
