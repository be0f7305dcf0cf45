import type { Soon } from '../../runtime/index.js'
import type { TlObject } from '../mtproto/index.js'
import type { tl } from '../tl/index.js'
import type { Call } from './call.js'
import type { FloodRule } from './flood.js'

export interface MethodOptions {
  /** `user`: answered 401 AUTH_KEY_UNREGISTERED unless somebody is signed in; then `call.self` is that account. */
  readonly auth: 'user' | 'any'
  readonly flood?: FloodRule
}

/** One method of the API. */
export interface Method extends MethodOptions {
  /** As in the schema: `messages.sendMessage`. */
  readonly name: tl.MethodName
  readonly handle: (request: TlObject, call: Call) => Soon<unknown>
}

/** A method's parameters: a field that some layer lacks is optional. */
export type Request<Name extends tl.MethodName> = Extract<tl.RpcMethod, { _: Name }>

/**
 * Declares a method. The handler validates its parameters before it calls an actor, refuses with `refuseCall`, lets
 * actors' errors through (errors.ts maps them), and answers with objects of the newest layer, from which the client's
 * layer is written.
 */
export function method<Name extends tl.MethodName>(
  name: Name,
  options: MethodOptions,
  handle: (request: Request<NoInfer<Name>>, call: Call) => Soon<tl.RpcCallReturn[NoInfer<Name>]>,
): Method {
  return { name, ...options, handle: handle as unknown as Method['handle'] }
}
