/** How entries come into being: encoded first, then folded, then put with the turn's others. */

import type { Activation } from './activation.js'
import type { Placed } from './actor.js'
import { ActorError } from './errors.js'
import { type DecodedFact, encodeFact, encodeReminderFact } from './fact.js'
import type { Host } from './host.js'
import type { JournalEntry } from './journal-store.js'
import { ownTurn } from './kind.js'
import { entryBytes } from './tail.js'
import type { TurnContext } from './turn.js'

/** The entries of one turn are one commit: a turn that appends more than this is refused further entries. */
const MAX_TURN_BYTES = 16 * 1024 * 1024

export class Appends {
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  append(turn: TurnContext, entry: unknown, body: Uint8Array | undefined): Placed {
    const { activation } = turn
    const { definition } = activation.kind
    const at = activation.place(definition.count?.(entry) ?? 1, this.#host.nowMs())
    const owes = definition.delivery?.owes(entry) ?? false
    const fact = encodeFact(definition.state, entry)
    this.#record(turn, entryAt(at, fact, body), { fact: this.#host.carry(entry) })
    if (activation.erases) this.#host.checkpoints.eraseSoon(activation)
    if (owes || activation.erases) this.#host.workOf(activation).openOwes = true
    return at
  }

  /** Throws a TypeError for a reminder that the definition lacks. */
  remind(turn: TurnContext, name: string, dueAtMs: number, payload: unknown): void {
    const { activation } = turn
    if (ownTurn(activation.kind.definition.reminders, name) === undefined) {
      throw new TypeError(`${activation.kind.name} has no reminder ${name}`)
    }
    if (!Number.isSafeInteger(dueAtMs) || dueAtMs < 0) throw new TypeError(`reminder ${name}: bad time ${dueAtMs}`)
    const before = activation.reminders?.get(name)
    this.#recordReminder(turn, { name, dueAtMs, payload: this.#host.carry(payload) })
    const work = this.#host.workOf(activation)
    work.openDue = [...work.openDue, { name, dueAtMs }]
    if (before !== undefined && before.dueAtMs !== dueAtMs) this.#removeRow(turn, name, before.dueAtMs)
    turn.leave(() => this.#host.reminders.arm(activation.actor, name, dueAtMs))
  }

  /** Ends a reminder, if it is set: it was handled, or is cancelled. Its due row goes once that is durable. */
  endReminder(turn: TurnContext, name: string): void {
    const reminder = turn.activation.reminders?.get(name)
    if (reminder === undefined) return
    this.#recordReminder(turn, { name, dueAtMs: undefined, payload: undefined })
    this.#removeRow(turn, name, reminder.dueAtMs)
  }

  #recordReminder(turn: TurnContext, reminder: { name: string; dueAtMs: number | undefined; payload: unknown }): void {
    const at = turn.activation.place(0, this.#host.nowMs())
    this.#record(turn, entryAt(at, encodeReminderFact(reminder), undefined), { reminder })
  }

  #removeRow(turn: TurnContext, name: string, dueAtMs: number): void {
    const { activation } = turn
    turn.leave(() => {
      // Set again to the same time by a later turn: the row that stands is needed.
      if (activation.reminders?.get(name)?.dueAtMs === dueAtMs) return
      this.#host.reminders.removeRow({ actor: activation.actor, name, dueAtMs })
    })
  }

  #record(turn: TurnContext, entry: JournalEntry, decoded: DecodedFact): void {
    const { activation } = turn
    const work = this.#host.workOf(activation)
    const bytes = entryBytes(entry)
    if (work.openBytes + bytes > MAX_TURN_BYTES) {
      throw new ActorError('INTERNAL', `${turn.path} appends more than ${MAX_TURN_BYTES} bytes; split it into turns`)
    }
    try {
      activation.fold(entry, decoded)
    } catch (error) {
      this.#spoil(activation, turn, error)
      throw new ActorError(
        'INTERNAL',
        `${turn.path}: the fold of an entry failed; nothing of this turn is kept`,
        {},
        error,
      )
    }
    work.add(entry, bytes)
    turn.hasAppended = true
  }

  /** The state is no fold of anything now (A3): nothing that saw it may leave. */
  #spoil(activation: Activation, turn: TurnContext, error: unknown): void {
    activation.phase = 'dying'
    activation.folded++
    this.#host.workOf(activation).forgetOpen()
    this.#host.log.error({ actor: activation.address, traceId: turn.traceId, error }, 'the fold of an entry failed')
  }
}

/** Field by field: a spread would give every entry a hidden class of its own, and slow down all who read entries. */
function entryAt({ pts, ordinal, count, atMs }: Placed, fact: Uint8Array, body: Uint8Array | undefined): JournalEntry {
  if (body === undefined) return { pts, ordinal, count, atMs, fact }
  return { pts, ordinal, count, atMs, fact, body }
}
