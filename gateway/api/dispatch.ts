import { isPromise, type Soon } from '../../runtime/index.js'
import { floodWait, type RpcAnswer, type RpcCall, type RpcHandler } from '../mtproto/index.js'
import { Call, callerOf } from './call.js'
import { answerFor, apiError } from './errors.js'
import type { Method } from './method.js'
import type { Services } from './services.js'

/** The API as MTProto calls it: finds the method, checks who asks and how often, runs it, maps its errors. */
export function createDispatch(services: Services, methods: ReadonlyMap<string, Method>): RpcHandler {
  return (rpc: RpcCall) => {
    const name = rpc.method._
    const method = methods.get(name)
    if (!method) {
      services.metrics.notImplemented(name)
      return apiError('METHOD_NOT_IMPLEMENTED')
    }
    const { session } = rpc
    if (method.auth === 'user' && session.userId === 0) return apiError('AUTH_KEY_UNREGISTERED')
    const who = callerOf(session)
    const waitSeconds = services.flood.take(who, name, method.flood)
    if (waitSeconds > 0) {
      services.metrics.floodWait(name)
      return floodWait(waitSeconds)
    }
    return run(method, rpc, new Call(services, rpc, method))
  }
}

function run(method: Method, rpc: RpcCall, call: Call): Soon<RpcAnswer> {
  const answered = (answer: RpcAnswer) => {
    call.services.log.debug({ method: method.name, user: rpc.session.userId, traceId: call.traceId }, 'answered')
    return answer
  }
  const failed = (error: unknown) => failure(method, rpc, call, error)
  try {
    const result = method.handle(rpc.method, call) as Soon<RpcAnswer>
    return isPromise(result) ? result.then(answered, failed) : answered(result)
  } catch (error) {
    return failed(error)
  }
}

/** The answer for an error that a client is told; throws the others. */
function failure(method: Method, rpc: RpcCall, call: Call, error: unknown): RpcAnswer {
  const { log } = call.services
  const request = { method: method.name, user: rpc.session.userId, traceId: call.traceId }
  const answer = answerFor(error)
  if (answer) {
    log.debug({ ...request, code: answer.code, reason: answer.message }, 'refused')
    return answer
  }
  log.error({ ...request, err: error }, 'a handler failed')
  throw error
}
