import { type Later, refuse } from '../../runtime/index.js'
import { User } from '../user/contract.js'
import type { Asked, Draft, Outcome, RescheduleRequest, ScheduledMessage } from './contract.js'
import type { ChatEntry, Schedule, Unschedule } from './fact.js'
import { given } from './lane-item.js'
import { memberOf, writerIn } from './membership.js'
import { answerAll, append, type Change, once, slotted } from './operation.js'
import { MAX_TARGETS, posted } from './posting.js'
import { entriesAt, findOperation } from './receipts.js'
import type { ChatReading, ChatTurn } from './shape.js'
import type { ChatState, Scheduled } from './state.js'

/** Telegram's limits: messages a (chat, author), and how far ahead. */
const MAX_SCHEDULED = 100
const SCHEDULE_WITHIN_MS = 367 * 24 * 3600 * 1000
/** The one reminder of a chat: the earliest scheduled message is due. */
export const DUE_REMINDER = 'due'

const DUE_A_TURN = 50

export async function schedule(
  turn: ChatTurn,
  request: Asked & { draft: Draft; dueAtMs: number },
): Promise<Later<Outcome>> {
  const before = earliest(turn)
  const answer = await once(turn, request, async () => {
    const { state } = turn
    const { by, op, draft, dueAtMs } = request
    writerIn(state as ChatState, by)
    checkDue(turn, dueAtMs)
    if (scheduledBy(state as ChatState, by).length >= MAX_SCHEDULED) refuse('SCHEDULE_TOO_MUCH')
    await posted(turn, by, op, draft)
    return [scheduledAs(request, state.lastScheduled + 1, draft.clearDraft ? { clearDraft: true } : {})]
  })
  remindOfNext(turn, before)
  return answer
}

export async function reschedule(turn: ChatTurn, request: RescheduleRequest): Promise<Later<Outcome>> {
  const before = earliest(turn)
  const answer = await once(turn, request, async () => {
    const { by, op, id, dueAtMs, body, mentions } = request
    writerIn(turn.state as ChatState, by)
    checkDue(turn, dueAtMs)
    const [, known] = scheduledBy(turn.state as ChatState, by).find(([each]) => each === id) ?? []
    const [entry] = known ? await entriesAt(turn, [known.n]) : []
    const former = entry && draftOf(entry)
    if (!known || !former) refuse('MESSAGE_ID_INVALID')
    const { mentions: _, ...rest } = former
    const draft = body ? { ...rest, body, ...given({ mentions }) } : former
    if (known.dueAtMs === dueAtMs && Buffer.compare(former.body, draft.body) === 0) refuse('MESSAGE_NOT_MODIFIED')
    await posted(turn, by, op, draft)
    return [scheduledAs({ by, op, draft, dueAtMs }, id, { replaces: known.n })]
  })
  remindOfNext(turn, before)
  return answer
}

function checkDue({ nowMs }: ChatTurn, dueAtMs: number): void {
  if (!Number.isSafeInteger(dueAtMs) || dueAtMs <= 0) refuse('SCHEDULE_DATE_INVALID')
  if (dueAtMs > nowMs + SCHEDULE_WITHIN_MS) refuse('SCHEDULE_DATE_TOO_LATE')
}

function scheduledAs(
  { by, op, draft, dueAtMs }: { by: number; op: string; draft: Draft; dueAtMs: number },
  id: number,
  more: Pick<Schedule, 'replaces' | 'clearDraft'>,
): Change {
  const { body, silent, noForwards, replyTo, mentions } = draft
  const flags = { silent: silent || undefined, noForwards: noForwards || undefined, replyTo, mentions }
  return { fact: { type: 'schedule', by, op, to: [by], id, dueAtMs, ...given(flags), ...more }, body }
}

export async function listScheduled(self: ChatReading, { by }: { by: number }): Promise<readonly ScheduledMessage[]> {
  memberOf(self.state as ChatState, by)
  const mine = scheduledBy(self.state as ChatState, by)
  const entries = await entriesAt(
    self,
    mine.map(([, { n }]) => n),
  )
  return entries.flatMap((entry) => {
    const draft = entry && draftOf(entry)
    if (!draft || entry.fact.type !== 'schedule') return []
    const { id, dueAtMs, replaces } = entry.fact
    return [{ id, dueAtMs, draft, edited: replaces !== undefined }]
  })
}

/** `post`: an outcome a message that stood, in the order of ids, then that of their leaving the list; `drop`: that alone. */
export async function settleScheduled(
  turn: ChatTurn,
  request: Asked & { ids: readonly number[]; action: 'post' | 'drop' },
): Promise<Later<readonly Outcome[]>> {
  const { state } = turn
  const { by, op, action, origin } = request
  if (request.ids.length > MAX_TARGETS) refuse('MESSAGE_IDS_TOO_MUCH', `at most ${MAX_TARGETS} messages`)
  const { entries: known, slot } = await findOperation(turn, by, op)
  if (known) return answerAll(turn, by, await settledBefore(turn, known), () => true)
  if (action === 'post') writerIn(state as ChatState, by)
  else memberOf(state as ChatState, by)
  const due = scheduledBy(state as ChatState, by).filter(([id]) => request.ids.includes(id))
  if (due.length === 0) refuse('MESSAGE_ID_INVALID')
  const before = earliest(turn)
  const entries = append(turn, slotted(await settling(turn, by, op, due, action === 'post'), op, slot), origin)
  remindOfNext(turn, before)
  return answerAll(
    turn,
    by,
    entries.map((entry) => [entry]),
    () => false,
  )
}

async function settledBefore(turn: ChatTurn, known: readonly ChatEntry[]): Promise<readonly (readonly ChatEntry[])[]> {
  const sent = known.flatMap(({ fact }) => (fact.type === 'unschedule' ? (fact.sent ?? []) : []))
  const posts = await entriesAt(turn, sent)
  return [...posts.flatMap((entry) => (entry ? [[entry]] : [])), known]
}

/** Posts what is due, and takes the reminder for what is due next. Fired again after a crash it finds nothing left to do. */
export async function postDue(turn: ChatTurn): Promise<void> {
  const state = turn.state as ChatState
  const due = [...(state.scheduled ?? [])]
    .filter(([, { dueAtMs }]) => dueAtMs <= turn.nowMs)
    .sort(([a, one], [b, other]) => one.dueAtMs - other.dueAtMs || a - b)
    .slice(0, DUE_A_TURN)
  for (const by of new Set(due.map(([, one]) => one.by))) {
    const mine = due.filter(([, one]) => one.by === by)
    const ids = mine.map(([id]) => id)
    const mayWrite = state.members.has(by) && !state.blockedBy?.includes(by) && !(await isClosed(turn, by))
    append(turn, await settling(turn, by, `due${ids[0]}`, mine, mayWrite), undefined)
  }
  remindOfNext(turn, undefined)
}

/** No chat is told that an account was deleted: the account itself is asked, so that nothing has to survive in between. */
async function isClosed(turn: ChatTurn, user: number): Promise<boolean> {
  return (await turn.ref(User, user).profile())?.closed ?? false
}

/** The posts, then the entry that takes the messages off the list: one commit. */
async function settling(
  turn: ChatTurn,
  by: number,
  op: string,
  due: readonly (readonly [id: number, Scheduled])[],
  isPosted: boolean,
): Promise<readonly Change[]> {
  const entries = due.map(([, { n }]) => n)
  const ids = due.map(([id]) => id)
  const drop: Unschedule = { type: 'unschedule', by, op, ids, entries, to: [by] }
  if (!isPosted) return [{ fact: drop }]
  const posts: Change[] = []
  const sentIds: number[] = []
  const scheduled = await entriesAt(turn, entries)
  for (const [index, entry] of scheduled.entries()) {
    const draft = entry && draftOf(entry)
    const id = ids[index]
    if (!draft || id === undefined) continue
    posts.push(await posted(turn, by, `s${id}`, draft, true))
    sentIds.push(id)
  }
  const sent = posts.map((_, index) => turn.head.pts + 1 + index)
  const dropped = ids.filter((id) => !sentIds.includes(id))
  return [...posts, { fact: { ...drop, ids: [...sentIds, ...dropped], sent } }]
}

/** Who leaves could not see any more what waits for him here, and would say it on coming back. */
export function unscheduledOf(state: ChatState, by: number): readonly Change[] {
  const mine = scheduledBy(state, by)
  if (mine.length === 0) return []
  const ids = mine.map(([id]) => id)
  const entries = mine.map(([, { n }]) => n)
  return [{ fact: { type: 'unschedule', by, op: `left${ids[0]}`, ids, entries, to: [by] } }]
}

function draftOf({ fact, body }: ChatEntry): Draft | undefined {
  if (fact.type !== 'schedule' || !body) return undefined
  const { silent, noForwards, replyTo, mentions } = fact
  return { body, ...given({ silent, noForwards, replyTo, mentions }) }
}

function scheduledBy(state: ChatState, by: number): readonly (readonly [number, Scheduled])[] {
  return [...(state.scheduled ?? [])].filter(([, one]) => one.by === by)
}

/** Moves the reminder where the earliest message is another than before. */
function remindOfNext(turn: ChatTurn, before: number | undefined): void {
  const dueAtMs = earliest(turn)
  if (dueAtMs === before) return
  if (dueAtMs === undefined) turn.cancelReminder(DUE_REMINDER)
  else turn.remind(DUE_REMINDER, dueAtMs)
}

function earliest({ state }: ChatTurn): number | undefined {
  if (!state.scheduled) return undefined
  return Math.min(...[...state.scheduled.values()].map(({ dueAtMs }) => dueAtMs))
}
