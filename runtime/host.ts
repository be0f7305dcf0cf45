import type { Activation } from './activation.js'
import { Activations } from './activations.js'
import type { ActorLog } from './actor.js'
import { Appends } from './appends.js'
import { Bequests } from './bequests.js'
import { Failure, type Target } from './call.js'
import { Checkpoints } from './checkpoints.js'
import type { Clock } from './clock.js'
import { crossed, deepFrozen } from './codec.js'
import { Commits } from './commits.js'
import type { ActorType, Ref } from './contract.js'
import { Dispatcher, ownTarget } from './dispatcher.js'
import { Frames } from './frames.js'
import { LastErrors } from './inspection.js'
import type { ShardRange } from './journal-store.js'
import { Kind, type Method } from './kind.js'
import { checkActorLimits, completeLimits } from './limits.js'
import { type HandoverMetrics, NO_HANDOVER_METRICS, type RuntimeMetrics } from './metrics.js'
import { OutgoingCalls } from './outgoing-calls.js'
import type { Ownership } from './ownership.js'
import { Pace } from './pace.js'
import { isKey, type ReferenceClass, referenceClass } from './reference.js'
import { Releases } from './releases.js'
import { Reminders } from './reminders.js'
import { Residency } from './residency.js'
import { ShardGates } from './shard-gates.js'
import { Sweeper } from './sweeper.js'
import type { ActorSystemOptions, SystemLimits } from './system.js'
import { TimerWheel } from './timer-wheel.js'
import type { Transport } from './transport.js'
import { TurnContext } from './turn.js'
import { Turns } from './turns.js'
import { UncleanEnds } from './unclean-ends.js'
import { Work } from './work.js'

/** What a reference is made of, besides whom it calls. */
export type TargetOptions = Omit<Target, 'kind' | 'key'>

const READING: Method = { name: 'reading', readOnly: true, run: () => undefined }

/** One system's parts and what they share. */
export class Host {
  readonly options: ActorSystemOptions
  readonly limits: SystemLimits
  readonly clock: Clock
  readonly ownership: Ownership
  readonly transport: Transport | undefined
  readonly metrics: RuntimeMetrics
  readonly handovers: HandoverMetrics
  readonly log: ActorLog
  readonly onTurn: ActorSystemOptions['onTurn']
  readonly wheel: TimerWheel
  readonly pace: Pace
  readonly kinds: ReadonlyMap<string, Kind>
  /** Local values are passed as they are. */
  readonly passes: boolean
  readonly uncleanEnds: UncleanEnds
  /** Activations that have something under way. */
  readonly busy = new Set<Activation>()
  stopping = false
  /** Nothing is served any more. */
  stopped = false
  /** Hears that an activation may have come to rest. */
  onRest: (() => void) | undefined = undefined

  readonly dispatcher: Dispatcher
  readonly activations: Activations
  readonly turns: Turns
  readonly appends: Appends
  readonly commits: Commits
  readonly checkpoints: Checkpoints
  readonly residency: Residency
  readonly reminders: Reminders
  readonly sweeper: Sweeper
  readonly frames: Frames
  readonly gates: ShardGates
  readonly outgoing: OutgoingCalls
  readonly lastErrors: LastErrors
  readonly releases: Releases
  readonly bequests: Bequests
  /** The latest date that an actor of this process has told. */
  latestDateMs = 0

  readonly #references = new Map<Kind, ReferenceClass>()
  readonly #tracePrefix: string
  #traces = 0

  constructor(options: ActorSystemOptions) {
    this.options = options
    this.limits = completeLimits(options.limits)
    this.clock = options.clock
    this.ownership = options.ownership
    this.transport = options.transport
    this.metrics = options.metrics
    this.handovers = options.handovers ?? NO_HANDOVER_METRICS
    this.log = options.log
    this.onTurn = options.onTurn
    this.passes = options.localValues === 'pass'
    this.wheel = new TimerWheel(options.clock, (error) => this.log.error({ error }, 'an alarm of the runtime failed'))
    this.pace = new Pace(options.clock)
    this.uncleanEnds = new UncleanEnds(() => this.log.warn({}, 'too many unclean ends: no writer is kept from now on'))
    this.#tracePrefix = options.random.bytes(6).toString('hex')
    this.dispatcher = new Dispatcher(this)
    this.activations = new Activations(this)
    this.turns = new Turns(this)
    this.appends = new Appends(this)
    this.commits = new Commits(this)
    this.checkpoints = new Checkpoints(this)
    this.residency = new Residency(this)
    this.reminders = new Reminders(this)
    this.sweeper = new Sweeper(this)
    this.frames = new Frames(this)
    this.gates = new ShardGates(this)
    this.outgoing = new OutgoingCalls(this)
    this.lastErrors = new LastErrors(this)
    this.releases = new Releases(this)
    this.bequests = new Bequests(this)
    this.kinds = this.#kindsOf(options)
  }

  #kindsOf(options: ActorSystemOptions): Map<string, Kind> {
    const kinds = new Map<string, Kind>()
    for (const definition of options.actors) {
      const kind = new Kind(definition, this.limits.actor, this.carry)
      if (kinds.has(kind.name)) throw new TypeError(`two actors are of the kind ${kind.name}`)
      checkActorLimits(`${kind.name}.limits`, kind.limits)
      kinds.set(kind.name, kind)
      this.#references.set(kind, referenceClass(kind.type, kind.methods, this.dispatcher))
    }
    return kinds
  }

  reference<Contract, Id>(type: ActorType<Contract, Id>, id: Id, options: TargetOptions): Ref<Contract> {
    const kind = this.kinds.get(type.kind)
    const Reference = kind === undefined ? undefined : this.#references.get(kind)
    if (kind === undefined || Reference === undefined)
      throw new TypeError(`this system has no actors of kind ${type.kind}`)
    const key = keyOf(kind, type as ActorType<unknown, unknown>, id)
    const { deadlineMs, traceId, chain, from, ifActive, origin, isReceived } = options
    const target = { kind, key, deadlineMs, traceId, chain, from, ifActive, origin, isReceived }
    return new Reference(target) as unknown as Ref<Contract>
  }

  /** What a value is on the other side of a local call, a frame or the journal (`localValues`). Bound: handed around. */
  readonly carry = (value: unknown): unknown => {
    if (this.passes) return value
    return this.options.localValues === 'freeze' ? deepFrozen(value) : crossed(value)
  }

  async carryAsync(value: unknown): Promise<unknown> {
    return this.carry(value)
  }

  carryFailure(failure: Failure): Failure {
    if (this.options.localValues !== 'cross') return failure
    return new Failure(failure.code, failure.message, crossed(failure.details) as Failure['details'])
  }

  /** Wall clock in whole milliseconds, as stores take it: a clock may count fractions. */
  nowMs(): number {
    return Math.floor(this.clock.now())
  }

  workOf(activation: Activation): Work {
    if (activation.work === undefined) {
      activation.work = new Work()
      this.busy.add(activation)
    }
    return activation.work
  }

  /** Lets go of an activation's work if there is none. */
  rest(activation: Activation): void {
    if (activation.running === undefined && activation.work?.isEmpty === true) {
      this.dropWork(activation)
      if (activation.phase !== 'dead') this.residency.rested(activation)
    }
    if (this.gates.count > 0) this.releases.rested(activation)
    this.onRest?.()
  }

  dropWork(activation: Activation): void {
    activation.work = undefined
    this.busy.delete(activation)
    this.onRest?.()
  }

  /** A view of an activation for its definition's own questions. */
  reading(activation: Activation): TurnContext {
    const target = ownTarget(activation.kind, activation.key)
    return new TurnContext(this, activation, READING, target, undefined, this.clock.monotonic())
  }

  /** The shards that this node owns and has open, as ranges; `among`: of these. */
  openShards(among: ShardRange = { from: 0, to: this.ownership.shardCount - 1 }): ShardRange[] {
    const ranges: ShardRange[] = []
    for (let shard = among.from; shard <= among.to; shard++) {
      if (!this.isOpen(shard)) continue
      const last = ranges.at(-1)
      if (last !== undefined && last.to === shard - 1) ranges[ranges.length - 1] = { from: last.from, to: shard }
      else ranges.push({ from: shard, to: shard })
    }
    return ranges
  }

  isOpen(shard: number): boolean {
    return this.ownership.epochOf(shard) !== undefined
  }

  newTraceId(): string {
    return `${this.#tracePrefix}-${(++this.#traces).toString(36)}`
  }

  logFor(bound: Record<string, unknown>): ActorLog {
    const { log } = this
    return {
      debug: (fields, message) => log.debug({ ...bound, ...fields }, message),
      info: (fields, message) => log.info({ ...bound, ...fields }, message),
      warn: (fields, message) => log.warn({ ...bound, ...fields }, message),
      error: (fields, message) => log.error({ ...bound, ...fields }, message),
    }
  }
}

/** The id's key; throws a TypeError on one that breaks the rule of ActorType.key. */
function keyOf({ residents }: Kind, type: ActorType<unknown, unknown>, id: unknown): string {
  const key = type.key(id)
  // What is in memory has been looked at: the pattern costs more than the look-up.
  if (!residents.has(key) && !isKey(key)) {
    throw new TypeError(`${type.kind}: ${JSON.stringify(key)} cannot be an actor's key`)
  }
  return key
}
