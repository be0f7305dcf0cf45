/**
 * Live sessions (CORE D5).
 *
 * L1. A gateway that is attached gets every change that devices may see, in order: those up to the pts of the answer in
 *     `following`, the later ones as frames; `afterPts` and `afterOrdinal` show a frame that was lost.
 * L2. A frame leaves once what it tells is durable (invariant 5; the runtime holds it back).
 * L3. A lease that is over is forgotten; nothing is pushed to its gateway any more.
 * L4. A session is at one gateway: who attaches one that was elsewhere has the others told.
 * L5. Changes without a number, under the pts that the gateway had, are replayed from `lastOrdinal` on if it is given.
 */
import { ActorError, type NodeId } from '../../runtime/index.js'
import type { BoxChange } from './changes.js'
import type { AttachAnswer, AttachRequest, LiveNews, MovedFrame, PushFrame } from './contract.js'
import { deliveredPts, isAuthorized } from './devices.js'
import { isMessage, toChange } from './entry.js'
import { limits } from './limits.js'
import type { UserMemory } from './memory.js'
import { editsOf } from './messages.js'
import type { Box, UserTurn } from './shape.js'

/** The sink of gateways that takes PushFrames. */
const PUSH_SINK = 'push'
/** The sink of gateways that takes MovedFrames. */
const MOVED_SINK = 'moved'

export function pushChanges(turn: UserTurn, changes: readonly BoxChange[]): void {
  const [first] = changes
  const last = changes.at(-1)
  const { memory } = turn
  if (!first || !last || memory.attachments === undefined) return
  const afterPts = first.pts - first.count
  const { told } = memory
  memory.told = { pts: last.pts, ordinal: last.ordinal }
  const after = told?.pts === afterPts ? { afterPts, afterOrdinal: told.ordinal } : { afterPts }
  sendToAttached(turn, { user: turn.id, ...after, changes })
}

export function pushNews(turn: UserTurn, news: readonly LiveNews[]): void {
  sendToAttached(turn, { user: turn.id, afterPts: turn.head.pts, changes: [], news })
}

function sendToAttached(turn: UserTurn, frame: PushFrame): void {
  const { attachments } = turn.memory
  if (attachments === undefined) return
  const { nowMs } = turn
  for (const [gateway, { untilMs, isGone }] of attachments) {
    if (untilMs <= nowMs) attachments.delete(gateway)
    else if (!isGone) turn.send(gateway, PUSH_SINK, frame)
  }
  if (attachments.size === 0) forgetAttached(turn.memory)
}

function forgetOverLeases(memory: UserMemory, nowMs: number): void {
  const { attachments } = memory
  if (!attachments) return
  for (const [gateway, { untilMs }] of attachments) if (untilMs <= nowMs) attachments.delete(gateway)
  if (attachments.size === 0) forgetAttached(memory)
}

function forgetAttached(memory: UserMemory): void {
  memory.attachments = undefined
  memory.told = undefined
}

export function isAttached(memory: UserMemory, nowMs: number): boolean {
  return [...(memory.attachments?.values() ?? [])].some(({ untilMs, isGone }) => untilMs > nowMs && !isGone)
}

export async function attach(turn: UserTurn, request: AttachRequest): Promise<AttachAnswer> {
  const { memory, state } = turn
  const leaseMs = Math.min(Math.max(request.leaseMs, 0), limits.leaseMs)
  forgetOverLeases(memory, turn.nowMs)
  const following = await replay(turn, fromDelivered(turn, request))
  memory.attachments ??= new Map()
  if (!memory.attachments.has(request.gateway) && memory.attachments.size >= limits.attachments) {
    throw new ActorError('OVERLOADED', `${turn.address} has too many gateways`, { retryAfterMs: limits.leaseMs })
  }
  memory.told ??= { pts: turn.head.pts, ordinal: turn.head.ordinal }
  memory.attachments.set(request.gateway, { untilMs: turn.nowMs + leaseMs, authKeys: request.authKeys })
  tellMoved(turn, request)
  const unauthorized = request.authKeys.filter((authKey) => !isAuthorized(state, authKey))
  return { pts: turn.head.pts, ordinal: turn.head.ordinal, following, unauthorized }
}

function tellMoved(turn: UserTurn, { gateway: here, arrived = [] }: AttachRequest): void {
  if (arrived.length === 0) return
  const frame: MovedFrame = { user: turn.id, sessions: arrived }
  for (const [gateway, { isGone }] of turn.memory.attachments ?? []) {
    if (gateway !== here && !isGone) turn.send(gateway, MOVED_SINK, frame)
  }
}

/** The gateway has no session any more; which devices it had is known for a while. */
export function detach(turn: UserTurn, { gateway }: { readonly gateway: NodeId }): void {
  const { memory, nowMs } = turn
  const { authKeys } = memory.attachments?.get(gateway) ?? {}
  if (authKeys) memory.attachments!.set(gateway, { untilMs: nowMs + limits.goneGatewayMs, authKeys, isGone: true })
  forgetOverLeases(memory, nowMs)
}

/** The request from what the device acknowledged last, where it comes from another gateway and that is known. */
function fromDelivered(turn: UserTurn, request: AttachRequest): AttachRequest {
  const { lastPts, replayFor, gateway: here, arrived = [] } = request
  if (lastPts !== -1 || replayFor === undefined || !isAuthorized(turn.state, replayFor)) return request
  const others = [...(turn.memory.attachments ?? [])].filter(([gateway]) => gateway !== here)
  if (arrived.length === 0 && !others.some(([, { authKeys }]) => authKeys.includes(replayFor))) return request
  const pts = deliveredPts(turn.state, turn.memory, replayFor)
  return pts === 0 ? request : { ...request, lastPts: pts }
}

/** What follows the request's position; undefined when it is too much, or cannot be told one by one any more. */
async function replay(box: Box & { readonly id: number }, request: AttachRequest): Promise<BoxChange[] | undefined> {
  const { lastPts, lastOrdinal = Number.MAX_SAFE_INTEGER } = request
  const { pts, ordinal } = box.head
  if (lastPts === -1 || (lastPts === pts && lastOrdinal >= ordinal)) return []
  if (lastPts > pts || pts - lastPts > limits.replayedChanges) return undefined
  const entries = await box.own.entries({ pts: lastPts, ordinal: lastOrdinal }, limits.replayedChanges + 1, pts)
  if (entries.length > limits.replayedChanges) return undefined
  const changes: BoxChange[] = []
  let bytes = 0
  for (const entry of entries) {
    const change = toChange(box.id, entry)
    if (!change) continue
    const whole = isMessage(entry.fact) || change.fact.type === 'edited' ? await withBody(box, change) : change
    if (!whole) return undefined
    bytes += whole.body?.byteLength ?? 0
    if (bytes > limits.replayedBytes) return undefined
    changes.push(whole)
  }
  return changes
}

/** The change with the message's present body; undefined when the message is gone. */
async function withBody(box: Box, change: BoxChange): Promise<BoxChange | undefined> {
  const { fact, body } = change
  if (body) return change
  if (fact.type !== 'message' && fact.type !== 'edited') return change
  const id = fact.type === 'message' ? change.pts : fact.id
  const edit = (await editsOf(box, fact.peer, [id])).get(id)
  return edit && { ...change, body: edit.body }
}
