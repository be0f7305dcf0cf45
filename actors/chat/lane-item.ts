import type { LaneItem } from '../user/contract.js'
import type { Origin } from './contract.js'
import type { ChatEntry, Post, React } from './fact.js'

const NO_BODY = Buffer.alloc(0)
const RECENT_REACTIONS = 3

/**
 * What an entry means to the box of a user whom it concerns, from the entry alone, so that a delivery after a crash says
 * what the first would have said. Undefined: nothing any more, since its body was erased by something that follows.
 */
export function laneItem(entry: ChatEntry, user: number, origin: Origin | undefined): LaneItem | undefined {
  const { n, atMs, fact, body } = entry
  if (fact.type === 'post') {
    return body || fact.action ? messageItem(entry, fact, body ?? NO_BODY, user, origin) : undefined
  }
  const head = { n, atMs, ...(origin && fact.by === user ? { origin } : undefined) }
  switch (fact.type) {
    case 'edit':
      if (!body) return undefined
      return {
        ...head,
        type: 'edit',
        target: fact.target,
        body,
        mentioned: fact.mentions?.includes(user) ?? false,
      }
    case 'delete':
      return { ...head, type: 'delete', targets: fact.targets }
    case 'deleteHistory':
      return { ...head, type: 'deleteHistory', upTo: fact.upTo }
    case 'read':
      return { ...head, type: fact.by === user ? 'readInbox' : 'readOutbox', upTo: fact.upTo }
    case 'react':
      return { ...head, type: 'react', target: fact.target, ...reactionsFor(fact, user) }
    case 'pin':
      return { ...head, type: 'pin', targets: fact.targets, pinned: fact.pinned }
    case 'schedule': {
      const { id, dueAtMs, clearDraft } = fact
      return { ...head, type: 'schedule', id, dueAtMs, ...given({ clearDraft }) }
    }
    case 'unschedule':
      return { ...head, type: 'unschedule', ids: fact.ids, ...given({ sent: fact.sent }) }
    case 'about':
    case 'admin':
      return {
        ...head,
        type: 'groupChanged',
        what: fact.type === 'about' ? 'about' : 'admins',
        version: fact.version,
      }
    case 'invite':
    case 'blocked':
    case 'settled':
    case 'forgotten':
      return undefined
  }
}

type MessageItem = { -readonly [Field in keyof ItemOfPost]: ItemOfPost[Field] }
type ItemOfPost = Extract<LaneItem, { type: 'message' }>

/** Field by field: this is done for each member of each message, and spreads would cost more than all the rest of it. */
function messageItem(
  { n, atMs }: ChatEntry,
  fact: Post,
  body: Uint8Array,
  user: number,
  origin: Origin | undefined,
): ItemOfPost {
  const item: MessageItem = { n, atMs, type: 'message', from: fact.by, body }
  if (fact.silent !== undefined) item.silent = fact.silent
  if (fact.noForwards !== undefined) item.noForwards = fact.noForwards
  if (fact.replyTo !== undefined) item.replyTo = fact.replyTo
  if (fact.action !== undefined) item.action = fact.action
  if (fact.groupedId !== undefined) item.groupedId = fact.groupedId
  if (fact.fromScheduled !== undefined) item.fromScheduled = fact.fromScheduled
  if (fact.by !== user) {
    if (fact.mentions?.includes(user)) item.mentioned = true
    return item
  }
  if (origin !== undefined) item.origin = origin
  item.op = fact.op
  if (fact.clearDraft !== undefined) item.clearDraft = fact.clearDraft
  return item
}

function reactionsFor({ all }: React, user: number) {
  const counts = new Map<string, { reaction: string; count: number; mine: boolean }>()
  for (const [by, reaction] of all) {
    const known = counts.get(reaction) ?? { reaction, count: 0, mine: false }
    known.count++
    known.mine ||= by === user
    counts.set(reaction, known)
  }
  const recent = all.slice(-RECENT_REACTIONS).reverse()
  return {
    reactions: [...counts.values()].sort((a, b) => b.count - a.count),
    recent: recent.map(([by, reaction, atMs]) => ({ user: by, reaction, atMs })),
  }
}

/** Without what is undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Partial<T> = {}
  for (const key of Object.keys(fields) as (keyof T)[]) if (fields[key] !== undefined) kept[key] = fields[key]
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** Bytes that an item takes in a frame, about. */
export function itemBytes(item: LaneItem): number {
  const body = item.type === 'message' || item.type === 'edit' ? item.body.length : 0
  return 128 + body
}
