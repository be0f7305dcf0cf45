import type { Calls } from './calls.js'
import type { PacketLink } from './link.js'
import { compareLongs, type Long, longHigh } from './long.js'
import type { TlObject } from './rpc.js'
import { futureSalts } from './salts.js'
import { serviceBody } from './service-body.js'
import type { MtprotoSession } from './session.js'
import type { SessionTable } from './session-table.js'
import { Work } from './work.js'
import type { World } from './world.js'

const AHEAD_SECONDS = 30
/** @see https://core.telegram.org/mtproto/service_messages_about_messages#informational-message-regarding-status-of-messages */
const State = { forgotten: 1, notReceived: 2, tooHigh: 3, received: 4 } as const

interface Context {
  readonly world: World
  readonly session: MtprotoSession
  readonly sessions: SessionTable
  readonly calls: Calls
  readonly link: PacketLink
  readonly msgId: Long
}

type Handler = (context: Context, message: TlObject) => void

const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['mt_ping', ({ session, msgId }, { pingId }) => pong(session, msgId, pingId as Long)],
  [
    'mt_ping_delay_disconnect',
    ({ session, link, msgId }, { pingId, disconnectDelay }) => {
      pong(session, msgId, pingId as Long)
      link.disconnectAfter((disconnectDelay as number) * 1000)
    },
  ],
  ['mt_msgs_ack', ({ world, session }, { msgIds }) => session.acknowledged(bounded(world, msgIds))],
  ['mt_get_future_salts', sendFutureSalts],
  [
    'mt_msgs_state_req',
    ({ world, session, msgId }, { msgIds }) => sendStates(world, session, msgId, bounded(world, msgIds)),
  ],
  ['mt_msg_resend_req', resend],
  ['mt_rpc_drop_answer', ({ session, calls, msgId }, { reqMsgId }) => calls.drop(session, msgId, reqMsgId as Long)],
  ['mt_destroy_session', destroySession],
  ['mt_destroy_auth_key', destroyAuthKey],
  [
    'mt_http_wait',
    ({ link }, { maxDelay, waitAfter, maxWait }) =>
      link.httpWait?.(maxDelay as number, waitAfter as number, maxWait as number),
  ],
  ['mt_msgs_state_info', ignore],
  ['mt_msgs_all_info', ignore],
  ['mt_msg_detailed_info', ignore],
  ['mt_msg_new_detailed_info', ignore],
])

/**
 * Acts on a message of the protocol itself; returns what it cost, or undefined if it is none that a client may send
 * inside a session.
 */
export function handleServiceMessage(context: Context, message: TlObject): number | undefined {
  const handler = handlers.get(message._)
  if (!handler) return undefined
  handler(context, message)
  const ids = (message.msgIds as readonly Long[] | undefined)?.length ?? 0
  return (message._ === 'mt_msgs_ack' ? Work.acknowledgement : Work.message) + ids * Work.id
}

/** What clients tell of our messages: nothing follows from it, since all that is unacknowledged is sent again anyway. */
function ignore() {}

function bounded(world: World, msgIds: unknown): readonly Long[] {
  const ids = msgIds as readonly Long[]
  const { idsPerServiceMessage } = world.limits
  return ids.length > idsPerServiceMessage ? ids.slice(0, idsPerServiceMessage) : ids
}

function pong(session: MtprotoSession, msgId: Long, pingId: Long) {
  session.notify(serviceBody({ _: 'mt_pong', msgId, pingId }))
}

function sendFutureSalts({ world, session, msgId }: Context, { num }: TlObject) {
  const now = world.nowSeconds()
  const salts = futureSalts(session.key, now, num as number)
  session.notify(serviceBody({ _: 'mt_future_salts', reqMsgId: msgId, now, salts }))
}

function sendStates(world: World, session: MtprotoSession, msgId: Long, ids: readonly Long[]) {
  const newest = world.nowSeconds() + AHEAD_SECONDS
  const info = Buffer.from(ids.map((id) => stateOf(session, id, newest)))
  session.notify(serviceBody({ _: 'mt_msgs_state_info', reqMsgId: msgId, info }))
}

function stateOf(session: MtprotoSession, id: Long, newestSeconds: number): number {
  const state = session.seen.get(id)
  // The bit for "an answer was generated" is left out: clients take it for a lost answer and call again, while the
  // answer is on its way on this very stream.
  if (state !== undefined && (typeof state === 'string' || state.phase !== 'expected')) return State.received
  if (session.seen.isForgotten(id) || compareLongs(id, session.firstMsgId) < 0) return State.forgotten
  return longHigh(id) > newestSeconds ? State.tooHigh : State.notReceived
}

function resend({ world, session, msgId }: Context, { msgIds }: TlObject) {
  const missing = bounded(world, msgIds).filter((id) => {
    const message = session.findOutgoing(id)
    if (!message || !session.resend(message)) return true
    world.spend(session.key, message.body.length * Work.resentByte)
    return false
  })
  if (missing.length > 0) sendStates(world, session, msgId, missing)
}

function destroySession({ session, sessions }: Context, { sessionId }: TlObject) {
  const id = sessionId as Long
  const other = id === session.id ? undefined : sessions.get(session.key, id)
  if (other) sessions.end(other)
  session.notify(serviceBody({ _: other ? 'mt_destroy_session_ok' : 'mt_destroy_session_none', sessionId: id }))
}

function destroyAuthKey({ world, session, link }: Context) {
  const { key } = session
  Promise.resolve(world.store.destroy(key.id)).then(
    () => {
      session.notify(serviceBody({ _: 'mt_destroy_auth_key_ok' }))
      session.flush()
      world.keys.drop(key.id)
      link.close('auth key destroyed')
    },
    (error: unknown) => {
      world.log.warn({ err: error }, 'an auth key could not be destroyed')
      session.notify(serviceBody({ _: 'mt_destroy_auth_key_fail' }))
    },
  )
}
