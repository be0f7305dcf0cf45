/**
 * The fold of an account's journal. It holds no message and no body; what is empty is not there, so that an idle account
 * costs little.
 */
import type { Placed } from '../../runtime/index.js'
import type { ChatId, PeerKey } from '../chat/chat-id.js'
import { type AccountState, foldAccountFact } from './account.js'
import type { Authorization, BlockCount, ContactCard, NotifyScope, NotifySettings } from './changes.js'
import { foldContactFact } from './contacts.js'
import { foldDeviceFact } from './devices.js'
import { type DialogState, foldDialogFact, foldMessage, moveLane } from './dialogs.js'
import { type Entry, isMessage, type StoredFact } from './entry.js'
import { foldRecorded } from './public-records.js'

export interface UserState {
  readonly id: number
  /** Unread messages of all dialogs. */
  unread: number
  /** Last seen, kept coarsely; 0: never. */
  seenAtMs: number
  dialogs?: Map<PeerKey, DialogState> | undefined
  /** The block that the latest message left behind, for its row (counts.ts). */
  left?: { readonly chat: ChatId; readonly count: BlockCount } | undefined
  /** Pinned dialogs, first one first. */
  pinned?: PeerKey[] | undefined
  account?: AccountState | undefined
  authorizations?: Authorization[] | undefined
  /** The last pts that devices acknowledged, kept coarsely. */
  delivered?: Map<string, number> | undefined
  contacts?: Map<number, ContactCard> | undefined
  /** Since when, milliseconds. */
  blocked?: Map<number, number> | undefined
  /** Who blocks this account, oldest first: their presence is not shown to it. */
  blockedBy?: Map<number, true> | undefined
  notify?: Map<NotifyScope, NotifySettings> | undefined
}

export const STATE_VERSION = 1

export function emptyUser(id: number): UserState {
  return { id, unread: 0, seenAtMs: 0 }
}

/** Changes `state` in place; knows nothing but the entry and where it stands. */
export function applyEntry(state: UserState, entry: Entry, at: Placed): UserState {
  if (isMessage(entry)) foldMessage(state, entry, at)
  else {
    foldFact(state, entry, at)
    if ('lane' in entry && entry.lane) moveLane(state, entry.lane)
  }
  return state
}

function foldFact(state: UserState, fact: StoredFact, at: Placed): void {
  switch (fact.type) {
    case 'edited':
    case 'deleted':
    case 'readInbox':
    case 'readOutbox':
    case 'pinned':
    case 'mentionsRead':
    case 'reacted':
    case 'draft':
    case 'dialogPinned':
    case 'dialogsReordered':
    case 'dialogMarked':
    case 'dialogDeleted':
      foldDialogFact(state, fact, at)
      return
    case 'contact':
    case 'blocked':
    case 'blockedBy':
    case 'notify':
      foldContactFact(state, fact, at)
      return
    case 'authorized':
    case 'deviceActive':
    case 'revoked':
    case 'delivered':
      foldDeviceFact(state, fact)
      return
    case 'registered':
    case 'profile':
    case 'username':
    case 'seen':
    case 'closed':
      foldAccountFact(state, fact, at)
      return
    case 'recorded':
      foldRecorded(state, fact.upTo)
      return
    case 'usernameVoided': // a row, no state
    case 'scheduled': // the chat keeps these
    case 'unscheduled':
    case 'groupChanged':
    case 'milestone':
    case 'lane':
      return
  }
}
