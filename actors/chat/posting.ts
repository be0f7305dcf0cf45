import { after, type Later, refuse, type Soon } from '../../runtime/index.js'
import type { Asked, Draft, EditRequest, Outcome, PostRequest } from './contract.js'
import { groupFor, groupsOf, ONE_GROUP } from './derive.js'
import type { ChatEntry, Edit, Post } from './fact.js'
import { given } from './lane-item.js'
import { checkKnown, isAdmin, isBlockedBy, memberOf, reachOf, writerIn } from './membership.js'
import { answerAll, append, type Change, once, slotted } from './operation.js'
import { entriesAt, findOperation, isNew } from './receipts.js'
import type { ChatTurn } from './shape.js'
import { type ChatState, isGroup } from './state.js'

const MAX_DRAFTS = 100
const MAX_BODY_BYTES = 64 * 1024
export const MAX_TARGETS = 100
/** Telegram's limit for edits by ordinary users (48 hours). */
export const EDIT_WITHIN_MS = 48 * 3600 * 1000

/** All new drafts in one commit; a draft whose `op` is known is answered with its first outcome. */
export function post(turn: ChatTurn, request: PostRequest): Soon<Later<readonly Outcome[]>> {
  const { drafts } = request
  if (drafts.length === 0 || drafts.length > MAX_DRAFTS) refuse('MESSAGES_COUNT_INVALID', `1 to ${MAX_DRAFTS} drafts`)
  const [draft] = drafts
  if (!draft || drafts.length > 1 || isGroup(turn.state)) return postAll(turn, request)
  return after(isNew(turn, request.by, draft.op), (fresh) =>
    fresh ? postNew(turn, request, draft) : postAll(turn, request),
  )
}

/** One draft that nothing has to be looked up for: nearly every message. */
function postNew(
  turn: ChatTurn,
  { by, origin }: PostRequest,
  draft: Draft & { readonly op: string },
): Later<readonly Outcome[]> {
  writerIn(turn.state, by)
  const appended = append(turn, [postOf(turn, by, draft.op, draft, [], false)], origin)
  return answerAll(turn, by, [appended], isNoRepeat)
}

const isNoRepeat = () => false

async function postAll(turn: ChatTurn, request: PostRequest): Promise<Later<readonly Outcome[]>> {
  const { drafts, by, origin } = request
  const known = new Map<string, readonly ChatEntry[]>()
  const slots = new Map<string, number>()
  for (const { op } of drafts) {
    const { entries, slot } = await findOperation(turn, by, op)
    if (entries) known.set(op, entries)
    else slots.set(op, slot)
  }
  const fresh = drafts.filter(({ op }, index) => !known.has(op) && drafts.findIndex((one) => one.op === op) === index)
  const changes: Change[] = []
  if (fresh.length > 0) writerIn(turn.state, by)
  for (const draft of fresh) {
    const change = await posted(turn, by, draft.op, draft)
    changes.push(...slotted([change], draft.op, slots.get(draft.op) ?? 0))
  }
  const appended = append(turn, changes, origin)
  const operations = drafts.map(({ op }) => known.get(op) ?? appended.filter(({ fact }) => fact.op === op))
  return answerAll(turn, by, operations, (op) => known.has(op))
}

/** The entry that a draft becomes; the author may write here. */
export async function posted(
  turn: ChatTurn,
  by: number,
  op: string,
  draft: Draft,
  fromScheduled = false,
): Promise<Change> {
  checkBody(draft.body)
  const replyTo = replyOf(turn, draft)
  const mentions = isGroup(turn.state) ? await mentioned(turn, by, draft.mentions ?? [], replyTo) : []
  return postOf(turn, by, op, draft, mentions, fromScheduled)
}

function replyOf({ head }: ChatTurn, { replyTo }: Draft): number | undefined {
  return replyTo !== undefined && replyTo <= head.pts ? replyTo : undefined
}

/** Field by field, for the same reason as in lane-item.ts. */
function postOf(
  turn: ChatTurn,
  by: number,
  op: string,
  draft: Draft,
  mentions: readonly number[],
  fromScheduled: boolean,
): Change {
  checkBody(draft.body)
  const fact: { -readonly [Field in keyof Post]: Post[Field] } = { type: 'post', by, op }
  const replyTo = replyOf(turn, draft)
  if (draft.silent) fact.silent = true
  if (draft.noForwards) fact.noForwards = true
  if (replyTo !== undefined) fact.replyTo = replyTo
  if (draft.groupedId !== undefined) fact.groupedId = draft.groupedId
  if (draft.clearDraft) fact.clearDraft = true
  if (fromScheduled) fact.fromScheduled = true
  if (mentions.length > 0) fact.mentions = mentions
  if (isBlockedBy(turn.state, by)) fact.to = [by]
  return { fact, body: draft.body }
}

/** Members who are named, and the author replied to; never oneself. */
async function mentioned(turn: ChatTurn, by: number, named: readonly number[], replyTo: number | undefined) {
  const [replied] = replyTo === undefined ? [] : await entriesAt(turn, [replyTo])
  const users = new Set(named)
  if (replied?.fact.type === 'post') users.add(replied.fact.by)
  return [...users].filter((user) => user !== by && turn.state.members.has(user))
}

function checkBody(body: Uint8Array): void {
  if (!(body instanceof Uint8Array) || body.length === 0) refuse('MESSAGE_EMPTY')
  if (body.length > MAX_BODY_BYTES) refuse('MESSAGE_TOO_LONG')
}

export function edit(turn: ChatTurn, request: EditRequest): Promise<Later<Outcome>> {
  return once(turn, request, async () => {
    const { state, nowMs } = turn
    const { by, op, target, body } = request
    writerIn(state, by)
    checkBody(body)
    const message = await existing(turn, target, by)
    if (message.fact.action) refuse('MESSAGE_ID_INVALID', 'a service message is not edited')
    if (message.fact.by !== by) refuse('MESSAGE_AUTHOR_REQUIRED')
    const isOwnChat = state.members.size === 1 && !isGroup(state)
    if (!isOwnChat && message.atMs + EDIT_WITHIN_MS < nowMs) refuse('MESSAGE_EDIT_TIME_EXPIRED')
    const to = message.fact.to ?? reachOf(state, by)
    const [latest] = await editsOf(turn, [target], [ONE_GROUP, groupFor([by])])
    const [edited] = latest === undefined ? [message] : await entriesAt(turn, [latest])
    if (edited?.body && Buffer.compare(edited.body, body) === 0) refuse('MESSAGE_NOT_MODIFIED')
    const mentions = isGroup(state) ? await mentioned(turn, by, request.mentions ?? [], undefined) : []
    // One that reaches the author alone supersedes none that the other party may still have to get.
    const [previous] = await editsOf(turn, [target], [groupFor(to)])
    const fact: Edit = {
      type: 'edit',
      by,
      op,
      target,
      ...given({ previous, to }),
      ...(mentions.length > 0 ? { mentions } : undefined),
    }
    return [{ fact, body }]
  })
}

/** The newest edits of these messages in these groups, the newest first. */
async function editsOf({ own }: Pick<ChatTurn, 'own'>, targets: readonly number[], groups: readonly string[]) {
  const rows = groups.flatMap((group) => targets.map((target) => own.row('edit', group, target)))
  const edits = (await Promise.all(rows)) as (number | undefined)[]
  return edits.filter((n) => n !== undefined).sort((a, b) => b - a)
}

export interface Message extends ChatEntry {
  readonly fact: Post
}

/** A message that stands, and that the user has: posted, and not deleted for everyone. */
export async function existing(turn: ChatTurn, target: number, user: number): Promise<Message> {
  const [found] = await standing(turn, [target])
  if (!found || (found.fact.to && !found.fact.to.includes(user))) refuse('MESSAGE_ID_INVALID')
  return found
}

async function standing({ state, own }: ChatTurn, targets: readonly number[]): Promise<readonly Message[]> {
  const found: Message[] = []
  const entries = await entriesAt({ own }, targets)
  for (const entry of entries) {
    if (entry?.fact.type !== 'post' || entry.n <= state.cut) continue
    if ((await own.row('gone', ONE_GROUP, entry.n)) === undefined) found.push(entry as Message)
  }
  return found
}

export function remove(turn: ChatTurn, request: Asked & { targets: readonly number[] }): Promise<Later<Outcome>> {
  return once(turn, request, async () => {
    const { state } = turn
    const { by, op } = request
    const member = memberOf(state, by)
    if (request.targets.length > MAX_TARGETS) refuse('MESSAGE_IDS_TOO_MUCH', `at most ${MAX_TARGETS} messages`)
    const found = await standing(turn, [...new Set(request.targets)])
    const mayAll = !isGroup(state) || isAdmin(member)
    if (!mayAll && found.some(({ fact }) => fact.by !== by)) refuse('MESSAGE_DELETE_FORBIDDEN')
    if (found.length === 0) return []
    const targets = found.map(({ n }) => n)
    const edits = await editsOf(turn, targets, groupsOf(state))
    return [{ fact: { type: 'delete', by, op, targets, edits } }]
  })
}

/** Numbers of the chat that one call deletes; `more` says that some are left. */
export const HISTORY_STEP = 1_000

export function removeHistory(turn: ChatTurn, request: Asked & { upTo: number }): Promise<Later<Outcome>> {
  const { state, own, head } = turn
  const { by, op } = request
  const upToAll = Math.min(request.upTo, head.pts)
  const decide = async () => {
    const member = memberOf(state, by)
    if (isGroup(state) && member.role !== 'creator') refuse('CHAT_ADMIN_REQUIRED')
    const from = state.cut
    const upTo = Math.min(upToAll, from + HISTORY_STEP)
    if (upTo <= from) return []
    const range = { from: from + 1, to: upTo, limit: HISTORY_STEP }
    const rows = await Promise.all(groupsOf(state).map((group) => own.rows('edit', group, range)))
    const edits = rows.flat().map(({ value }) => value as number)
    return [{ fact: { type: 'deleteHistory', by, op, from, upTo, edits } as const }]
  }
  return once(turn, request, decide, () => state.cut < upToAll)
}

export function read(turn: ChatTurn, request: Asked & { upTo: number }): Promise<Later<Outcome>> {
  return once(turn, request, () => {
    const { state, head } = turn
    const { by, op } = request
    checkKnown(state, by)
    const reader = state.members.get(by) ?? state.group?.former?.get(by)
    const upTo = Math.min(request.upTo, head.pts)
    if (!reader || upTo <= reader.readUpTo) return []
    return [{ fact: { type: 'read', by, op, upTo, to: [by, ...authorsRead(state, by, upTo)] } }]
  })
}

/** Authors of something up to here that nobody had read before. */
function authorsRead(state: ChatState, reader: number, upTo: number): readonly number[] {
  const authors: number[] = []
  if (!state.members.has(reader) || isBlockedBy(state, reader) || state.blockedBy?.includes(reader)) return authors
  for (const [user, { unreadFrom }] of state.members) {
    if (user !== reader && unreadFrom > 0 && unreadFrom <= upTo) authors.push(user)
  }
  return authors
}
