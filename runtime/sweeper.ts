/**
 * Finding what was committed and not delivered (CORE D2).
 *
 * E1. Every actor with an undelivered row in a shard of this node is activated and resumed, at the start and again every
 *     `sweepEveryMs`, since a row may land after a sweep has passed.
 * E2. A row is removed only by an activation that is idle, whose entries are all durable, whose erased bodies are gone
 *     from the store (K4), and that says it is settled.
 *     With the sending of the removal the activation forgets the row: the next owing commit writes it again.
 */
import type { Activation } from './activation.js'
import { resumeMethod } from './activations.js'
import type { Host } from './host.js'
import type { ShardRange, UndeliveredRow } from './journal-store.js'
import type { Kind, Method } from './kind.js'
import { Alarm } from './timer-wheel.js'
import type { TurnContext } from './turn.js'

const MOST_RESUMING = 32

export class Sweeper extends Alarm {
  readonly #host: Host
  #sweeping: Promise<void> | undefined

  constructor(host: Host) {
    super()
    this.#host = host
  }

  /** Sweeps now, and from now on every `sweepEveryMs`. Rejects when the first sweep cannot read the store. */
  async start(): Promise<void> {
    this.#host.wheel.set(this, this.#host.limits.sweepEveryMs)
    await this.#sweep()
  }

  override ring(): void {
    this.#host.wheel.set(this, this.#host.limits.sweepEveryMs)
    if (this.#sweeping !== undefined) return
    this.#sweeping = this.#sweep()
      .catch((error) => this.#host.log.warn({ error }, 'a sweep failed; the next one finds the rest'))
      .finally(() => {
        this.#sweeping = undefined
      })
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
    await this.#host.reminders.scan()
    for (const shards of this.#host.ownedShards()) await this.#sweepRange(shards)
  }

  async #sweepRange(shards: ShardRange): Promise<void> {
    await this.#host.options.agenda.sweepUndelivered(shards, async (rows) => {
      for (let i = 0; i < rows.length; i += MOST_RESUMING) {
        await Promise.all(rows.slice(i, i + MOST_RESUMING).map((row) => this.#resume(row)))
      }
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
