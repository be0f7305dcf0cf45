import type { Effect } from '../../runtime/index.js'
import { parsePeerKey } from '../chat/chat-id.js'
import { isKnown } from './contacts.js'
import type { LiveNews, Presence } from './contract.js'
import { SERVICE_USER_ID, User } from './contract.js'
import { dialogOfChat } from './dialogs.js'
import { limits } from './limits.js'
import { appendHidden } from './milestone.js'
import type { UserReading, UserTurn } from './shape.js'
import type { UserState } from './state.js'

export function presenceOf({ state, memory, nowMs }: Pick<UserReading, 'state' | 'memory' | 'nowMs'>): Presence {
  if (memory.onlineUntilMs > nowMs) return { kind: 'online', atMs: memory.onlineUntilMs }
  const seenAtMs = Math.max(state.seenAtMs, memory.seenAtMs, memory.onlineUntilMs)
  return seenAtMs > 0 ? { kind: 'offline', atMs: seenAtMs } : { kind: 'empty', atMs: 0 }
}

/** Partners hear of it when it starts, ends, or reaches this much further than they were told. */
const TELL_AGAIN_MS = 30_000

type LastSeen = Awaited<ReturnType<User['setPresence']>>

export function setPresence(turn: UserTurn, onlineUntilMs: number): LastSeen {
  const { memory, nowMs, state } = turn
  if (!state.account || state.account.closed) return { onlineUntilMs: 0, seenAtMs: 0 }
  notePresence(turn, onlineUntilMs)
  const untilMs = memory.onlineUntilMs > nowMs ? memory.onlineUntilMs : 0
  return { onlineUntilMs: untilMs, seenAtMs: Math.max(state.seenAtMs, memory.seenAtMs) }
}

function notePresence(turn: UserTurn, onlineUntilMs: number): void {
  const { memory, nowMs, state } = turn
  const untilMs = onlineUntilMs > nowMs ? Math.min(onlineUntilMs, nowMs + limits.onlineMs) : 0
  const wasOnline = memory.onlineUntilMs > nowMs
  if (untilMs === 0 && !wasOnline) return
  memory.onlineUntilMs = untilMs
  memory.seenAtMs = nowMs
  if (nowMs - state.seenAtMs >= limits.seenEveryMs) appendHidden(turn, { type: 'seen', atMs: nowMs })
  const isNews = untilMs === 0 ? memory.toldUntilMs !== 0 : untilMs - memory.toldUntilMs >= TELL_AGAIN_MS
  if (!isNews) return
  memory.toldUntilMs = untilMs
  tellPartners(turn, { type: 'presence', user: turn.id, presence: presenceOf(turn) })
}

/** One-way, best effort, to partners that are awake. */
export function tellPartners(turn: UserTurn, news: LiveNews): void {
  const partners = partnersOf(turn.state)
  if (partners.length === 0) return
  turn.afterwards((effect) => tell(effect, partners, news))
}

async function tell(effect: Effect, partners: readonly number[], news: LiveNews): Promise<void> {
  const told = partners.map((id) => effect.ref(User, id, { ifActive: true }).hear(news))
  await Promise.allSettled(told)
}

/**
 * The account's own contacts and the partners of its private dialogs, none that is blocked. Who merely has it in their
 * contacts is not told, though Telegram tells them: nothing here knows them. Of more than
 * `limits.toldPartners` those with the latest message, or the latest taken into the contacts; the others see it when
 * their clients next ask (contacts.getStatuses, and with every list that names the account).
 */
function partnersOf(state: UserState): number[] {
  const knownAtMs = new Map<number, number>()
  for (const [key, { top, topAtMs }] of state.dialogs ?? []) {
    const peer = parsePeerKey(key)
    if (peer.kind === 'user' && top > 0) knownAtMs.set(peer.id, topAtMs)
  }
  for (const [id, { atMs }] of state.contacts ?? []) knownAtMs.set(id, Math.max(atMs, knownAtMs.get(id) ?? 0))
  knownAtMs.delete(state.id)
  knownAtMs.delete(SERVICE_USER_ID)
  for (const id of state.blocked?.keys() ?? []) knownAtMs.delete(id)
  const partners = [...knownAtMs]
  if (partners.length > limits.toldPartners) partners.sort(([, one], [, other]) => other - one)
  return partners.slice(0, limits.toldPartners).map(([id]) => id)
}

/** Whether the account's devices are told: not of strangers, not of who is blocked, not of chats it is not in. */
export function mayHear(state: UserState, news: LiveNews): boolean {
  if (news.type === 'typing') {
    return !state.blocked?.has(news.by) && news.by !== state.id && dialogOfChat(state, news.chat) !== undefined
  }
  return isKnown(state, news.user) && !state.blocked?.has(news.user)
}
