import type { Outcome } from '../../../actors/chat/contract.js'
import type { BoxChange } from '../../../actors/user/changes.js'
import type { BoxMessage, DialogPage, MessagePage } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { viewerOf } from '../envelope.js'
import { PeerSet } from '../peer-set.js'
import { presentDialog } from '../present/dialog.js'
import { presentMessage } from '../present/message.js'

/** What outcomes changed in the caller's own box, in order. */
export function changesOf(outcomes: readonly Outcome[]): readonly BoxChange[] {
  const [first] = outcomes
  if (first && outcomes.length === 1) return first.changes
  return outcomes
    .flatMap(({ changes }) => changes)
    .sort((one, other) => one.pts - other.pts || one.ordinal - other.ordinal)
}

/** Members of a group whose boxes one call's worth of work writes to. */
const MEMBERS_A_CALL = 20

/** Counts what went to many members as the many calls that it costs; a repeat cost nothing. */
export function countReach(call: Call, outcomes: readonly Outcome[]): void {
  const reached = outcomes.reduce((sum, { repeated, reach = 0 }) => (repeated ? sum : sum + reach), 0)
  call.spend(reached / MEMBERS_A_CALL)
}

/** Bytes of messages that one call's worth of work shows. */
const BYTES_A_CALL = 16 * 1024

/** Counts long pages of long messages as the several calls that they cost. */
export function countShown(call: Call, messages: readonly (BoxMessage | undefined)[]): void {
  call.spend(messages.reduce((sum, message) => sum + (message?.body.length ?? 0), 0) / BYTES_A_CALL)
}

/** TL `messages.affectedMessages`: the caller applies pts and count as an update. */
export async function affectedMessages(
  call: Call,
  changes: readonly BoxChange[],
): Promise<tl.messages.RawAffectedMessages> {
  return { _: 'messages.affectedMessages', ...(await affected(call, changes)) }
}

/** TL `messages.affectedHistory`; `offset` above 0 asks the client to call again. */
export async function affectedHistory(
  call: Call,
  changes: readonly BoxChange[],
  offset = 0,
): Promise<tl.messages.RawAffectedHistory> {
  return { _: 'messages.affectedHistory', ...(await affected(call, changes)), offset }
}

async function affected(call: Call, changes: readonly BoxChange[]): Promise<{ pts: number; ptsCount: number }> {
  const numbered = changes.filter(({ count }) => count > 0)
  const last = numbered.at(-1)
  if (!last) return { pts: (await call.me.boxState()).pts, ptsCount: 0 }
  return { pts: last.pts, ptsCount: numbered.reduce((sum, { count }) => sum + count, 0) }
}

/** TL `messages.messages` when the page is all there is, otherwise `messages.messagesSlice`. */
export async function presentPage(
  call: Call,
  page: MessagePage,
  named = new PeerSet(),
): Promise<tl.messages.RawMessages | tl.messages.RawMessagesSlice> {
  countShown(call, page.messages)
  const messages = page.messages.map((message) => presentMessage(message, call.self, named))
  const people = await call.services.people.load(viewerOf(call), named)
  const shared = { messages, topics: [], chats: people.chats, users: people.users }
  if (page.total <= messages.length) return { _: 'messages.messages', ...shared }
  const { total: count, offsetIdOffset, inexact } = page
  return { _: 'messages.messagesSlice', count, offsetIdOffset, inexact, ...shared }
}

/** The parts that every answer about dialogs has. */
export async function presentDialogs(call: Call, { dialogs, messages }: DialogPage, named = new PeerSet()) {
  const presented = {
    dialogs: dialogs.map((dialog) => presentDialog(dialog, named)),
    messages: presentAll(call, messages, named),
  }
  const { users, chats } = await call.services.people.load(viewerOf(call), named)
  return { ...presented, users, chats }
}

function presentAll(call: Call, messages: readonly BoxMessage[], named: PeerSet): tl.TypeMessage[] {
  return messages.map((message) => presentMessage(message, call.self, named))
}
