import type { Implementation } from '../../runtime/index.js'
import { messageRow } from './box-rows.js'
import { isKnown } from './contacts.js'
import type { BoxOfUser, ReadingOfUser } from './contract.js'
import { clearHistory, deleteOwn, isMessageId } from './deletion.js'
import { dialogPage, dialogsOf, draftsOf, pinnedDialogs } from './dialog-list.js'
import {
  draftEntries,
  markEntries,
  mentionsReadEntries,
  noDraftEntries,
  orderEntries,
  pinEntries,
} from './dialog-settings.js'
import { laneOf } from './dialogs.js'
import { difference } from './difference.js'
import { historyPage, locateUpTo, unreadMentionsPage } from './history.js'
import { deliver } from './lanes.js'
import { locate, messagesAt } from './messages.js'
import { write, writing } from './pen.js'
import { searchPage } from './search.js'
import type { UserShape } from './shape.js'
import { whereabouts } from './whereabouts.js'

type Methods<Part> = Pick<Implementation<UserShape>, keyof Part & keyof UserShape['contract']>

/** What changes the box. */
export const boxMethods: Methods<BoxOfUser> = {
  deliver,
  lane: ({ state }, chat) => laneOf(state, chat),
  deleteOwn: (turn, request) => writing(turn, (pen) => deleteOwn(turn, pen, request)),
  clearHistory: (turn, request) => writing(turn, (pen) => clearHistory(turn, pen, request)),
  async readMentions(turn, { peer, origin }) {
    return write(turn, await mentionsReadEntries(turn, peer), origin)
  },
  saveDraft: (turn, request) => write(turn, draftEntries(turn.state, request), request.origin),
  clearDrafts: (turn, { origin }) => write(turn, noDraftEntries(turn.state), origin),
  pinDialog: (turn, { peer, pinned, origin }) => write(turn, pinEntries(turn.state, peer, pinned), origin),
  reorderPinned: (turn, { order, force, origin }) => write(turn, orderEntries(turn.state, order, force), origin),
  markDialog: (turn, { peer, unread, origin }) => write(turn, markEntries(turn.state, peer, unread), origin),
}

/** What reads it. Reads run beside turns: what they say may be newer than the pts they began at, never older. */
export const readingMethods: Methods<ReadingOfUser> = {
  boxState: ({ state, head, datedMs }) => ({ pts: head.pts, atMs: datedMs, unread: state.unread }),
  difference,
  async messages(box, ids) {
    return inOrder(ids, await messagesAt(box, ids.filter(isMessageId)))
  },
  history: historyPage,
  search: searchPage,
  dialogs: dialogPage,
  dialogsOf,
  pinnedDialogs,
  async drafts(box) {
    const { pts, ordinal } = box.head
    return (await draftsOf(box)).map(({ peer, atMs, replyTo, body }) => {
      const fact = { type: 'draft', peer, ...(replyTo !== undefined && { replyTo }) } as const
      return { pts, ordinal, count: 0, atMs, fact, body }
    })
  },
  unreadMentions: unreadMentionsPage,
  whereabouts,
  async locate(box, ids) {
    return inOrder(ids, await locate(box, ids.filter(isMessageId)))
  },
  locateUpTo,
  async idsAt(box, { chat, entries }) {
    const rows = await Promise.all(entries.map((n) => messageRow(box, chat, n)))
    return rows.map((row) => row?.id)
  },
  knows: ({ state }, users) => users.filter((user) => isKnown(state, user)),
}

/** Answers for all that was asked, also for what can be no message. */
function inOrder<T extends { readonly id: number }>(
  ids: readonly number[],
  found: readonly (T | undefined)[],
): (T | undefined)[] {
  const known = new Map(found.map((each) => [each?.id, each]))
  return ids.map((id) => known.get(id))
}
