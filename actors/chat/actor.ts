import { type ActorDefinition, implement, type Random } from '../../runtime/index.js'
import { Chat } from './contract.js'
import { completePorts, Delivery, type DeliveryPorts } from './delivery.js'
import { deriveRows } from './derive.js'
import { packFact, unpackFact } from './fact.js'
import { applyFact } from './fold.js'
import * as groups from './groups.js'
import * as marking from './marking.js'
import { isBlockedBy, memberOf, otherParty } from './membership.js'
import { append, REST_AFTER_MS, REST_TIMER, startDelivery } from './operation.js'
import * as posting from './posting.js'
import { forgetOldReceipts, hasOldReceipts, type OldReceipts, readOldReceipts } from './receipts.js'
import * as scheduling from './scheduling.js'
import type { ChatReading, ChatShape, ChatTurn } from './shape.js'
import { type ChatState, countOf, emptyChat, everyoneConcerned, lastFor } from './state.js'
import { decodeState, encodeState, STATE_VERSION } from './state-format.js'
import { whereabouts } from './whereabouts.js'

/** Clock and randomness of delivery's pauses; links take their secrets from `random` too. */
export function chatActor(ports: DeliveryPorts & { readonly random: Random }): ActorDefinition<ChatShape> {
  const deliveryPorts = completePorts(ports)
  return implement<ChatShape>({
    type: Chat,
    state: {
      version: STATE_VERSION,
      initial: emptyChat,
      apply: applyFact,
      encode: encodeState,
      decode: decodeState,
      pack: packFact,
      unpack: unpackFact,
    },
    count: countOf,
    derive: deriveRows,
    memory: (id) => new Delivery(id, deliveryPorts),
    methods: {
      post: posting.post,
      edit: posting.edit,
      delete: posting.remove,
      deleteHistory: posting.removeHistory,
      read: posting.read,
      react: marking.react,
      reactions: marking.listReactions,
      pin: marking.pin,
      unpinAll: marking.unpinAll,
      schedule: scheduling.schedule,
      reschedule: scheduling.reschedule,
      scheduled: scheduling.listScheduled,
      settleScheduled: scheduling.settleScheduled,
      setBlocked,
      create: groups.create,
      addMember: groups.addMember,
      removeMember: groups.removeMember,
      setTitle: groups.setTitle,
      setAbout: groups.setAbout,
      setAdmin: groups.setAdmin,
      exportInvite: (turn, request) => groups.exportInvite(turn, request, ports.random),
      checkInvite: groups.checkInvite,
      join: groups.join,
      group: groups.groupInfo,
      audience,
      whereabouts,
    },
    reminders: { [scheduling.DUE_REMINDER]: scheduling.postDue },
    delivery: {
      owes: (fact) => countOf(fact) > 0,
      resume,
      settled: ({ state, memory }) => !state.owes || memory.settled(state as ChatState),
    },
    timers: { [REST_TIMER]: rest },
  })
}

/** Asks the boxes that this activation knows nothing of, and starts lanes that stopped (CORE D2). */
function resume(turn: ChatTurn): void {
  const state = turn.state as ChatState
  const users = everyoneConcerned(state)
  turn.setTimer(REST_TIMER, REST_AFTER_MS)
  if (!turn.memory.doubt(state, users)) return
  startDelivery(
    turn,
    users.map((user) => [[user], lastFor(state, user)] as const),
  )
}

/**
 * Once all is delivered and nothing has happened for a while, the journal says so: then the next activation need not ask
 * every member's box, whatever it is activated for. What is too old is forgotten meanwhile.
 */
function rest(turn: ChatTurn): void {
  const pauseMs = forgetSome(turn)
  if (pauseMs !== undefined) turn.setTimer(REST_TIMER, pauseMs)
  const { memory: delivery, nowMs } = turn
  const state = turn.state as ChatState
  if (!state.owes) return
  const isQuiet = delivery.settled(state) && nowMs >= delivery.touchedAtMs + REST_AFTER_MS
  if (!isQuiet) {
    if (pauseMs === undefined) turn.setTimer(REST_TIMER, REST_AFTER_MS)
    return
  }
  turn.append({ type: 'settled', by: 0, op: '' })
  delivery.rest()
}

const FORGET_AGAIN_AFTER_MS = 500

/** Forgets the old receipts that were read, and has the next ones read; when it is to go on, if some are left. */
function forgetSome(turn: ChatTurn): number | undefined {
  const { memory } = turn
  const read = memory.oldReceipts
  if (read === 'reading') return FORGET_AGAIN_AFTER_MS
  if (read) forgetOldReceipts(turn, read)
  memory.oldReceipts = undefined
  if (!hasOldReceipts(turn)) return undefined
  memory.oldReceipts = 'reading'
  turn.afterwards(async () => {
    let found: OldReceipts | undefined
    try {
      found = await readOldReceipts(turn)
    } finally {
      memory.oldReceipts = found
    }
  })
  // The first read has time, and what could not be read is not asked for at once again.
  return read ? FORGET_AGAIN_AFTER_MS : REST_AFTER_MS
}

function setBlocked(turn: ChatTurn, request: { by: number; op: string; blocked: boolean }): void {
  const { by, op, blocked } = request
  const state = turn.state as ChatState
  memberOf(state, by, 'PEER_ID_INVALID')
  if (otherParty(state, by) === undefined || (state.blockedBy?.includes(by) ?? false) === blocked) return
  append(turn, [{ fact: { type: 'blocked', by, op, blocked } }], undefined)
}

function audience(self: ChatReading, { by }: { by: number }): readonly number[] {
  const state = self.state as ChatState
  memberOf(state, by)
  if (isBlockedBy(state, by) || state.blockedBy?.includes(by)) return []
  return [...state.members.keys()].filter((user) => user !== by)
}
