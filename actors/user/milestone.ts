/**
 * M1. Under one number stand at most `limits.underANumber` changes without one: when there are as many, a milestone, a
 *     number and nothing else, comes before the next. A difference ends between numbers only, so that a client that
 *     keeps nothing but its pts gets further with each slice, and this bounds how much a slice must carry.
 */
import { countOf, type Entry } from './entry.js'
import { limits } from './limits.js'
import type { UserTurn } from './shape.js'

export function isMilestoneDue(turn: UserTurn, entry: Entry): boolean {
  return turn.head.ordinal >= limits.underANumber && countOf(entry) === 0
}

/** Appends what devices learn nothing of. A milestone before it is not pushed: gateways see the hole, and ask. */
export function appendHidden(turn: UserTurn, entry: Entry): void {
  if (isMilestoneDue(turn, entry)) turn.append({ type: 'milestone' })
  turn.append(entry)
}
