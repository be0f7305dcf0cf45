/**
 * Giving up shards that are to change hands, one by one or many at once.
 *
 * L1. From the start of a release what has not started leaves the mailboxes and waits elsewhere (G1, G5): calls that were
 *     made here are parked, those of other nodes are refused with NOT_OWNER, so that they are parked where they were made.
 *     Turns of the runtime's own are dropped, and so are calls of effects that nobody waits for: the next owner finds both.
 * L2. An activation ends as soon as nothing of it is under way that anybody waits for; a shard is released once, when none
 *     of its activations is left, and nothing is activated in it after that.
 * L3. What has not ended in time is given up: its callers are told OUTCOME_UNKNOWN, and its writer is not kept (CORE J3).
 * L4. A shard that ownership opens again meanwhile is not released: its activations go on.
 */
import type { Activation } from './activation.js'
import { Call, Failure } from './call.js'
import type { Host } from './host.js'
import type { ShardRange } from './journal-store.js'
import { inMicrotask } from './microtask.js'
import { Alarm } from './timer-wheel.js'

/** One shard on its way out. */
export class Drain {
  readonly shard: number
  /** The epoch that is being given up; undefined when nothing of the shard was in memory. */
  epoch: number | undefined = undefined
  readonly members = new Set<Activation>()
  /** Calls that something in a draining shard waits for are let in. */
  admits = true
  /** Those that any turn waits for, too. */
  isLate = false
  /** Nothing is activated any more. */
  isOver = false
  readonly #ended: ((isReleased: boolean) => void)[] = []

  constructor(shard: number) {
    this.shard = shard
  }

  whenOver(ended: (isReleased: boolean) => void): void {
    this.#ended.push(ended)
  }

  /** `isReleased` false: it was called off. */
  end(isReleased: boolean): void {
    if (this.isOver) return
    this.isOver = true
    this.admits = false
    for (const ended of this.#ended) ended(isReleased)
  }
}

class Grace extends Alarm {
  over: () => void

  constructor(over: () => void) {
    super()
    this.over = over
  }

  override ring(): void {
    this.over()
  }

  override drop(): void {
    this.over()
  }
}

export class Releases {
  readonly #host: Host
  /** What the callers of activations are told that were given up with something under way. */
  readonly #givenUp = new WeakMap<Activation, Failure>()

  constructor(host: Host) {
    this.#host = host
  }

  release(shards: readonly ShardRange[], withinMs: number, released: (shard: number) => void): Promise<void> {
    const drains = this.#begin(shards)
    return new Promise((resolve) => {
      const startedMs = this.#host.clock.monotonic()
      const grace = new Grace(() => {
        this.#letMoreIn(drains)
        grace.over = () => this.#giveUp(drains)
        this.#host.wheel.set(grace, withinMs / 2)
      })
      let left = drains.length
      const ended = () => {
        if (left > 0) return
        this.#host.wheel.cancel(grace)
        resolve()
      }
      for (const drain of drains) {
        const end = (isReleased: boolean) => {
          left--
          if (isReleased) {
            this.#host.handovers.released(this.#host.clock.monotonic() - startedMs)
            released(drain.shard)
          }
          ended()
        }
        if (drain.isOver) end(true)
        else drain.whenOver(end)
      }
      for (const drain of drains) this.#empty(drain)
      ended()
      if (left > 0) this.#host.wheel.set(grace, withinMs / 2)
    })
  }

  #begin(shards: readonly ShardRange[]): Drain[] {
    const { gates, residency } = this.#host
    const drains: Drain[] = []
    for (const { from, to } of shards) {
      for (let shard = from; shard <= to; shard++) {
        const gate = gates.close(shard)
        gate.drain ??= new Drain(shard)
        drains.push(gate.drain)
        for (const activation of residency.ofShard(shard)) this.joined(activation)
        gates.decideAnew(gate, ({ isReceived }) => isReceived)
      }
    }
    return drains
  }

  /** An activation of a shard that may be on its way out. */
  joined(activation: Activation): void {
    const drain = this.#host.gates.at(activation.shard)?.drain
    if (drain === undefined || drain.isOver) return
    drain.members.add(activation)
    drain.epoch = activation.epoch
  }

  /** Its activation is dead. */
  gone(activation: Activation): void {
    const drain = this.#host.gates.at(activation.shard)?.drain
    if (drain?.members.delete(activation)) this.#endSoon(drain)
  }

  /** It may have come to rest; nobody's answer must be on its way in the present stack when it ends. */
  rested(activation: Activation): void {
    if (this.#host.gates.at(activation.shard)?.drain?.members.has(activation)) {
      inMicrotask(() => this.#endIfQuiet(activation))
    }
  }

  /** What a caller of an activation is told that ended; undefined when it was not given up. */
  failureOf(activation: Activation): Failure | undefined {
    return this.#givenUp.get(activation)
  }

  /** Whether the shard is this node's again, or not at all any more. */
  hasEnded(drain: Drain): boolean {
    const { ownership, turns } = this.#host
    const { shard, epoch, members } = drain
    if (ownership.epochOf(shard) !== undefined) {
      this.#host.bequests.forget(shard)
      drain.end(false)
      return true
    }
    if (epoch !== undefined && !drain.isOver && !ownership.holds(shard, epoch)) {
      // Nobody gets an answer of it any more.
      for (const activation of [...members]) turns.lose(activation)
      drain.end(true)
    }
    return drain.isOver && ownership.ownerOf(shard) !== ownership.self
  }

  /** This node owns nothing any more: all that is in memory is over at once. */
  abandon(): void {
    const { kinds, turns, gates } = this.#host
    const started = this.#startedCalls(() => true)
    for (const kind of kinds.values()) for (const activation of [...kind.residents.values()]) turns.lose(activation)
    const failure = new Failure('NOT_OWNER', 'this node has lost its lease; nothing happened')
    const unknown = new Failure('OUTCOME_UNKNOWN', 'this node has lost its lease before the answer')
    for (const call of started) call.settle(call.method.readOnly ? failure : unknown)
    gates.forgetDrains()
    this.#host.bequests.forgetAll()
  }

  #empty(drain: Drain): void {
    const { gates, dispatcher } = this.#host
    const gate = gates.at(drain.shard)
    for (const activation of [...drain.members]) {
      for (const call of activation.work?.queue.drain() ?? []) {
        if (!call.isWaiting) continue
        if (gate !== undefined && gates.lets(gate, call)) activation.work?.queue.push(call)
        else {
          dispatcher.unqueued(call)
          dispatcher.dispatch(call)
        }
      }
      this.#host.rest(activation)
      this.rested(activation)
    }
    this.#endSoon(drain)
  }

  #endIfQuiet(activation: Activation): void {
    const { phase, running, work } = activation
    if (!this.#host.gates.at(activation.shard)?.drain?.members.has(activation)) return
    if (phase === 'opening' || phase === 'dying' || running !== undefined || work?.isQuiet === false) return
    const failure = new Failure('NOT_OWNER', `shard ${activation.shard} of ${activation.address} has moved`)
    this.#host.bequests.keep(activation)
    this.#host.turns.discard(activation, failure, true)
  }

  #endSoon(drain: Drain): void {
    if (drain.members.size > 0) return
    inMicrotask(() => {
      if (drain.members.size === 0) drain.end(true)
    })
  }

  #letMoreIn(drains: readonly Drain[]): void {
    const { gates } = this.#host
    for (const drain of drains) {
      const gate = gates.at(drain.shard)
      if (drain.isOver || gate?.drain !== drain) continue
      drain.isLate = true
      gates.decideAnew(gate, ({ chain }) => chain !== undefined)
    }
  }

  #giveUp(drains: readonly Drain[]): void {
    const late = drains.filter((drain) => !drain.isOver)
    for (const drain of late) drain.admits = false
    const members = new Set(late.flatMap((drain) => [...drain.members]))
    const started = this.#startedCalls((activation) => members.has(activation))
    for (const activation of members) {
      const { address, shard } = activation
      const message = `shard ${shard} of ${address} changes hands, and this was not done in time; it may still have happened`
      const failure = new Failure('OUTCOME_UNKNOWN', message)
      this.#givenUp.set(activation, failure)
      this.#host.handovers.gaveUp(activation.kind.name)
      this.#host.turns.discard(activation, failure, false)
    }
    const unknown = new Failure('OUTCOME_UNKNOWN', 'the shard has changed hands before the answer')
    for (const call of started) call.settle(unknown)
    for (const drain of late) drain.end(true)
  }

  /** Calls that have started and not been answered, of some of the activations: all calls hang in the wheel. */
  #startedCalls(isMeant: (activation: Activation) => boolean): Call[] {
    const calls: Call[] = []
    this.#host.wheel.visit((alarm) => {
      if (!(alarm instanceof Call) || alarm.isWaiting) return
      const { kind, key } = alarm.target
      const activation = kind.residents.get(key)
      if (activation !== undefined && isMeant(activation)) calls.push(alarm)
    })
    return calls
  }
}
