import { isMethod, writeResult } from '../tl/index.js'
import { Admission } from './admission.js'
import type { AuthKey } from './auth-key.js'
import { bindTemporaryKey } from './bind-temporary-key.js'
import { Call } from './call.js'
import { rpcResult } from './container.js'
import type { PacketLink } from './link.js'
import { compareLongs, type Long, longHigh } from './long.js'
import { floodWait, type RpcAnswer, type RpcCall, RpcError, type TlObject } from './rpc.js'
import { errorBody, resultBody } from './rpc-result.js'
import { serviceBody } from './service-body.js'
import type { MtprotoSession } from './session.js'
import { Work } from './work.js'
import type { World } from './world.js'
import { type Unwrapped, unwrap } from './wrappers.js'

const ABANDONED_SECONDS = 10
const STORE_RETRY_SECONDS = 5
const MAX_EXPECTED_PER_SESSION = 256
const AHEAD_SECONDS = 60

/** Calls that sign an account in on the session's key: the session is its client's main one. */
const SIGN_IN = new Set([
  'auth.signIn',
  'auth.signUp',
  'auth.checkPassword',
  'auth.recoverPassword',
  'auth.importBotAuthorization',
  'auth.importLoginToken',
  'auth.exportLoginToken',
  'auth.importWebTokenAuthorization',
])
/** What the extra sessions for files say too. */
const QUIET = /^(upload|help|langpack|auth)\./
/** May be called on a temporary key that is not bound yet. */
const UNBOUND = /^(help|langpack)\.|^auth\.bindTempAuthKey$/

/**
 * Runs calls.
 *
 * 1. A message id of a session runs at most once; a repeat is answered from what became of it.
 * 2. A call that names others to come after starts when those have answered, and fails if one of them failed.
 * 3. Every call is answered in the end: by its handler, or for it when the handler is silent beyond its deadline, which
 *    starts when the call is given to it, or when it has waited too long for those that it is to come after.
 * 4. A call that takes its time is acknowledged, so that the client does not repeat it.
 */
export class Calls {
  readonly #world: World
  readonly #admission: Admission
  /** Running and waiting, in the order of arrival. */
  readonly #open = new Set<Call>()
  readonly #tracePrefix: string
  #traced = 0

  constructor(world: World) {
    this.#world = world
    this.#admission = new Admission(world.limits, () => world.budget.exhausted)
    this.#tracePrefix = world.random.bytes(6).toString('hex')
  }

  get running(): number {
    return this.#open.size
  }

  /** The part of all calls that is refused because the load is too high, from 0 to 1. */
  get refusedPart(): number {
    return this.#admission.refusedPart
  }

  /** A message that has not been seen before. */
  receive(session: MtprotoSession, link: PacketLink, msgId: Long, received: TlObject): void {
    const request = unwrap(received)
    if (!request || !isMethod(request.method._)) {
      this.refuse(session, msgId, new RpcError(400, 'INPUT_METHOD_INVALID'))
      return
    }
    this.#learn(session, request)
    const call = this.#arrived(session, msgId)
    call.request = request
    call.methodName = request.method._
    const refusal = this.#admission.refusal(session, link)
    if (refusal) {
      this.#world.metrics.count('rpc_overloads', 1, refusal.reason)
      this.#finish(call, floodWait(refusal.waitSeconds))
      return
    }
    this.#world.metrics.count('rpc_calls')
    this.#open.add(call)
    call.link = link
    link.callsRunning++
    this.#admission.begins(session)
    if (request.after) this.#follow(call, request.after)
    // Nothing to wait for, or a predecessor that failed has answered for it already.
    else this.#run(call)
  }

  /** Answers a message that cannot be run. */
  refuse(session: MtprotoSession, msgId: Long, error: RpcError): void {
    this.#finish(this.#arrived(session, msgId), error)
  }

  /** A message that was seen before. Returns how many bytes of its answer are sent again. */
  repeated(session: MtprotoSession, call: Call): number {
    this.#world.metrics.count('rpc_repeats')
    const { answer } = call
    if (call.phase === 'answered' && answer && session.resend(answer)) return answer.body.length
    call.acknowledged = true
    session.acknowledge(call.msgId)
    return 0
  }

  /** A repeat of a call whose answer is gone without having been acknowledged. */
  lost(session: MtprotoSession, msgId: Long): void {
    const call = new Call(session, msgId, 'answered', this.#world.clock.monotonic())
    call.failed = true
    session.seen.set(msgId, call)
    session.answer(call, errorBody(msgId, new RpcError(500, 'RPC_CALL_FAIL')))
  }

  /** `rpc_drop_answer`: the answer to a call is not wanted any more. */
  drop(session: MtprotoSession, msgId: Long, target: Long): void {
    const dropper = this.#arrived(session, msgId)
    dropper.phase = 'answered'
    session.answer(dropper, rpcResult(msgId, this.#dropped(session, target)))
  }

  #dropped(session: MtprotoSession, target: Long): Buffer {
    const call = session.seen.get(target)
    if (!(call instanceof Call)) return serviceBody({ _: 'mt_rpc_answer_unknown' })
    if (call.phase === 'answered' && call.answer?.held) {
      const { answer } = call
      session.discard(answer)
      return serviceBody({
        _: 'mt_rpc_answer_dropped',
        msgId: answer.id,
        seqNo: answer.seqNo,
        bytes: answer.body.length,
      })
    }
    if (call.phase === 'answered' || call.phase === 'expected') return serviceBody({ _: 'mt_rpc_answer_unknown' })
    if (call.phase === 'waiting') this.#finish(call, new RpcError(400, 'MSG_WAIT_FAILED'), false)
    else call.phase = 'dropped'
    return serviceBody({ _: 'mt_rpc_answer_dropped_running' })
  }

  /**
   * Acknowledges slow calls, answers for those whose time is over, and looks at the load. To be called several times a
   * second, with how late it was called.
   */
  sweep(lateMs = 0): void {
    this.#admission.look(lateMs)
    const { limits, clock } = this.#world
    const nowMs = clock.monotonic()
    for (const call of this.#open) {
      const ageMs = nowMs - call.arrivedMs
      if (ageMs < limits.ackCallAfterMs) return
      if (!call.acknowledged) {
        call.acknowledged = true
        call.session.acknowledge(call.msgId)
      }
      if (call.phase === 'waiting') {
        const waitMs = call.missing > 0 ? limits.invokeAfterUnknownMs : limits.waitForOthersMs
        if (ageMs > waitMs) this.#finish(call, new RpcError(400, 'MSG_WAIT_TIMEOUT'))
      } else if (nowMs - call.startedMs > limits.callDeadlineMs + limits.callGraceMs) {
        this.#world.log.error({ method: call.methodName }, 'a call was not answered in its time')
        this.#finish(call, floodWait(ABANDONED_SECONDS))
      }
    }
  }

  /** The call object of a message that arrives now; others may have been waiting for it. */
  #arrived(session: MtprotoSession, msgId: Long): Call {
    const expected = session.callsExpected > 0 ? session.seen.get(msgId) : undefined
    const nowMs = this.#world.clock.monotonic()
    const call = new Call(session, msgId, 'waiting', nowMs)
    if (expected instanceof Call) {
      call.followers = expected.followers
      for (const follower of expected.followers ?? []) follower.missing--
      session.callsExpected--
    }
    session.seen.set(msgId, call)
    return call
  }

  /** What the wrappers and the choice of method tell about the client. */
  #learn(session: MtprotoSession, request: Unwrapped) {
    if (request.layer !== undefined || request.client) this.#remember(session, request)
    if (request.withoutUpdates) {
      if (!session.spoke) session.declinedUpdates = true
      return
    }
    if (session.spoke) return
    const method = request.method._
    if (!SIGN_IN.has(method) && QUIET.test(method)) return
    session.spoke = true
    session.updateReadiness()
  }

  #remember(session: MtprotoSession, { layer, client }: Unwrapped) {
    const key = session.key.owner
    const known = key.client
    const sameClient = !client || (known && JSON.stringify(known) === JSON.stringify(client))
    if ((layer === undefined || layer === key.layer) && sameClient) return
    if (layer !== undefined && layer > 0) key.layer = layer
    if (client) key.client = client
    // An unbound temporary key stands for nobody yet: what it said moves to the permanent one when it is bound.
    if (key.temporary || !key.mayStoreFacts(this.#world.clock.monotonic())) return
    const facts = { layer: key.layer, ...(key.client && { client: key.client }) }
    Promise.resolve(this.#world.store.remember(key.id, facts)).catch((error: unknown) => {
      // Said again with the next initConnection.
      key.client = undefined
      this.#world.log.warn({ err: error }, 'the client of an auth key could not be stored')
    })
  }

  #follow(call: Call, after: readonly Long[]) {
    for (const id of after) {
      const outcome = this.#await(call, id)
      if (outcome === 'failed') {
        this.#finish(call, new RpcError(400, 'MSG_WAIT_FAILED'))
        return
      }
    }
    if (call.waitsFor === 0) this.#run(call)
  }

  /** Has `call` wait for the message `id` unless that is answered. */
  #await(call: Call, id: Long): 'waits' | 'done' | 'failed' {
    const { session } = call
    const state = session.seen.get(id)
    if (state instanceof Call) {
      if (state === call) return 'failed'
      if (state.phase === 'answered') return state.failed ? 'failed' : 'done'
      this.#tie(call, state)
      if (state.phase === 'expected') call.missing++
      return 'waits'
    }
    if (state !== undefined) return state === 'failed' ? 'failed' : 'done'
    // Before this session's time: it was answered in an earlier one, or comes again under another id.
    if (compareLongs(id, session.firstMsgId) < 0 || session.seen.isForgotten(id)) return 'done'
    if (longHigh(id) > this.#world.nowSeconds() + AHEAD_SECONDS) return 'failed'
    if (session.callsExpected >= MAX_EXPECTED_PER_SESSION) return 'failed'
    const expected = new Call(session, id, 'expected', call.arrivedMs)
    session.callsExpected++
    session.seen.set(id, expected)
    this.#tie(call, expected)
    call.missing++
    return 'waits'
  }

  #tie(follower: Call, leader: Call) {
    if (leader.followers) leader.followers.push(follower)
    else leader.followers = [follower]
    follower.waitsFor++
    if (follower.leaders) follower.leaders.push(leader)
    else follower.leaders = [leader]
  }

  #run(call: Call) {
    call.phase = 'running'
    call.startedMs = this.#world.clock.monotonic()
    let answer: Promise<RpcAnswer> | RpcAnswer
    try {
      answer = this.#invoke(call)
    } catch (error) {
      this.#finish(call, this.#errorOf(call, error))
      return
    }
    if (!isPromise(answer)) {
      this.#finish(call, answer)
      return
    }
    answer.then(
      (value) => this.#finishLate(call, value),
      (error: unknown) => this.#finishLate(call, this.#errorOf(call, error)),
    )
  }

  #finishLate(call: Call, answer: RpcAnswer) {
    try {
      this.#finish(call, answer)
    } catch (error) {
      this.#world.log.error({ err: error }, 'an answer could not be sent')
    }
  }

  #invoke(call: Call): Promise<RpcAnswer> | RpcAnswer {
    const { session } = call
    const { method, withoutUpdates, takeoutId, messagesRange } = call.request!
    const { key } = session
    if (key.temporary && !key.permanent && !UNBOUND.test(method._)) {
      return this.#unlessChanged(call, key, new RpcError(401, 'AUTH_KEY_PERM_EMPTY'))
    }
    if (method._ === 'auth.bindTempAuthKey') return bindTemporaryKey(this.#world, session, call.msgId, method)
    const rpcCall: { -readonly [Field in keyof RpcCall]: RpcCall[Field] } = {
      method,
      session,
      msgId: call.msgId,
      deadlineMs: this.#world.clock.now() + this.#world.limits.callDeadlineMs,
      traceId: this.#traceId(),
      withoutUpdates,
    }
    if (takeoutId !== undefined) rpcCall.takeoutId = takeoutId
    if (messagesRange) rpcCall.messagesRange = messagesRange
    const answer = this.#world.rpc(rpcCall)
    if (!(answer instanceof RpcError) || answer.code !== 401 || session.userId !== 0) return answer
    return this.#unlessChanged(call, key.owner, answer)
  }

  /** Before a client is told to log in again: another gateway may know more of its key. */
  #unlessChanged(call: Call, key: AuthKey, refusal: RpcError): Promise<RpcAnswer> | RpcAnswer {
    if (!this.#world.isShared) return refusal
    return this.#world.keys.refresh(key).then(
      (changed) => (changed ? this.#invoke(call) : refusal),
      (error: unknown) => {
        this.#world.log.warn({ err: error }, 'an auth key could not be looked up just now')
        return floodWait(STORE_RETRY_SECONDS)
      },
    )
  }

  #traceId(): string {
    this.#traced = (this.#traced + 1) >>> 0
    return this.#tracePrefix + this.#traced.toString(16).padStart(8, '0')
  }

  #errorOf(call: Call, error: unknown): RpcError {
    if (error instanceof RpcError) return error
    this.#world.metrics.count('rpc_internal_errors')
    this.#world.log.error({ err: error, method: call.methodName }, 'a call failed with an unexpected error')
    return new RpcError(500, 'INTERNAL')
  }

  #finish(call: Call, answer: RpcAnswer, wanted = true) {
    if (call.phase === 'answered') return
    const dropped = call.phase === 'dropped' || !wanted
    const { session } = call
    if (this.#open.delete(call)) {
      this.#admission.ends(session, this.#world.clock.monotonic() - call.startedMs)
      if (call.link) call.link.callsRunning--
    }
    call.link = undefined
    // It may carry a part of a file, and the call is remembered until its answer is acknowledged.
    call.request = undefined
    call.failed = answer instanceof RpcError
    call.phase = 'answered'
    this.#measure(call, answer)
    if (dropped) session.seen.set(call.msgId, call.failed ? 'failed' : 'done')
    else this.#answer(call, answer)
    this.#release(call)
  }

  #measure(call: Call, answer: RpcAnswer) {
    const code = answer instanceof RpcError ? answer.code : 0
    if (code !== 0) {
      this.#world.metrics.count('rpc_errors')
      this.#world.spend(call.session.key, Work.message - Work.call)
    }
    if (call.methodName) this.#world.metrics.rpc(call.methodName, this.#world.clock.monotonic() - call.arrivedMs, code)
  }

  #answer(call: Call, answer: RpcAnswer) {
    const { session, msgId } = call
    if (answer instanceof RpcError) {
      session.answer(call, errorBody(msgId, answer))
      return
    }
    const method = call.methodName
    let result: Buffer
    try {
      result = writeResult(session.layer, method as never, answer as never)
    } catch (error) {
      call.failed = true
      session.answer(call, errorBody(msgId, this.#errorOf(call, error)))
      return
    }
    resultBody(msgId, method, result, this.#world.limits.gzipFromBytes, (body) => session.answer(call, body))
  }

  /** Lets those start that waited for `call`. */
  #release(call: Call) {
    for (const leader of call.leaders ?? []) this.#untie(call, leader)
    call.leaders = undefined
    const { followers, failed } = call
    call.followers = undefined
    for (const follower of followers ?? []) {
      if (follower.phase !== 'waiting') continue
      follower.waitsFor--
      if (failed) this.#finish(follower, new RpcError(400, 'MSG_WAIT_FAILED'))
      else if (follower.waitsFor === 0) this.#run(follower)
    }
  }

  /** A call that is over does not wait any more; a message that only it waited for is not expected any more. */
  #untie(follower: Call, leader: Call) {
    if (!leader.followers) return
    leader.followers = leader.followers.filter((other) => other !== follower)
    if (leader.phase !== 'expected' || leader.followers.length > 0) return
    const { session } = leader
    if (session.seen.get(leader.msgId) !== leader) return
    session.seen.erase(leader.msgId)
    session.callsExpected--
  }
}

function isPromise(value: unknown): value is Promise<RpcAnswer> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}
