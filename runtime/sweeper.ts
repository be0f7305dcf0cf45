/**
 * Finding what was committed and not delivered (CORE D2).
 *
 * E1. Every actor with an undelivered row in a shard of this node is activated and resumed, at the start and again every
 *     `sweepEveryMs`, since a row may land after a sweep has passed. Shards that this node opens are swept a moment later,
 *     beside all other sweeps and until it has succeeded once, or they are this node's no more. A moment, since shards come
 *     group by group, questions for many are hardly more than for few, and at first the store is needed for those whom
 *     somebody calls.
 * E2. A row is removed only by an activation that is idle, whose entries are all durable, whose erased bodies are gone
 *     from the store (K4), and that says it is settled.
 *     With the sending of the removal the activation forgets the row: the next owing commit writes it again.
 */
import type { Activation } from './activation.js'
import { resumeMethod } from './activations.js'
import type { Host } from './host.js'
import type { ShardRange, UndeliveredRow } from './journal-store.js'
import type { Kind, Method } from './kind.js'
import { among, covering } from './shard-cover.js'
import { Alarm, CallbackAlarm } from './timer-wheel.js'
import type { TurnContext } from './turn.js'

/** Of one sweep, or of one range of shards that were opened together. */
const MOST_RESUMING = 32
/** Ranges of shards that were opened, looked through side by side. */
const MOST_RANGES = 2
/** What is opened without a pause of this length is swept together, */
const SWEEP_OPENED_AFTER_MS = 300
/** and at the latest so long after the first of it. */
const SWEEP_OPENED_WITHIN_MS = 1_500
const RETRY_AFTER_MS = 1_000

export class Sweeper extends Alarm {
  readonly #host: Host
  #isSweeping = false
  #isScanning = false
  /** Opened, and to be swept in a moment. */
  #opened: ShardRange[] = []
  #firstOpenedMs = 0
  readonly #sweepSoon = new CallbackAlarm(() => this.#sweepOpened())

  constructor(host: Host) {
    super()
    this.#host = host
  }

  /** Sweeps now, and from now on every `sweepEveryMs`. Rejects when the first sweep cannot read the store. */
  async start(): Promise<void> {
    this.#host.wheel.set(this, this.#host.limits.sweepEveryMs)
    await this.#host.reminders.scan()
    await this.#sweep()
  }

  override ring(): void {
    this.#host.wheel.set(this, this.#host.limits.sweepEveryMs)
    void this.#again()
    void this.#scanAgain()
  }

  /** This node has just opened these shards. */
  acquired(shards: readonly ShardRange[]): void {
    const nowMs = this.#host.clock.monotonic()
    if (this.#opened.length === 0) this.#firstOpenedMs = nowMs
    this.#opened.push(...shards)
    const latestMs = this.#firstOpenedMs + SWEEP_OPENED_WITHIN_MS
    this.#host.wheel.set(this.#sweepSoon, Math.max(0, Math.min(SWEEP_OPENED_AFTER_MS, latestMs - nowMs)))
  }

  #sweepOpened(): void {
    const left = this.#opened.flatMap((range) => this.#host.openShards(range))
    this.#opened = []
    if (left.length === 0 || this.#host.stopping) return
    const isNew = among(left)
    const failed: ShardRange[] = []
    void eachOf(covering(left), MOST_RANGES, async (range) => {
      try {
        await this.#host.reminders.armDueIn(range)
        await this.#sweepRange(range, isNew)
      } catch (error) {
        this.#host.log.warn({ ...range, error }, 'new shards cannot be swept; they are swept again in a moment')
        failed.push(range)
      }
    }).then(() => {
      if (failed.length > 0) this.#host.wheel.set(new CallbackAlarm(() => this.acquired(failed)), RETRY_AFTER_MS)
    })
  }

  async #again(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    try {
      await this.#sweep()
    } catch (error) {
      this.#host.log.warn({ error }, 'a sweep failed; the next one finds the rest')
    }
    this.#isSweeping = false
  }

  /** Apart from the sweep, whose actors may take their time. */
  async #scanAgain(): Promise<void> {
    if (this.#isScanning) return
    this.#isScanning = true
    try {
      await this.#host.reminders.scan()
    } catch (error) {
      this.#host.log.warn({ error }, 'a scan for reminders failed; the next one finds the rest')
    }
    this.#isScanning = false
  }

  /** Removes the actor's undelivered row if nothing is undelivered (E2). */
  removeIfSettled(activation: Activation): void {
    if (!activation.rowWritten && !activation.rowFound) return
    if (
      activation.erases ||
      activation.phase !== 'active' ||
      activation.running !== undefined ||
      activation.work !== undefined
    )
      return
    const host = this.#host
    if (!host.ownership.holds(activation.shard, activation.epoch)) return
    if (!this.#isSettled(activation)) return
    activation.rowWritten = false
    activation.rowFound = false
    host.options.agenda.removeUndelivered(activation.actor, activation.epoch).catch((error) => {
      host.log.warn({ actor: activation.address, error }, 'an undelivered row stays: its removal failed')
    })
  }

  #isSettled(activation: Activation): boolean {
    try {
      return activation.kind.definition.delivery?.settled(this.#host.reading(activation) as never) ?? true
    } catch (error) {
      this.#host.log.error({ actor: activation.address, error }, 'delivery.settled failed')
      return false
    }
  }

  async #sweep(): Promise<void> {
    for (const range of covering(this.#host.openShards())) await this.#sweepRange(range, () => true)
  }

  async #sweepRange(range: ShardRange, isWanted: (shard: number) => boolean): Promise<void> {
    const { agenda } = this.#host.options
    await agenda.sweepUndelivered(range, (rows) => {
      // They come and go meanwhile.
      const own = rows.filter(({ actor: { shard } }) => isWanted(shard) && this.#host.isOpen(shard))
      return eachOf(own, MOST_RESUMING, (row) => this.#resume(row))
    })
  }

  async #resume(row: UndeliveredRow): Promise<void> {
    const host = this.#host
    const kind = host.kinds.get(row.actor.kind)
    if (kind === undefined) host.log.warn({ actor: row.actor }, 'an undelivered row of an unknown kind of actor')
    else await host.dispatcher.runOwn(kind, row.actor.key, foundMethod(kind))
  }
}

/** As `resume`, of an actor whose row was found. */
function foundMethod(kind: Kind): Method {
  const { run, readOnly } = resumeMethod(kind)
  return {
    name: 'resume',
    readOnly,
    run: (turn: TurnContext) => {
      turn.activation.rowFound = true
      return run(turn)
    },
  }
}

/** Does something with each, `atOnce` at a time. */
async function eachOf<T>(items: readonly T[], atOnce: number, run: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < items.length) await run(items[next++] as T)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, one))
}
