/**
 * Shards whose calls do not simply start, and the calls that wait for that. A shard for which all is usual has no gate.
 *
 * G1. A call whose shard's owner is not known, or is this node without having it open, or says that it is not the owner, is
 *     parked where it was made: nothing of it has happened. It goes on when ownership tells of its shard, or a moment later
 *     in case nothing is told, and fails with DEADLINE_EXCEEDED if that is too late.
 * G2. While calls of a shard are parked, those that are made later wait with them; they go on in the order in which they
 *     were made, also those that left and came back refused. (Not kept: the order of calls that are under way together, where
 *     the first is refused and the owner opens the shard again before the second arrives.)
 * G3. When the owner changes, what is under way to the former one may come back: calls that are made later wait for that a
 *     moment, so that none overtakes one of the same caller.
 * G4. Parked calls are bounded in count and bytes over all shards; beyond it OVERLOADED.
 * G5. At the gate of a draining shard wait all but calls that something in a draining shard of this node waits for: what is
 *     to end must not wait for its own end. Once it is drained, all wait. A shard may also wait for a turn elsewhere that
 *     waits for it, without their being in one chain: so a drain that lasts lets in what any turn waits for.
 */
import { type Call, Failure, type Target } from './call.js'
import type { Host } from './host.js'
import type { ShardRange } from './journal-store.js'
import type { NodeId } from './ownership.js'
import { Queue } from './queue.js'
import type { Drain } from './releases.js'
import type { Sender } from './sender.js'
import { Alarm } from './timer-wheel.js'

const LOOK_EVERY_MS = 100
/** What is under way to a former owner that stands still is not waited for. */
const SETTLE_MS = 250

/** Calls that left for one owner of a shard and have not come back. */
export interface UnderWay {
  readonly node: NodeId
  count: number
}

export class Gate {
  readonly shard: number
  readonly parked = new Queue<Call>()
  /** Of those, the ones that still wait. */
  waiting = 0
  drain: Drain | undefined = undefined
  /** Waited for (G3), until a monotonic time. */
  settling: UnderWay | undefined = undefined
  settlingUntilMs = 0

  constructor(shard: number) {
    this.shard = shard
  }
}

export class ShardGates extends Alarm {
  readonly #host: Host
  readonly #gates = new Map<number, Gate>()
  readonly #underWay: (UnderWay | undefined)[] = []
  #parkedBytes = 0
  #isWatching = false
  parkedCalls = 0
  /** How many there are: 0 nearly always. */
  count = 0

  constructor(host: Host) {
    super()
    this.#host = host
    host.ownership.onChange?.((shards) => this.changed(shards))
  }

  at(shard: number): Gate | undefined {
    return this.count === 0 ? undefined : this.#gates.get(shard)
  }

  /** The shard is being given up, or has been and nobody has taken it yet. */
  drains(shard: number): boolean {
    return this.at(shard)?.drain !== undefined
  }

  /** Whether a call may pass: only at the gate of a shard that is draining (G5). */
  lets({ drain }: Gate, call: Call): boolean {
    if (drain === undefined || !drain.admits || call.target.origin === 'background') return false
    if (drain.isLate && call.target.chain !== undefined) return true
    for (let from: Sender | undefined = call.target.from; from !== undefined; from = from.up) {
      if (this.at(from.shard)?.drain?.admits === true) return true
    }
    return false
  }

  /** Puts a gate before the shard. */
  close(shard: number): Gate {
    let gate = this.#gates.get(shard)
    if (gate === undefined) {
      gate = new Gate(shard)
      this.#gates.set(shard, gate)
      this.count++
      this.#watch()
    }
    return gate
  }

  /** Keeps a call that has not started until its shard can be reached. */
  park(call: Call, shard: number): void {
    const { limits, metrics, handovers } = this.#host
    const { kind, key } = call.target
    const isFull = this.parkedCalls > 0 && this.#parkedBytes + call.bytes > limits.parkedBytes
    if (this.parkedCalls >= limits.parkedCalls || isFull) {
      const what = `${this.parkedCalls} calls of ${this.#parkedBytes} bytes wait for shards that have no owner now`
      metrics.refusal(kind.name, 'OVERLOADED')
      call.settle(new Failure('OVERLOADED', `${what}; ${kind.name}/${key} was not called`, { retryAfterMs: 500 }))
      return
    }
    const gate = this.close(shard)
    gate.parked.push(call)
    call.gate = gate
    gate.waiting++
    this.parkedCalls++
    this.#parkedBytes += call.bytes
    handovers.parked(kind.name, 1)
  }

  /** The call's deadline has passed. */
  expired(call: Call): void {
    const { gate } = call
    if (gate === undefined) return
    this.#unpark(call)
    if (gate.parked.length > 2 * gate.waiting + 16) gate.parked.retain((each) => each.gate === gate)
    this.#openIfIdle(gate)
  }

  /** A call leaves for the owner of its shard; what is returned is told of its end. */
  left(shard: number, node: NodeId): UnderWay {
    let underWay = this.#underWay[shard]
    if (underWay === undefined || underWay.node !== node) {
      underWay = { node, count: 0 }
      this.#underWay[shard] = underWay
    }
    underWay.count++
    return underWay
  }

  cameBack(shard: number, underWay: UnderWay): void {
    underWay.count--
    if (underWay.count > 0) return
    const gate = this.at(shard)
    if (gate !== undefined && gate.settling === underWay) this.#reconsider(gate)
  }

  /** Some of the calls that are parked are decided anew. */
  decideAnew(gate: Gate, isMeant: (target: Target) => boolean): void {
    const calls = gate.parked.drain()
    for (const call of calls) if (!isMeant(call.target)) gate.parked.push(call)
    this.#letOn(
      gate,
      calls.filter(({ target }) => isMeant(target)),
    )
  }

  /** Ownership has changed for these. */
  changed(shards: readonly ShardRange[]): void {
    for (const { from, to } of shards) {
      for (let shard = from; shard <= to; shard++) {
        this.#settle(shard)
        const gate = this.at(shard)
        if (gate !== undefined) this.#reconsider(gate)
      }
    }
  }

  /** Nothing is being given up any more: this node has no shards. */
  forgetDrains(): void {
    for (const gate of [...this.#gates.values()]) {
      gate.drain = undefined
      this.#openIfIdle(gate)
    }
  }

  override ring(): void {
    this.#isWatching = false
    for (const gate of [...this.#gates.values()]) this.#reconsider(gate)
    if (this.count > 0) this.#watch()
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#host.wheel.set(this, LOOK_EVERY_MS)
  }

  /** G3. */
  #settle(shard: number): void {
    const underWay = this.#underWay[shard]
    if (underWay === undefined || underWay.count === 0) return
    if (this.#host.ownership.ownerOf(shard) === underWay.node) return
    this.#underWay[shard] = undefined
    const gate = this.close(shard)
    gate.settling = underWay
    gate.settlingUntilMs = this.#host.clock.monotonic() + SETTLE_MS
  }

  /** Lets the calls of a shard go on, if nothing holds them back any more. */
  #reconsider(gate: Gate): void {
    if (gate.drain !== undefined && !this.#host.releases.hasEnded(gate.drain)) return
    gate.drain = undefined
    const { settling } = gate
    if (settling !== undefined && settling.count > 0 && this.#host.clock.monotonic() < gate.settlingUntilMs) return
    gate.settling = undefined
    this.#letOn(gate, gate.parked.drain())
  }

  #letOn(gate: Gate, calls: readonly Call[]): void {
    const waiting = calls.filter((call) => call.gate === gate).sort((a, b) => a.order - b.order)
    for (const call of waiting) this.#unpark(call)
    this.#openIfIdle(gate)
    for (const call of waiting) if (call.isWaiting) this.#host.dispatcher.dispatch(call)
  }

  #unpark(call: Call): void {
    const { gate } = call
    if (gate === undefined) return
    call.gate = undefined
    gate.waiting--
    this.parkedCalls--
    this.#parkedBytes -= call.bytes
    this.#host.handovers.parked(call.target.kind.name, -1)
  }

  #openIfIdle(gate: Gate): void {
    if (gate.waiting > 0 || gate.drain !== undefined || gate.settling !== undefined) return
    if (this.#gates.get(gate.shard) !== gate) return
    this.#gates.delete(gate.shard)
    this.count--
  }
}
