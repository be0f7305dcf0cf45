import { type ActorAddress, ActorError, type Position, type Writer } from '../runtime/index.js'

/** Where an empty journal is. */
export const start: Position = { pts: 0, ordinal: 0 }

export function isSame(a: Position, b: Position): boolean {
  return a.pts === b.pts && a.ordinal === b.ordinal
}

export function isAfter(a: Position, b: Position): boolean {
  return a.pts > b.pts || (a.pts === b.pts && a.ordinal > b.ordinal)
}

export function isOlder(a: Writer, b: Writer): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.attempt < b.attempt)
}

export function overtaken(actor: ActorAddress): ActorError {
  return new ActorError('OVERTAKEN', `A newer writer has opened the journal of ${actor.kind}/${actor.key}. Call again.`)
}
