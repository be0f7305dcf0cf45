import type { DerivedWriter, Placed } from '../../runtime/index.js'
import type { ChatFact, HistoryDeletion, React } from './fact.js'
import { deriveForgotten, deriveReceipts } from './receipts.js'
import type { ChatState } from './state.js'

/**
 * The derived tables of a chat (CORE J6); `order` is a message's entry.
 * - `receipt`, group = window, order = key of the operation: receipts that left the fold (receipts.ts)
 * - `gone`: deleted for everyone
 * - `edit`: the entry of the newest edit · `reactions`: all reactions to the message · `pin`; each of these in the group
 *   that all share, or in that of the user whose box alone it reached (`groupFor`)
 */
export const ONE_GROUP = '-'

export function deriveRows(state: ChatState, fact: ChatFact, at: Placed, _body: unknown, rows: DerivedWriter): void {
  deriveReceipts(state, rows)
  switch (fact.type) {
    case 'edit':
      rows.put('edit', groupFor(fact.to), fact.target, at.pts)
      if (fact.previous !== undefined) rows.erase(fact.previous)
      return
    case 'delete':
      for (const target of fact.targets) {
        rows.put('gone', ONE_GROUP, target, 1)
        for (const group of groupsOf(state)) {
          for (const table of ['edit', 'reactions', 'pin']) rows.remove(table, group, target)
        }
        rows.erase(target)
      }
      for (const edit of fact.edits) rows.erase(edit)
      return
    case 'deleteHistory':
      if (!fact.to) eraseHistory(state, fact, rows)
      return
    case 'react':
      deriveReactions(state, fact, rows)
      return
    case 'pin': {
      const group = groupFor(fact.to)
      for (const target of fact.targets) {
        if (fact.pinned) rows.put('pin', group, target, at.pts)
        else rows.remove('pin', group, target)
      }
      return
    }
    case 'forgotten':
      deriveForgotten(fact, rows)
      return
    case 'schedule':
      if (fact.replaces !== undefined) rows.erase(fact.replaces)
      return
    case 'unschedule':
      for (const entry of fact.entries) rows.erase(entry)
  }
}

/** Of what concerns all, or the one whom `to` names alone. */
export function groupFor(to: readonly number[] | undefined): string {
  return to?.[0] === undefined ? ONE_GROUP : String(to[0])
}

/** All groups that a message's rows may stand in: in private chats, one for each party too. */
export function groupsOf(state: ChatState): readonly string[] {
  if (state.groupId !== 0) return [ONE_GROUP]
  return [ONE_GROUP, ...[...state.members.keys()].map(String)]
}

/** What all get is newer than what one party saw alone; one's own is kept as it is, also when it is empty. */
function deriveReactions(state: ChatState, fact: React, rows: DerivedWriter): void {
  if (!fact.to) for (const group of groupsOf(state)) rows.remove('reactions', group, fact.target)
  if (fact.to || fact.all.length > 0) rows.put('reactions', groupFor(fact.to), fact.target, fact.all)
}

function eraseHistory(state: ChatState, fact: HistoryDeletion, rows: DerivedWriter): void {
  const waiting = new Set([...(state.scheduled?.values() ?? [])].map(({ n }) => n))
  for (let n = fact.from + 1; n <= fact.upTo; n++) if (!waiting.has(n)) rows.erase(n)
  for (const edit of fact.edits) rows.erase(edit)
}
