import { type Later, refuse } from '../../runtime/index.js'
import type { Asked, Outcome, ReactionList } from './contract.js'
import { groupFor, ONE_GROUP } from './derive.js'
import type { Reacted } from './fact.js'
import { given } from './lane-item.js'
import { adminOf, isBlockedBy, memberOf, reachOf, writerIn } from './membership.js'
import { type Change, once } from './operation.js'
import { existing } from './posting.js'
import type { ChatReading, ChatTurn } from './shape.js'
import { isGroup } from './state.js'

const MAX_REACTION_BYTES = 32
/** Reactions that a message keeps; the oldest of those who are no members any more go first. */
const MAX_REACTIONS = 400
const REACTIONS_A_PAGE = 100

/** Reactions to messages and pins. */
export function react(
  turn: ChatTurn,
  request: Asked & { target: number; reactions: readonly string[] },
): Promise<Later<Outcome>> {
  return once(turn, request, async () => {
    const { state, nowMs } = turn
    const { by, op, target, reactions } = request
    writerIn(state, by)
    const [reaction] = reactions
    if (reactions.length > 1) refuse('REACTIONS_TOO_MANY')
    if (reaction !== undefined && !isReaction(reaction)) refuse('REACTION_INVALID')
    const message = await existing(turn, target, by)
    if (message.fact.action) refuse('MESSAGE_ID_INVALID', 'a service message takes no reactions')
    const to = message.fact.to ?? reachOf(state, by)
    const before = await reactionsTo(turn, target, to)
    if (before.find(([user]) => user === by)?.[1] === reaction) return []
    const others = before.filter(([user]) => user !== by)
    const all: Reacted[] = reaction === undefined ? others : [...others, [by, reaction, nowMs]]
    while (all.length > MAX_REACTIONS) {
      const stranger = all.findIndex(([user]) => !state.members.has(user))
      all.splice(Math.max(stranger, 0), 1)
    }
    return [{ fact: { type: 'react', by, op, target, all, ...given({ to }) } }]
  })
}

function isReaction(reaction: string): boolean {
  return reaction.length > 0 && Buffer.byteLength(reaction) <= MAX_REACTION_BYTES
}

/** As all see them, or as the one does whom `to` names alone. */
async function reactionsTo({ own }: Pick<ChatTurn, 'own'>, target: number, to?: readonly number[]): Promise<Reacted[]> {
  const alone = to && ((await own.row('reactions', groupFor(to), target)) as Reacted[] | undefined)
  return [...(alone ?? ((await own.row('reactions', ONE_GROUP, target)) as Reacted[] | undefined) ?? [])]
}

export async function listReactions(
  self: ChatReading,
  request: { by: number; target: number; reaction?: string; offset: number; limit: number },
): Promise<ReactionList> {
  memberOf(self.state, request.by)
  const { target, reaction, offset, limit } = request
  const newestFirst = (await reactionsTo(self, target, [request.by])).reverse()
  const all = newestFirst.filter(([, one]) => reaction === undefined || one === reaction)
  const end = offset + Math.max(1, Math.min(limit, REACTIONS_A_PAGE))
  const items = all.slice(offset, end).map(([user, one, atMs]) => ({ user, reaction: one, atMs }))
  return { total: all.length, items, ...(end < all.length ? { nextOffset: end } : undefined) }
}

export function pin(
  turn: ChatTurn,
  request: Asked & { target: number; pinned: boolean; silent: boolean; onlyForMe: boolean },
): Promise<Later<Outcome>> {
  return once(turn, request, async () => {
    const { state, own } = turn
    const { by, op, target, pinned, silent } = request
    adminOf(state, by)
    const message = await existing(turn, target, by)
    const isQuiet = (request.onlyForMe && !isGroup(state)) || message.fact.to !== undefined
    const reach = isQuiet ? [by] : reachOf(state, by)
    const isIn = async (group: string) => (await own.row('pin', group, target)) !== undefined
    // What was pinned for both may be unpinned for the one whom the other blocks.
    const isPinned = (await isIn(groupFor(reach))) || (!pinned && isBlockedBy(state, by) && (await isIn(ONE_GROUP)))
    if (isPinned === pinned) refuse('CHAT_NOT_MODIFIED')
    const to = given({ to: reach })
    const fact = { type: 'pin', by, op, targets: [target], pinned, ...to } as const
    if (!pinned || isQuiet) return [{ fact }]
    const action = { type: 'pin', target } as const
    const told = {
      type: 'post',
      by,
      op,
      second: true,
      action,
      ...given({ silent: silent || undefined }),
      ...to,
    } as const
    return [{ fact }, { fact: told }]
  })
}

const PINS_A_STEP = 1_000

export function unpinAll(turn: ChatTurn, request: Asked): Promise<Later<Outcome>> {
  const { state, own } = turn
  const { by, op } = request
  const pinned = async (group: string, limit: number) => {
    const rows = await own.rows('pin', group, { from: 0, to: Number.MAX_SAFE_INTEGER, limit })
    return rows.map(({ order }) => order)
  }
  const decide = async () => {
    adminOf(state, by)
    const fact = { type: 'pin', by, op, pinned: false } as const
    const shared = await pinned(ONE_GROUP, PINS_A_STEP)
    const mine = await pinned(groupFor([by]), PINS_A_STEP)
    const reach = reachOf(state, by)
    if (reach) {
      const targets = [...new Set([...shared, ...mine])]
      return targets.length > 0 ? [{ fact: { ...fact, targets, to: reach } }] : []
    }
    const changes: Change[] = []
    if (shared.length > 0) changes.push({ fact: { ...fact, targets: shared } })
    const second = changes.length > 0 ? { second: true as const } : undefined
    if (mine.length > 0) changes.push({ fact: { ...fact, targets: mine, to: [by], ...second } })
    return changes
  }
  const more = async () => {
    const groups = isBlockedBy(state, by) ? [groupFor([by])] : [ONE_GROUP, groupFor([by])]
    return (await Promise.all(groups.map((group) => pinned(group, 1)))).flat().length > 0
  }
  return once(turn, request, decide, more)
}
