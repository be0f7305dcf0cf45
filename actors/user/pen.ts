import type { Origin } from '../chat/contract.js'
import { pushChanges } from './attachments.js'
import type { BoxChange } from './changes.js'
import { changeOf, type Entry, visibleFact } from './entry.js'
import { isMilestoneDue } from './milestone.js'
import type { UserTurn } from './shape.js'

const MILESTONE = { type: 'milestone' } as const

/** An entry to be appended. */
export interface Written {
  readonly entry: Entry
  readonly body?: Uint8Array | undefined
  /** Pushed to the session that asked, too: it has no number, so that the answer to a repeat may not have it. */
  readonly toAll?: true
}

/** Appends a turn's entries, and tells the live sessions of them in one frame. */
export class Pen {
  readonly #turn: UserTurn
  readonly #changes: BoxChange[] = []

  constructor(turn: UserTurn) {
    this.#turn = turn
  }

  /** The change, or undefined when devices learn nothing of it. */
  append(entry: Entry, body?: Uint8Array, origin?: Origin): BoxChange | undefined {
    if (isMilestoneDue(this.#turn, entry)) {
      this.#changes.push(changeOf(this.#turn.append(MILESTONE), MILESTONE, undefined))
    }
    const at = this.#turn.append(entry, body)
    const fact = visibleFact(this.#turn.id, entry)
    if (!fact) return undefined
    const change = changeOf(at, fact, body, origin)
    this.#changes.push(change)
    return change
  }

  appendAll(all: readonly Written[], origin?: Origin): BoxChange[] {
    const changes: BoxChange[] = []
    for (const { entry, body, toAll } of all) {
      const change = this.append(entry, body, toAll ? undefined : origin)
      if (change !== undefined) changes.push(change)
    }
    return changes
  }

  /** What was appended so far. */
  get changes(): readonly BoxChange[] {
    return this.#changes
  }

  /** To be called once, before the turn ends, also by one that fails: what was appended stays. */
  push(): void {
    if (this.#changes.length > 0) pushChanges(this.#turn, this.#changes)
  }
}

/** Runs `write` with a pen, and pushes what it wrote. */
export async function writing<T>(turn: UserTurn, write: (pen: Pen) => Promise<T>): Promise<T> {
  const pen = new Pen(turn)
  try {
    return await write(pen)
  } finally {
    pen.push()
  }
}

/** The same for what needs no reads: appends the entries and answers with their changes. */
export function write(turn: UserTurn, all: readonly Written[], origin?: Origin): readonly BoxChange[] {
  const pen = new Pen(turn)
  try {
    return pen.appendAll(all, origin)
  } finally {
    pen.push()
  }
}
