import type { Long } from './long.js'
import type { Session } from './session-view.js'

/** A TL object: `_` is the constructor's or the method's name, the rest its fields in camelCase. */
export interface TlObject {
  readonly _: string
  readonly [field: string]: unknown
}

/**
 * The API's own "no": becomes `rpc_error`. Thrown or returned by a handler.
 * @see https://core.telegram.org/api/errors
 */
export class RpcError extends Error {
  /** As HTTP: 303, 400, 401, 403, 404, 406, 420, 500. */
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'RpcError'
    this.code = code
  }
}

/** The refusal of overload: clients sleep it out silently when `seconds` is at most 10, whereas they repeat a 5xx for ever. */
export function floodWait(seconds: number): RpcError {
  return new RpcError(420, `FLOOD_WAIT_${Math.max(1, Math.ceil(seconds))}`)
}

/** A call as the API sees it, out of all its wrappers. */
export interface RpcCall {
  readonly method: TlObject
  readonly session: Session
  /** The message that carried it. With the auth key and the session it names the call uniquely. */
  readonly msgId: Long
  /** Absolute, wall clock, milliseconds. The answer must be there by then. */
  readonly deadlineMs: number
  readonly traceId: string
  /** The call came inside `invokeWithoutUpdates`. */
  readonly withoutUpdates: boolean
  /** The call came inside `invokeWithTakeout`. */
  readonly takeoutId?: Long
  /** The call came inside `invokeWithMessagesRange`. */
  readonly messagesRange?: { readonly minId: number; readonly maxId: number }
}

/** What a method returns in TL: an object, a Bool, or a vector of objects or of primitives. */
export type RpcAnswer = TlObject | boolean | readonly unknown[] | RpcError

/**
 * The API. It is called once for each msg_id of a session, in the order of arrival, and may answer in any order.
 * A thrown or rejected `RpcError` is the answer; anything else is logged and becomes 500 INTERNAL.
 */
export type RpcHandler = (call: RpcCall) => Promise<RpcAnswer> | RpcAnswer
