/**
 * An operation's way through the chat (CORE D3, D4).
 *
 * O1. A repeat of (by, op) appends nothing and is answered with what the first one did; that is looked up before
 *     anything is decided, so a repeat is never refused for what its first outcome changed.
 * O2. All entries of one call are appended in its turn, after all that can refuse it: they are one commit.
 * O3. The turn ends with the commit. The boxes get the entries, and the caller his answer, from its effects.
 */
import { after, type Effect, type Later } from '../../runtime/index.js'
import type { BoxChange } from '../user/changes.js'
import type { Asked, Origin, Outcome } from './contract.js'
import type { Targets } from './delivery.js'
import type { ChatEntry, ChatFact } from './fact.js'
import { findOperation } from './receipts.js'
import type { ChatTurn } from './shape.js'
import { countOf, isGroup, recipientsOf } from './state.js'

export interface Change {
  readonly fact: ChatFact
  readonly body?: Uint8Array
}

/**
 * Answers with the first outcome, or decides and appends. Nothing decided: nothing changes, and `n` is 0.
 * `more`, asked after that: the operation did only a part.
 */
export async function once(
  turn: ChatTurn,
  asked: Asked,
  decide: () => readonly Change[] | Promise<readonly Change[]>,
  more?: () => boolean | Promise<boolean>,
): Promise<Later<Outcome>> {
  const { memory: delivery, nowMs } = turn
  const reach = reachedBy(turn)
  const { entries: known, slot } = await findOperation(turn, asked.by, asked.op)
  const entries = known ?? append(turn, slotted(await decide(), asked.op, slot), asked.origin)
  const rest = more ? { more: await more() } : undefined
  return turn.later(async (effect) => {
    const changes = await delivery.outcome(asked.by, entries, effect, turn)
    return { ...outcomeOf(entries, nowMs, known !== undefined, changes, reach), ...rest }
  })
}

/** The changes of an operation that were decided, its receipt in the slot that was found (receipts.ts). */
export function slotted(changes: readonly Change[], op: string, slot: number): readonly Change[] {
  if (slot === 0) return changes
  return changes.map((change) =>
    change.fact.op === op ? { ...change, fact: { ...change.fact, slot } as ChatFact } : change,
  )
}

function outcomeOf(
  entries: readonly ChatEntry[],
  nowMs: number,
  repeated: boolean,
  changes: readonly BoxChange[],
  reach: number | undefined,
): Outcome {
  const [first] = entries
  const outcome = { n: first?.n ?? 0, atMs: first?.atMs ?? nowMs, repeated, changes }
  return reach === undefined ? outcome : { ...outcome, reach }
}

function reachedBy({ state }: ChatTurn): number | undefined {
  return isGroup(state) ? state.members.size : undefined
}

/** One outcome an operation; all are asked of the box at once, so that new ones share its answer. */
export function answerAll(
  turn: ChatTurn,
  by: number,
  operations: readonly (readonly ChatEntry[])[],
  isRepeat: (op: string) => boolean,
): Later<readonly Outcome[]> {
  const { memory: delivery, nowMs } = turn
  const reach = reachedBy(turn)
  const answered = (entries: readonly ChatEntry[], changes: readonly BoxChange[]) =>
    outcomeOf(entries, nowMs, isRepeat(entries[0]?.fact.op ?? ''), changes, reach)
  const changesOf = (entries: readonly ChatEntry[], effect: Effect) => delivery.outcome(by, entries, effect, turn)
  const [only] = operations
  if (only && operations.length === 1)
    return turn.later((effect) => after(changesOf(only, effect), (changes) => [answered(only, changes)]))
  const answer = async (entries: readonly ChatEntry[], effect: Effect) =>
    answered(entries, await changesOf(entries, effect))
  return turn.later((effect) => Promise.all(operations.map((entries) => answer(entries, effect))))
}

export const REST_TIMER = 'rest'
export const REST_AFTER_MS = 15_000

/** Appends and starts delivery once it is durable. */
export function append(turn: ChatTurn, changes: readonly Change[], origin: Origin | undefined): readonly ChatEntry[] {
  const { memory: delivery, state } = turn
  const targets: [number[], number][] = []
  const entries = changes.map(({ fact, body }) => {
    const users = countOf(fact) === 0 ? [] : [...recipientsOf(state, fact)]
    // The one who waits first.
    if (users[0] !== fact.by && users.includes(fact.by)) users.unshift(fact.by)
    delivery.meet(state, users)
    const { pts: n, atMs } = turn.append(fact, body)
    const entry: ChatEntry = body === undefined ? { n, atMs, fact } : { n, atMs, fact, body }
    if (countOf(fact) > 0) {
      delivery.keep(entry, origin)
      targets.push([users, n])
    }
    return entry
  })
  if (targets.length > 0) {
    if (delivery.touch(turn.nowMs)) turn.setTimer(REST_TIMER, REST_AFTER_MS)
    startDelivery(turn, targets)
  }
  return entries
}

export function startDelivery(turn: ChatTurn, targets: Targets): void {
  const { memory: delivery } = turn
  turn.afterwards((effect) => delivery.advance(effect, turn, targets))
}
