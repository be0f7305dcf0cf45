/**
 * Where a call goes: into its actor at once, into its mailbox, to another node, or nowhere.
 *
 * X1. A call whose chain already holds its actor is refused at once with CALL_CYCLE, wherever the actor is.
 * X2. Every mailbox is bounded in calls, bytes and age, the node in calls; over a bound a call is refused with OVERLOADED
 *     before anything happened.
 *     A kind has at most three times as many calls under way as the node has room for: so a slow kind leaves a quarter of
 *     the node to others, and several slow ones leave room still.
 * X3. Concurrent calls of an actor that is not in memory wait for one activation.
 */
import type { Activation } from './activation.js'
import { Call, type CallKeeper, type Chain, chainPath, Failure, type Target } from './call.js'
import { roughBytes } from './codec.js'
import { ActorError } from './errors.js'
import type { Host } from './host.js'
import type { Kind, Method } from './kind.js'
import { shardOf } from './ownership.js'
import { isKey } from './reference.js'
import { type Sender, toSender } from './sender.js'
import { isPromise, type Soon } from './soon.js'
import type { TimerWheel } from './timer-wheel.js'
import type { CallEnvelope } from './transport.js'

const SHORTEST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000
/** Calls of one kind under way, to those that the node has room for (X2). */
const MOST_OF_ROOM = 3
const LONGEST_CHAIN = 64

export class Dispatcher implements CallKeeper {
  readonly #host: Host
  readonly wheel: TimerWheel
  /** Calls that have not settled. */
  inFlight = 0
  #order = 0

  constructor(host: Host) {
    this.#host = host
    this.wheel = host.wheel
  }

  /** A call through a reference. */
  invoke(target: Target, method: Method, args: readonly unknown[]): Promise<unknown> {
    const answer = this.#invokeSoon(target, method, args)
    return isPromise(answer) ? answer : Promise.resolve(answer)
  }

  #invokeSoon(target: Target, method: Method, args: readonly unknown[]): Soon<unknown> {
    const host = this.#host
    const { kind, key, deadlineMs } = target
    host.metrics.call(kind.name, method.name)
    if (host.stopping && target.origin !== 'inside') return this.#refuse(target, method, stopped())
    if (target.from !== undefined) {
      const refusal = this.#refusalOf(target, target.from)
      if (refusal !== undefined) return this.#refuse(target, method, refusal)
    }
    if (target.chain !== undefined && isInChain(target.chain, kind.name, key)) {
      return this.#refuse(target, method, cycle(target, method))
    }
    if (deadlineMs !== undefined && host.clock.now() >= deadlineMs) {
      return this.#refuse(target, method, tooLate(target, method))
    }
    if (host.passes) return this.#invoke(target, method, args)
    try {
      return this.#invoke(target, method, host.carry(args) as readonly unknown[])
    } catch (error) {
      return this.#refuse(target, method, unencodable(target, method, error))
    }
  }

  /** A call of an actor: one that was overtaken does nothing any more, and what nobody waits for ends with a drain. */
  #refusalOf({ kind, key, origin }: Target, { shard, epoch }: Sender): Failure | undefined {
    const { ownership, gates } = this.#host
    if (ownership.newestEpochOf(shard) > epoch) {
      return new Failure('OVERTAKEN', `${kind.name}/${key} was called by an actor of shard ${shard} that was overtaken`)
    }
    if (origin !== 'background' || !gates.drains(shard)) return undefined
    return new Failure('STOPPED', `shard ${shard} of the caller of ${kind.name}/${key} is about to move`)
  }

  #invoke(target: Target, method: Method, args: readonly unknown[]): Soon<unknown> {
    const host = this.#host
    const { kind, key } = target
    const activation = kind.residents.get(key)
    if (
      activation?.phase === 'active' &&
      host.turns.mayRunNow(activation, method) &&
      (host.gates.count === 0 || host.gates.at(activation.shard) === undefined)
    ) {
      if (host.ownership.holds(activation.shard, activation.epoch)) {
        return host.turns.runNow(activation, method, target, args)
      }
      host.turns.lose(activation)
    }
    return this.#enqueue(target, method, args)
  }

  /**
   * A call from another node (Transport.call). Never passed on: a shard that is not ours, or is about to be given up, is
   * NOT_OWNER; one that is ours and not open yet is waited for here, where that is known first.
   */
  receive(envelope: CallEnvelope): Soon<unknown> {
    try {
      return this.#receive(envelope)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #receive(envelope: CallEnvelope): Soon<unknown> {
    const kind = this.#host.kinds.get(envelope.kind)
    const method = kind?.methods.get(envelope.method)
    if (kind === undefined || method === undefined) {
      throw new ActorError('INTERNAL', `this node knows no method ${envelope.kind}.${envelope.method}`)
    }
    // What is in memory has been looked at: the pattern costs more than the look-up.
    if (!kind.residents.has(envelope.key) && !isKey(envelope.key))
      throw new ActorError('INTERNAL', `${kind.name}: the key of a call is no actor's key`)
    if (envelope.chain.length > LONGEST_CHAIN) {
      throw new ActorError('CALL_CYCLE', 'a chain of calls is too long', { chain: envelope.chain })
    }
    const shard = this.#shardOf(kind, envelope.key)
    if (this.#host.ownership.ownerOf(shard) !== this.#host.ownership.self) {
      throw new ActorError('NOT_OWNER', `this node does not own shard ${shard} of ${kind.name}/${envelope.key}`)
    }
    const target: Target = {
      kind,
      key: envelope.key,
      deadlineMs: envelope.deadlineMs,
      traceId: envelope.traceId,
      chain: toChain(envelope.chain),
      from: toSender(envelope.from),
      ifActive: envelope.ifActive,
      origin: envelope.chain.length > 0 ? 'inside' : 'outside',
      isReceived: true,
    }
    return this.#invokeSoon(target, method, envelope.args)
  }

  /**
   * A turn of the runtime's own: a timer, a reminder, a resume. Failures are logged; it resolves when it is over, also when
   * this node cannot run it: who owns the shard finds it.
   */
  runOwn(kind: Kind, key: string, method: Method): Promise<void> {
    if (this.#host.stopping) return Promise.resolve()
    const call = this.#ownCall(kind, key, method)
    this.dispatch(call)
    return this.#logged(call)
  }

  /** As `runOwn`, ahead of all that waits in the mailbox. */
  runFirst(activation: Activation, method: Method): void {
    if (this.#host.stopping || this.#host.gates.drains(activation.shard)) return
    const call = this.#ownCall(activation.kind, activation.key, method)
    this.#host.workOf(activation).queue.unshift(call)
    this.#queued(activation, call)
    void this.#logged(call)
  }

  #ownCall(kind: Kind, key: string, method: Method): Call {
    return this.newCall(ownTarget(kind, key), method, [], this.#host.clock.monotonic(), 0)
  }

  async #logged(call: Call): Promise<void> {
    try {
      await call.answer()
    } catch (error) {
      const { kind, key } = call.target
      const fields = { actor: `${kind.name}/${key}`, method: call.method.name, error }
      this.#host.log.warn(fields, "a turn of the runtime's own failed")
    }
  }

  newCall(target: Target, method: Method, args: readonly unknown[], arrivedMs: number, bytes: number): Call {
    const { clock, limits } = this.#host
    this.inFlight++
    target.kind.inFlight++
    const nowMs = clock.now()
    const deadlineMs = target.deadlineMs ?? nowMs + limits.callTimeoutMs
    const call = new Call(this, target, method, args, deadlineMs, arrivedMs, bytes)
    this.wheel.set(call, deadlineMs - nowMs, arrivedMs)
    return call
  }

  nextOrder(): number {
    return ++this.#order
  }

  settled({ target }: Call): void {
    this.inFlight--
    target.kind.inFlight--
  }

  expired(call: Call): void {
    const work = call.place?.work
    this.#host.gates.expired(call)
    this.unqueued(call)
    if (work !== undefined && work.queue.length > 2 * work.waiting + 16) work.queue.retain((each) => each.isWaiting)
    if (call.place !== undefined) this.#host.rest(call.place)
  }

  /** The call no longer waits in a mailbox. */
  unqueued(call: Call): void {
    const activation = call.place
    if (activation === undefined) return
    call.place = undefined
    this.#host.metrics.queueDepth(activation.kind.name, -1)
    if (activation.work === undefined) return
    activation.work.waiting--
    activation.work.waitingBytes -= call.bytes
  }

  #enqueue(target: Target, method: Method, args: readonly unknown[]): Promise<unknown> {
    const host = this.#host
    const { kind, key } = target
    const nowMs = host.clock.monotonic()
    const room = host.limits.inFlightCalls - this.inFlight
    if (room <= 0 || kind.inFlight >= MOST_OF_ROOM * room) {
      const count = `${this.inFlight} calls wait or run on this node, ${kind.inFlight} of them of ${kind.name}`
      const message = `${count}; the limit is inFlightCalls`
      return this.#refuse(target, method, new Failure('OVERLOADED', message, { retryAfterMs: 500 }))
    }
    const bytes = roughBytes(args)
    const activation = kind.residents.get(key)
    if (activation !== undefined) {
      const overload = overloadOf(activation, method, bytes, nowMs)
      if (overload !== undefined) return this.#refuse(target, method, overload)
    }
    const call = this.newCall(target, method, args, nowMs, bytes)
    this.dispatch(call)
    return call.answer()
  }

  /** Sends a call that has not started to where its actor is. `hops`: how often it was sent on at once. */
  dispatch(call: Call, hops = 0): void {
    const host = this.#host
    const { kind, key } = call.target
    if (host.stopped) {
      call.settle(stopped())
      return
    }
    let activation = kind.residents.get(key)
    const shard = activation === undefined ? this.#shardOf(kind, key) : activation.shard
    const gate = host.gates.at(shard)
    if (gate !== undefined && !host.gates.lets(gate, call)) {
      this.#withhold(call, shard)
      return
    }
    if (activation === undefined) {
      const owner = host.ownership.ownerOf(shard)
      if (owner !== host.ownership.self) {
        if (owner === undefined || !mayLeave(call) || host.transport === undefined) this.#withhold(call, shard)
        else host.outgoing.send(host.transport, owner, shard, call, hops)
        return
      }
      if (call.target.ifActive) {
        call.settle(undefined)
        return
      }
      activation = host.activations.open(kind, key, shard)
      if (activation === undefined) {
        this.#withhold(call, shard)
        return
      }
    }
    this.#queue(activation, call)
    host.turns.pump(activation)
  }

  /** What becomes of a call that can go nowhere now. */
  #withhold(call: Call, shard: number): void {
    const { gates, ownership } = this.#host
    const { kind, key, origin, isReceived } = call.target
    if (origin === 'own') call.settle(undefined)
    else if (isReceived && (ownership.ownerOf(shard) !== ownership.self || gates.drains(shard))) {
      call.settle(new Failure('NOT_OWNER', `this node does not own shard ${shard} of ${kind.name}/${key}`))
    } else gates.park(call, shard)
  }

  #queue(activation: Activation, call: Call): void {
    this.#host.workOf(activation).queue.push(call)
    this.#queued(activation, call)
  }

  #queued(activation: Activation, call: Call): void {
    const work = this.#host.workOf(activation)
    work.waiting++
    work.waitingBytes += call.bytes
    call.place = activation
    this.#host.metrics.queueDepth(activation.kind.name, 1)
  }

  #shardOf(kind: Kind, key: string): number {
    return shardOf(kind.name, key, this.#host.ownership.shardCount)
  }

  #refuse(target: Target, method: Method, failure: Failure): Promise<unknown> {
    this.#host.metrics.refusal(target.kind.name, failure.code)
    this.#host.log.debug(
      { actor: `${target.kind.name}/${target.key}`, method: method.name, code: failure.code },
      'refused',
    )
    return Promise.reject(failure.toError())
  }
}

/** Whom a turn of the runtime's own is for: nobody waits for it. */
export function ownTarget(kind: Kind, key: string): Target {
  return {
    kind,
    key,
    deadlineMs: undefined,
    traceId: undefined,
    chain: undefined,
    from: undefined,
    ifActive: false,
    origin: 'own',
    isReceived: false,
  }
}

/** Whether another node may be asked. */
function mayLeave({ target }: Call): boolean {
  return target.origin !== 'own' && !target.isReceived
}

function isInChain(chain: Chain, kind: string, key: string): boolean {
  for (let link: Chain | undefined = chain; link !== undefined; link = link.up) {
    if (link.key === key && link.kind === kind) return true
  }
  return false
}

function toChain(path: readonly string[]): Chain | undefined {
  let chain: Chain | undefined
  for (const address of path) {
    const slash = address.indexOf('/')
    chain = { kind: address.slice(0, slash), key: address.slice(slash + 1), up: chain }
  }
  return chain
}

function cycle({ chain, kind, key }: Target, method: Method): Failure {
  const path = [...chainPath(chain), `${kind.name}/${key}`]
  const message = `${method.name} would wait for itself: ${path.join(' > ')}; call it from turn.later instead`
  return new Failure('CALL_CYCLE', message, { chain: path })
}

function tooLate({ kind, key }: Target, method: Method): Failure {
  return new Failure(
    'DEADLINE_EXCEEDED',
    `the deadline of ${kind.name}/${key}.${method.name} passed before it was called`,
  )
}

function unencodable({ kind, key }: Target, method: Method, error: unknown): Failure {
  const message = `the arguments of ${kind.name}/${key}.${method.name} cannot be encoded: ${String(error)}`
  return new Failure('INTERNAL', message, {}, error)
}

function stopped(): Failure {
  return new Failure('STOPPED', 'this node is stopping; call again later or elsewhere')
}

function overloadOf(
  { kind, key, work }: Activation,
  method: Method,
  bytes: number,
  nowMs: number,
): Failure | undefined {
  if (work === undefined) return undefined
  const { mailboxCalls, mailboxBytes, mailboxAgeMs } = kind.limits
  const oldestMs = nowMs - (work.oldestArrivalMs() ?? nowMs)
  const isOver =
    work.waiting >= mailboxCalls ||
    work.waitingBytes + bytes > mailboxBytes ||
    oldestMs > mailboxAgeMs ||
    (method.readOnly && work.reads + work.unreleased.length >= mailboxCalls)
  if (!isOver) return undefined
  const retryAfterMs = Math.min(LONGEST_RETRY_MS, Math.max(SHORTEST_RETRY_MS, Math.ceil(oldestMs)))
  const what = `${work.waiting} calls of ${work.waitingBytes} bytes wait for ${kind.name}/${key}, the oldest for ${Math.ceil(oldestMs)} ms`
  return new Failure('OVERLOADED', `${what}; try again in ${retryAfterMs} ms`, { retryAfterMs })
}
