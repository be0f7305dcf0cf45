import type { DerivedWriter, Placed } from '../../runtime/index.js'
import type { ChatFact, HistoryDeletion } from './fact.js'
import { deriveForgotten, deriveReceipts } from './receipts.js'
import type { ChatState } from './state.js'

/**
 * The derived tables of a chat (CORE J6); `order` is a message's entry.
 * - `receipt`, group = window, order = key of the operation: receipts that left the fold (receipts.ts)
 * - `edit`: the entry of the newest edit · `gone`: deleted for everyone · `reactions`: all reactions to the message
 * - `pin`, group '' or the user who pinned for himself
 */
export const ONE_GROUP = '-'

export function deriveRows(state: ChatState, fact: ChatFact, at: Placed, _body: unknown, rows: DerivedWriter): void {
  deriveReceipts(state, rows)
  switch (fact.type) {
    case 'edit':
      rows.put('edit', ONE_GROUP, fact.target, at.pts)
      if (fact.previous !== undefined) rows.erase(fact.previous)
      return
    case 'delete':
      for (const target of fact.targets) {
        rows.put('gone', ONE_GROUP, target, 1)
        rows.remove('edit', ONE_GROUP, target)
        rows.remove('reactions', ONE_GROUP, target)
        rows.remove('pin', ONE_GROUP, target)
        rows.erase(target)
      }
      for (const edit of fact.edits) rows.erase(edit)
      return
    case 'deleteHistory':
      if (!fact.to) eraseHistory(state, fact, rows)
      return
    case 'react':
      if (fact.all.length > 0) rows.put('reactions', ONE_GROUP, fact.target, fact.all)
      else rows.remove('reactions', ONE_GROUP, fact.target)
      return
    case 'pin': {
      const group = pinGroup(fact.to?.[0])
      for (const target of fact.targets) {
        if (fact.pinned) rows.put('pin', group, target, at.pts)
        else rows.remove('pin', group, target)
      }
      return
    }
    case 'forgotten':
      deriveForgotten(fact, rows)
      return
    case 'unschedule':
      for (const entry of fact.entries) rows.erase(entry)
  }
}

export function pinGroup(onlyFor: number | undefined): string {
  return onlyFor === undefined ? ONE_GROUP : String(onlyFor)
}

function eraseHistory(state: ChatState, fact: HistoryDeletion, rows: DerivedWriter): void {
  const waiting = new Set([...(state.scheduled?.values() ?? [])].map(({ n }) => n))
  for (let n = fact.from + 1; n <= fact.upTo; n++) if (!waiting.has(n)) rows.erase(n)
  for (const edit of fact.edits) rows.erase(edit)
}
