import type { RpcAnswer, TlObject } from '../mtproto/index.js'
import type { Call } from './call.js'
import type { FloodRule } from './flood.js'

/** One method of the API. */
export interface Method {
  /** As in the schema: `messages.sendMessage`. */
  readonly name: string
  /** `user`: answered 401 AUTH_KEY_UNREGISTERED unless somebody is signed in; then `call.self` is that account. */
  readonly auth: 'user' | 'any'
  readonly flood?: FloodRule
  readonly handle: (request: TlObject, call: Call) => Promise<RpcAnswer> | RpcAnswer
}

export interface MethodOptions {
  readonly auth: 'user' | 'any'
  readonly flood?: FloodRule
}

/**
 * Declares a method. `Request` names the fields that the handler reads, as the schema types them in the newest layer;
 * a field that older layers lack is optional. The handler validates them before it calls an actor, refuses with
 * `refuseCall`, lets actors' errors through (errors.ts maps them), and answers with objects of the newest layer.
 */
export function method<Request>(
  name: string,
  options: MethodOptions,
  handle: (request: Request, call: Call) => Promise<RpcAnswer> | RpcAnswer,
): Method {
  return { name, ...options, handle: handle as Method['handle'] }
}
