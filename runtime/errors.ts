/**
 * The runtime's errors: a stable code, data, and the cure in the message. They cross the codec as plain
 * records, so callers compare `code` and never use `instanceof` for a decision.
 *
 * | code | meaning | may the caller try again? |
 * |---|---|---|
 * | REFUSED | the actor's own answer is no; `reason` is the domain's code (for the API: Telegram's error text) | no, the answer is final |
 * | OVERLOADED | a bound (count, bytes, age) of a mailbox or of the node was reached before the turn ran | yes, after `retryAfterMs` |
 * | DEADLINE_EXCEEDED | the deadline passed before the turn started: nothing happened | yes |
 * | OUTCOME_UNKNOWN | the call left and no answer came: it may or may not have happened | yes, with the same operation id |
 * | CALL_CYCLE | the call chain came back to an actor that waits for it; the message names the chain | no, it is a programming error |
 * | NOT_OWNER | this node does not own the actor's shard (any more) | yes, after looking the owner up again |
 * | OVERTAKEN | a newer writer has opened the actor's journal: this activation is over | yes, at the new activation |
 * | STORE_UNAVAILABLE | the store did not take or answer the operation; nothing was acknowledged | yes, after `retryAfterMs` |
 * | CORRUPT | stored data does not decode or breaks a rule of the journal | no, an operator must look |
 * | STOPPED | the system is stopping or has not started | yes, elsewhere or later |
 * | INTERNAL | a bug: the turn threw something that is not listed here | no |
 */
export type ErrorCode =
  | 'REFUSED'
  | 'OVERLOADED'
  | 'DEADLINE_EXCEEDED'
  | 'OUTCOME_UNKNOWN'
  | 'CALL_CYCLE'
  | 'NOT_OWNER'
  | 'OVERTAKEN'
  | 'STORE_UNAVAILABLE'
  | 'CORRUPT'
  | 'STOPPED'
  | 'INTERNAL'

export interface ErrorDetails {
  /** With REFUSED: the domain's own stable code, for example `USERNAME_OCCUPIED`. */
  readonly reason?: string
  /** With OVERLOADED and STORE_UNAVAILABLE: when to try again, in milliseconds. */
  readonly retryAfterMs?: number
  /** With STORE_UNAVAILABLE of a commit: rows of its writer that are no entries may still land, so that it must not be kept. */
  readonly mayLand?: boolean
  /** With CALL_CYCLE: the chain, outermost first, as `kind/key`. */
  readonly chain?: readonly string[]
}

export class ActorError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ActorError'
    this.code = code
    this.details = details
  }
}

/** The actor's own "no": thrown inside a turn, it reaches the caller as code REFUSED with `reason`. Nothing is appended by it. */
export function refuse(reason: string, message: string = reason): never {
  throw new ActorError('REFUSED', message, { reason })
}

/** The error's code, or undefined for anything that is not an ActorError (also one that crossed a codec). */
export function errorCode(error: unknown): ErrorCode | undefined {
  return error instanceof Error && error.name === 'ActorError' ? (error as ActorError).code : undefined
}

/** The domain reason of a REFUSED error, otherwise undefined. */
export function refusalReason(error: unknown): string | undefined {
  return errorCode(error) === 'REFUSED' ? (error as ActorError).details.reason : undefined
}
