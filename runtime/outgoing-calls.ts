/**
 * Calls of actors that other nodes own.
 *
 * O1. A call that was refused because of where it went has not happened (NOT_OWNER, STOPPED): it goes on to a new owner, or
 *     is parked until there is one.
 * O2. A read whose outcome is unknown is asked again while its deadline allows; of all else the caller is told.
 */
import { type Call, chainPath, Failure } from './call.js'
import { ActorError, errorCode } from './errors.js'
import type { Host } from './host.js'
import type { NodeId } from './ownership.js'
import { senderPath } from './sender.js'
import type { UnderWay } from './shard-gates.js'
import type { CallEnvelope, CallOutcome, Transport } from './transport.js'

/** A call that another node sends back as not its own is sent on at once at most this often. */
const MOST_HOPS = 3

export class OutgoingCalls {
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  send(transport: Transport, owner: NodeId, shard: number, call: Call, hops: number): void {
    const { kind, key, chain, from, ifActive, traceId } = call.target
    const envelope: CallEnvelope = {
      kind: kind.name,
      key,
      method: call.method.name,
      args: call.args,
      deadlineMs: call.deadlineMs,
      traceId,
      chain: chainPath(chain),
      ifActive,
      from: senderPath(from),
    }
    const underWay = this.#host.gates.left(shard, owner)
    call.start()
    transport.call(owner, envelope, new Outgoing(this, call, shard, owner, hops, underWay))
  }

  answered({ call, shard, underWay }: Outgoing, answer: unknown): void {
    call.settle(answer)
    this.#host.gates.cameBack(shard, underWay)
  }

  failed({ call, shard, owner, hops, underWay }: Outgoing, error: unknown): void {
    this.#notAnswered(call, shard, owner, error, hops)
    this.#host.gates.cameBack(shard, underWay)
  }

  #notAnswered(call: Call, shard: number, askedNode: NodeId, error: unknown, hops: number): void {
    const { kind, key } = call.target
    const code = errorCode(error) ?? 'OUTCOME_UNKNOWN'
    const didNotRun = code === 'NOT_OWNER' || code === 'STOPPED'
    if (didNotRun || (code === 'OUTCOME_UNKNOWN' && call.method.readOnly)) {
      call.unstart()
      if (!call.isWaiting) return
      const hasMoved = didNotRun && this.#host.ownership.ownerOf(shard) !== askedNode
      if (hasMoved && hops < MOST_HOPS) this.#host.dispatcher.dispatch(call, hops + 1)
      else this.#host.gates.park(call, shard)
      return
    }
    if (error instanceof ActorError) call.settle(Failure.of(error))
    else call.settle(new Failure('OUTCOME_UNKNOWN', `the call of ${kind.name}/${key} left and failed`, {}, error))
  }
}

/** A call that has left, and what is to be known of it when it comes back. */
class Outgoing implements CallOutcome {
  readonly #calls: OutgoingCalls
  readonly call: Call
  readonly shard: number
  readonly owner: NodeId
  readonly hops: number
  readonly underWay: UnderWay

  constructor(calls: OutgoingCalls, call: Call, shard: number, owner: NodeId, hops: number, underWay: UnderWay) {
    this.#calls = calls
    this.call = call
    this.shard = shard
    this.owner = owner
    this.hops = hops
    this.underWay = underWay
  }

  answered(answer: unknown): void {
    this.#calls.answered(this, answer)
  }

  failed(error: unknown): void {
    this.#calls.failed(this, error)
  }
}
