import type { AuthKey } from './auth-key.js'
import { AuthKeyLoadsExhausted } from './auth-keys.js'
import { Call } from './call.js'
import type { Calls } from './calls.js'
import { type InnerMessage, MSG_CONTAINER, readContainer } from './container.js'
import { type OpenedPacket, openPacket, packetBytesFor } from './crypto/packet.js'
import { type Handshakes, isPlainPacket } from './handshakes.js'
import type { PacketLink } from './link.js'
import { compareLongs, type Long, readLong } from './long.js'
import { ANSWER, BadMessage, badMessageId } from './message-id.js'
import type { Peer } from './peer.js'
import { RpcError } from './rpc.js'
import { acceptsSalt, currentSalt } from './salts.js'
import { serviceBody } from './service-body.js'
import { handleServiceMessage } from './service-messages.js'
import type { MtprotoSession } from './session.js'
import type { SessionTable } from './session-table.js'
import { UnpackBudget } from './unpack-budget.js'
import { Work } from './work.js'
import type { World } from './world.js'

const SMALLEST_PACKET_BYTES = 24
const UNKNOWN_KEY = 404
const TOO_MUCH = 429
const BAD_SALT = 48
const MAX_UNKNOWN_KEYS = 8
/** A session that begins here has sent less (sequence numbers count twice what was sent): this one lived elsewhere. */
const SEQ_NO_OF_A_LIVED_SESSION = 6

/**
 * From packet to message: finds key and session, checks what the protocol asks to check, and hands each message on
 * once. @see https://core.telegram.org/mtproto/description
 *
 * 1. Nothing is believed of a packet before its message key was verified.
 * 2. What a packet asks for is charged to its key, and is done in slices, between which others get their turn.
 * 3. A message whose id or salt is refused was not seen: it creates no session, and may come again as it is.
 */
export class Packets {
  readonly #world: World
  readonly #handshakes: Handshakes
  readonly #sessions: SessionTable
  readonly #calls: Calls

  constructor(world: World, handshakes: Handshakes, sessions: SessionTable, calls: Calls) {
    this.#world = world
    this.#handshakes = handshakes
    this.#sessions = sessions
    this.#calls = calls
  }

  /**
   * A peer's packet, a view that is not kept. A promise means that its key is being loaded, or that it takes its time:
   * the peer's next packets have to wait until it resolves.
   */
  receive(peer: Peer, packet: Buffer, wantsQuickAck: boolean): Promise<void> | undefined {
    this.#world.metrics.count('packets_in')
    if (packet.length < SMALLEST_PACKET_BYTES) {
      this.#bad(peer, 'short', 'short packet')
      return undefined
    }
    if (isPlainPacket(packet)) {
      this.#handshakes.receive(peer, packet)
      return undefined
    }
    const id = readLong(packet, 0)
    const { session } = peer
    const key = session?.isOn(id) ? session.key : this.#world.keys.cached(id)
    if (key) return this.#open(peer, key, packet, wantsQuickAck)
    return this.#load(peer, id, Buffer.from(packet), wantsQuickAck)
  }

  async #load(peer: Peer, id: Long, packet: Buffer, wantsQuickAck: boolean) {
    try {
      const key = await this.#world.keys.load(id)
      if (key) {
        await this.#open(peer, key, packet, wantsQuickAck)
        return
      }
      this.#world.metrics.count('unknown_auth_keys')
      peer.replyError(UNKNOWN_KEY)
      // Each costs a read of the store: nobody gets to go on guessing.
      if (++peer.failures >= MAX_UNKNOWN_KEYS) peer.close('too many unknown auth keys')
    } catch (error) {
      // Never -404 here: a client would throw its key away, and the account's login with it.
      if (error instanceof AuthKeyLoadsExhausted) peer.replyError(TOO_MUCH)
      else this.#world.log.warn({ err: error }, 'an auth key could not be loaded')
      peer.close('auth key not available just now')
    }
  }

  #open(peer: Peer, key: AuthKey, packet: Buffer, wantsQuickAck: boolean): Promise<void> | undefined {
    if (this.#world.isOverdrawn(key)) {
      this.#world.metrics.count('overdrawn_closed')
      peer.replyError(TOO_MUCH)
      peer.close('asks for too much work')
      return undefined
    }
    const opened = openPacket(packet, key.key)
    if (!opened) {
      this.#bad(peer, 'key', 'packet does not match its key')
      return undefined
    }
    if (key.expired(this.#world.nowSeconds())) {
      this.#world.metrics.count('unknown_auth_keys')
      peer.replyError(UNKNOWN_KEY)
      return undefined
    }
    peer.authenticated()
    if (wantsQuickAck) peer.quickAck(opened.quickAck)
    const under = this.#receiveMessage(peer, key, opened)
    this.#letRest(peer, key)
    return under
  }

  #letRest(peer: Peer, key: AuthKey) {
    const restMs = this.#world.workRestMs(key)
    if (restMs <= 0) return
    this.#world.metrics.count('overdrawn_rests')
    peer.rest(restMs)
  }

  #receiveMessage(peer: Peer, key: AuthKey, packet: OpenedPacket): Promise<void> | undefined {
    const nowSeconds = this.#world.nowSeconds()
    const refusal = badMessageId(packet.msgId, nowSeconds)
    if (refusal !== 0) {
      this.#refuse(peer, key, packet, refusal)
      return undefined
    }
    if (!acceptsSalt(key, packet.salt, nowSeconds)) {
      this.#world.metrics.count('bad_salts')
      this.#world.spend(key, Work.message)
      this.#replyOutside(peer, key, packet, {
        _: 'mt_bad_server_salt',
        badMsgId: packet.msgId,
        badMsgSeqno: packet.seqNo,
        errorCode: BAD_SALT,
        newServerSalt: currentSalt(key, nowSeconds),
      })
      return undefined
    }
    const messages = this.#messagesOf(packet)
    if (!messages) {
      this.#refuse(peer, key, packet, BadMessage.invalidContainer)
      return undefined
    }
    return this.#receiveAll(peer, key, packet, messages)
  }

  #messagesOf(packet: OpenedPacket): InnerMessage[] | undefined {
    if (packet.body.length < 4) return undefined
    if (packet.body.readUInt32LE(0) !== MSG_CONTAINER) return [packet]
    return readContainer(packet.body, this.#world.limits.containerMessages)
  }

  #receiveAll(
    peer: Peer,
    key: AuthKey,
    packet: OpenedPacket,
    messages: readonly InnerMessage[],
  ): Promise<void> | undefined {
    let session = knownSession(peer, key, packet.sessionId) ?? this.#sessions.get(key, packet.sessionId)
    const isNew = !session
    session ??= this.#sessions.create(key, packet.sessionId, lowestId(packet.msgId, messages))
    const link = session && peer.linkFor(session)
    if (!session || !link) {
      peer.close('too many sessions')
      return undefined
    }
    peer.session = session
    session.attach(link)
    if (isNew) {
      session.announce()
      session.isOlder = messages.every(({ seqNo }) => seqNo >= SEQ_NO_OF_A_LIVED_SESSION)
    }
    const isContainer = messages[0] !== packet
    if (isContainer && !this.#acceptContainer(session, packet)) return undefined
    const budget = new UnpackBudget(this.#world.limits.unpackedBytesPerPacket)
    const done = this.#receiveSlice(session, link, messages, 0, budget)
    if (done === messages.length) return undefined
    return this.#receiveRest(session, link, messages, done, budget).then(() => this.#letRest(peer, key))
  }

  /** Handles messages from `at` on, as many as others may be kept waiting for; returns where it ended. */
  #receiveSlice(
    session: MtprotoSession,
    link: PacketLink,
    messages: readonly InnerMessage[],
    at: number,
    budget: UnpackBudget,
  ): number {
    let left = this.#world.limits.workUnitsPerSlice
    while (at < messages.length && left > 0) {
      // One of the messages may have ended the session, or its key.
      if (session.ended) return messages.length
      const cost = this.#receive(session, link, messages[at++]!, budget)
      this.#world.spend(session.key, cost)
      left -= Math.max(Work.message, cost)
    }
    return at
  }

  async #receiveRest(
    session: MtprotoSession,
    link: PacketLink,
    messages: readonly InnerMessage[],
    done: number,
    budget: UnpackBudget,
  ) {
    for (let at = done; at < messages.length; ) {
      await this.#world.othersFirst()
      at = this.#receiveSlice(session, link, messages, at, budget)
    }
  }

  #acceptContainer(session: MtprotoSession, { msgId, seqNo }: OpenedPacket): boolean {
    const known = session.seen.get(msgId)
    if (known !== undefined && known !== 'container') {
      this.#notifyBad(session, msgId, seqNo, BadMessage.containerIdRepeated)
      return false
    }
    session.seen.set(msgId, 'container')
    return true
  }

  /** Handles a message; returns what it cost. */
  #receive(session: MtprotoSession, link: PacketLink, message: InnerMessage, budget: UnpackBudget): number {
    const { msgId, seqNo } = message
    const known = session.seen.get(msgId)
    if (known instanceof Call && known.phase !== 'expected') {
      return Work.message + this.#calls.repeated(session, known) * Work.resentByte
    }
    if (known === undefined) {
      const refusal = innerRefusal(session, msgId)
      if (refusal !== 0) {
        this.#notifyBad(session, msgId, seqNo, refusal)
        return Work.message
      }
    } else if (!(known instanceof Call) && known !== 'service') {
      if (known === 'lost') this.#calls.lost(session, msgId)
      else session.acknowledge(msgId)
      return Work.message
    }
    const unpackedBefore = budget.spent
    const cost = this.#dispatch(session, link, message, budget)
    return cost + (budget.spent - unpackedBefore) * Work.inflatedByte
  }

  #dispatch(session: MtprotoSession, link: PacketLink, { msgId, seqNo, body }: InnerMessage, budget: UnpackBudget) {
    let object: ReturnType<UnpackBudget['read']>
    try {
      object = budget.read(body)
    } catch (error) {
      this.#world.metrics.count('bad_messages')
      this.#calls.refuse(session, msgId, unreadable(error))
      return Work.call
    }
    if (!object._.startsWith('mt_')) {
      this.#calls.receive(session, link, msgId, object)
      return Work.call
    }
    if ((seqNo & 1) !== 0) session.seen.set(msgId, 'service')
    const context = { world: this.#world, session, sessions: this.#sessions, calls: this.#calls, link, msgId }
    const cost = handleServiceMessage(context, object)
    if (cost === undefined) this.#world.metrics.count('bad_messages')
    return cost ?? Work.message
  }

  #refuse(peer: Peer, key: AuthKey, packet: OpenedPacket, errorCode: number) {
    this.#world.metrics.count('bad_messages')
    this.#world.spend(key, Work.message)
    const { msgId: badMsgId, seqNo: badMsgSeqno } = packet
    this.#replyOutside(peer, key, packet, { _: 'mt_bad_msg_notification', badMsgId, badMsgSeqno, errorCode })
  }

  #notifyBad(session: MtprotoSession, badMsgId: Long, badMsgSeqno: number, errorCode: number) {
    this.#world.metrics.count('bad_messages')
    session.notify(serviceBody({ _: 'mt_bad_msg_notification', badMsgId, badMsgSeqno, errorCode }))
  }

  /** Answers a message that must not create its session. Its number in the session does not matter to clients. */
  #replyOutside(peer: Peer, key: AuthKey, packet: OpenedPacket, answer: Parameters<typeof serviceBody>[0]) {
    const { sealer, ids } = this.#world
    const body = serviceBody(answer)
    body.copy(sealer.body(body.length))
    ids.next(ANSWER)
    const sealed = Buffer.allocUnsafe(packetBytesFor(body.length))
    const salt = currentSalt(key, this.#world.nowSeconds())
    sealer.seal(key, salt, packet.sessionId, ids.high, ids.low, 0, body.length, sealed, 0)
    this.#world.metrics.count('packets_out')
    peer.reply(sealed)
  }

  #bad(peer: Peer, which: 'short' | 'key', reason: string) {
    this.#world.metrics.count('bad_packets', 1, which)
    peer.close(reason)
  }
}

function knownSession({ session }: Peer, key: AuthKey, id: Long): MtprotoSession | undefined {
  return session !== undefined && !session.ended && session.key === key && session.id === id ? session : undefined
}

function lowestId(id: Long, messages: readonly InnerMessage[]): Long {
  let lowest = id
  for (const { msgId } of messages) if (compareLongs(msgId, lowest) < 0) lowest = msgId
  return lowest
}

/** Why a message of a container is refused, or 0. It may be older than a packet may be: it may have been sent before. */
function innerRefusal(session: MtprotoSession, msgId: Long): number {
  if ((msgId.charCodeAt(0) & 3) !== 0) return BadMessage.idNotMultipleOfFour
  return session.seen.isForgotten(msgId) ? BadMessage.tooOldToVerify : 0
}

function unreadable(error: unknown): RpcError {
  const unknown = (error as { code?: unknown }).code === 'UNKNOWN_CONSTRUCTOR'
  return new RpcError(400, unknown ? 'INPUT_METHOD_INVALID' : 'INPUT_FETCH_ERROR')
}
