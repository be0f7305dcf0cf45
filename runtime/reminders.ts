/**
 * Durable reminders: an entry in the journal says what is to happen when, a due row, durable before the entry, says where to
 * look.
 *
 * D1. A reminder fires at or after its time by the wall clock, also when nobody calls the actor and after any crash; it
 *     fires again until the turn that handled it is durable.
 * D2. A due row is removed only after the entry that ended or moved its reminder is durable. A commit that needs the same
 *     row again waits until a removal that is under way has ended; there is never a second one beside it.
 *     That of an erased actor goes when the journal has gone.
 * D3. What waits in memory is bounded; what is not in memory is found by the next scan.
 */
import type { Activation } from './activation.js'
import type { Host } from './host.js'
import type { ActorAddress, DueRow, ShardRange } from './journal-store.js'
import { type Method, ownTurn } from './kind.js'
import { covering } from './shard-cover.js'
import { Alarm } from './timer-wheel.js'
import type { TurnContext } from './turn.js'

const MOST_ARMED = 100_000
const MOST_FIRING = 64
const FIRST_PAGE = 1_000
const LARGEST_PAGE = 64_000
const BUSY_PAUSE_MS = 100

class ReminderAlarm extends Alarm {
  readonly row: DueRow
  readonly #reminders: Reminders

  constructor(row: DueRow, reminders: Reminders) {
    super()
    this.row = row
    this.#reminders = reminders
  }

  override ring(): void {
    this.#reminders.ring(this)
  }
}

export class Reminders {
  readonly #host: Host
  readonly #armed = new Map<string, ReminderAlarm>()
  readonly #removing = new Map<string, Promise<void>>()
  #firing = 0
  #page = FIRST_PAGE

  constructor(host: Host) {
    this.#host = host
  }

  /** Fires the reminder in time, if that is soon; the scans find it otherwise. */
  arm(actor: ActorAddress, name: string, dueAtMs: number): boolean {
    const leftMs = dueAtMs - this.#host.clock.now()
    const row = { actor, name, dueAtMs }
    const key = keyOf(row)
    if (leftMs > this.#horizonMs || this.#armed.has(key) || this.#armed.size >= MOST_ARMED) return false
    const alarm = new ReminderAlarm(row, this)
    this.#armed.set(key, alarm)
    this.#host.wheel.set(alarm, leftMs)
    return true
  }

  ring(alarm: ReminderAlarm): void {
    const { row } = alarm
    const leftMs = row.dueAtMs - this.#host.clock.now()
    // The wall clock may have been set back; and an actor's reminders must not crowd out its calls.
    if (leftMs > 0 || this.#firing >= MOST_FIRING) {
      this.#host.wheel.set(alarm, Math.max(leftMs, BUSY_PAUSE_MS))
      return
    }
    this.#armed.delete(keyOf(row))
    void this.#fire(row)
  }

  /** Arms all that is due soon in the shards of this node. */
  async scan(): Promise<void> {
    let isStuck = false
    for (const range of covering(this.#host.openShards())) isStuck = (await this.#armDue(range, this.#page)) || isStuck
    // A page full of rows that are armed already, or keep failing, must not hide those behind it.
    this.#page = isStuck ? Math.min(this.#page * 2, LARGEST_PAGE) : FIRST_PAGE
  }

  /** Arms what is due soon in this node's of these shards; what does not fit into a page is found by the scans. */
  async armDueIn(shards: ShardRange): Promise<void> {
    await this.#armDue(shards, FIRST_PAGE)
  }

  async #armDue(shards: ShardRange, page: number): Promise<boolean> {
    const rows = await this.#host.options.agenda.due(shards, this.#host.nowMs() + this.#horizonMs, page)
    const own = rows.filter(({ actor }) => this.#host.isOpen(actor.shard))
    const armed = own.filter(({ actor, name, dueAtMs }) => this.arm(actor, name, dueAtMs)).length
    return rows.length === page && armed === 0
  }

  removeRow(row: DueRow): void {
    const key = keyOf(row)
    const alarm = this.#armed.get(key)
    if (alarm !== undefined) this.#host.wheel.cancel(alarm)
    this.#armed.delete(key)
    if (this.#removing.has(key)) return
    const removal = this.#host.options.agenda.removeDue(row).catch((error) => {
      this.#host.log.warn({ actor: row.actor, reminder: row.name, error }, 'a due row stays: its removal failed')
    })
    this.#removing.set(key, removal)
    void removal.then(() => this.#removing.delete(key))
  }

  /** Resolves when no removal of these rows is under way; undefined when none is. */
  removalsOf({ actor }: Activation, due: readonly { name: string; dueAtMs: number }[]): Promise<unknown> | undefined {
    if (due.length === 0 || this.#removing.size === 0) return undefined
    const removals = due.flatMap(({ name, dueAtMs }) => this.#removing.get(keyOf({ actor, name, dueAtMs })) ?? [])
    return removals.length === 0 ? undefined : Promise.all(removals)
  }

  async #fire(row: DueRow): Promise<void> {
    const kind = this.#host.kinds.get(row.actor.kind)
    if (kind === undefined) {
      this.#host.log.warn({ actor: row.actor, reminder: row.name }, 'a reminder of an unknown kind of actor')
      return
    }
    this.#firing++
    await this.#host.dispatcher.runOwn(kind, row.actor.key, this.#method(row))
    this.#firing--
  }

  #method(row: DueRow): Method {
    return { name: `reminder:${row.name}`, readOnly: false, run: (turn) => this.#handle(turn, row) }
  }

  async #handle(turn: TurnContext, row: DueRow): Promise<void> {
    const { activation } = turn
    const reminder = activation.reminders?.get(row.name)
    if (reminder?.dueAtMs !== row.dueAtMs) {
      turn.leave(() => {
        if (activation.reminders?.get(row.name)?.dueAtMs !== row.dueAtMs) this.removeRow(row)
      })
      return
    }
    const run = ownTurn(activation.kind.definition.reminders, row.name)
    if (run === undefined) throw new TypeError(`${activation.kind.name} has no reminder ${row.name} any more`)
    await run(turn, reminder.payload)
    if (activation.isErased) {
      this.removeRow(row)
      return
    }
    // The handler may have set it again.
    if (activation.reminders?.get(row.name) === reminder) this.#host.appends.endReminder(turn, row.name)
  }

  get #horizonMs(): number {
    return Math.ceil(this.#host.limits.sweepEveryMs * 2)
  }
}

function keyOf({ actor, name, dueAtMs }: DueRow): string {
  return `${actor.kind}/${actor.key}/${name}/${dueAtMs}`
}
