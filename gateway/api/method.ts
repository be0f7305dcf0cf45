import type { Soon } from '../../runtime/index.js'
import type { TlObject } from '../mtproto/index.js'
import type { tl } from '../tl/index.js'
import type { Call } from './call.js'
import { refuseCall } from './errors.js'
import type { FloodRule } from './flood.js'

export interface MethodOptions {
  /** `user`: answered 401 AUTH_KEY_UNREGISTERED unless somebody is signed in; then `call.self` is that account. */
  readonly auth: 'user' | 'any'
  readonly flood?: FloodRule
  /**
   * Fields that change what is asked for and are not served, with the error that answers a call which sets one: the
   * call as it would be without them is not the one that the client meant. docs/protocol.md lists them.
   */
  readonly unserved?: Readonly<Record<string, string>>
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
  options: MethodOptions & { readonly unserved?: Partial<Record<keyof NoInfer<Request<Name>>, string>> },
  handle: (request: Request<NoInfer<Name>>, call: Call) => Soon<tl.RpcCallReturn[NoInfer<Name>]>,
): Method {
  const served = handle as unknown as Method['handle']
  const unserved = Object.keys(options.unserved ?? {})
  const refusals = Object.values<string>(options.unserved ?? {})
  if (unserved.length === 0) return { name, ...options, handle: served }
  return {
    name,
    ...options,
    handle: (request, call) => {
      for (let i = 0; i < unserved.length; i++) if (isGiven(request[unserved[i]!])) refuseCall(refusals[i]!)
      return served(request, call)
    },
  }
}

/** Clients send 0 and false for none. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && value !== 0
}
