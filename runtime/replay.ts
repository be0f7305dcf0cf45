/**
 * An actor's stored state, as its activation would have it, without an activation: no turn runs, nothing is written.
 */
import { Activation } from './activation.js'
import { decodeFact, decodeState } from './fact.js'
import type { ActorAddress, DueRow, OpenedJournal } from './journal-store.js'
import { type AnyDefinition, Kind } from './kind.js'
import { DEFAULT_LIMITS } from './limits.js'

/** The state after all entries, in the form in which snapshots have it. Throws CORRUPT, or what the definition throws. */
export function replayedState(definition: AnyDefinition, actor: ActorAddress, opened: OpenedJournal): unknown {
  const kind = new Kind(definition, DEFAULT_LIMITS.actor, (value) => value)
  const activation = new Activation(kind, actor.key, actor.shard, opened.writer.epoch, 0)
  activation.restore(opened, 0)
  const { encode } = definition.state
  return encode === undefined ? activation.state : encode(activation.state)
}

/** Reminders' facts are the runtime's own, in whatever form the others are. */
const anyFacts = { version: Number.MAX_SAFE_INTEGER }

/** The reminders that are set, of an actor of any kind: a due row stands for each of them. Throws CORRUPT. */
export function storedReminders(opened: OpenedJournal): readonly Pick<DueRow, 'name' | 'dueAtMs'>[] {
  const { snapshot, tail } = opened
  const set = new Map<string, number>()
  for (const [name, { dueAtMs }] of (snapshot && decodeState(snapshot.state).reminders) ?? []) set.set(name, dueAtMs)
  for (const { fact } of tail) {
    const { reminder } = decodeFact(fact, anyFacts)
    if (reminder === undefined) continue
    if (reminder.dueAtMs === undefined) set.delete(reminder.name)
    else set.set(reminder.name, reminder.dueAtMs)
  }
  return [...set].map(([name, dueAtMs]) => ({ name, dueAtMs }))
}
