import { gunzipSync } from 'node:zlib'
import { type Long, readLong, writeObject } from '../../gateway/mtproto/testing/index.js'
import { type Carrier, type CarrierKind, openCarrier } from './carrier.js'
import { containerOf, type Inner, type RawSession } from './raw-session.js'

/** Layer that the clients speak. */
export const LAYER = 214
const RPC_RESULT = 0xf35c6d01
const RPC_ERROR = 0x2144ca19
const GZIP_PACKED = 0x3072cfa1
const MSGS_ACK = 0x62d6b459
const BAD_SERVER_SALT = 0xedab447b
const BAD_MSG_NOTIFICATION = 0xa7eff811
const NEW_SESSION_CREATED = 0x9ec20908
const PONG = 0x347773c5
/** Acknowledgements wait for the next message out, as with real clients, but not for longer. */
const ACK_WITHIN_MS = 500
const ACK_AT_MOST = 64

/** Where a server listens, and how it is spoken to. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Default: `tcp`. */
  readonly carrier?: CarrierKind
}

class CallFailed extends Error {}

interface Pending {
  readonly body: Buffer
  readonly resolve: (result: Buffer) => void
  readonly reject: (error: Error) => void
}

/** What a client is told besides answers. */
export interface Hearing {
  /** A pushed update: its constructor first. `msgId` is the server's. */
  onUpdate?(body: Buffer, msgId: Long): void
  onClose?(): void
}

/** One connection of a client: its session calls, hears updates and acknowledges. */
export class RawConnection {
  readonly session: RawSession
  readonly #carrier: Carrier
  readonly #hearing: Hearing
  readonly #pending = new Map<Long, Pending>()
  #acks: Long[] = []
  #ackTimer: NodeJS.Timeout | undefined
  #partial: Buffer | undefined
  #isClosed = false

  private constructor(carrier: Carrier, session: RawSession, hearing: Hearing) {
    this.#carrier = carrier
    this.#hearing = hearing
    this.session = session
    carrier.onData = (bytes) => this.#received(bytes)
    carrier.onClose = () => this.#closed()
  }

  /** Rejects when nobody listens there. The session may have lived on another connection before. */
  static async open(to: Address, session: RawSession, hearing: Hearing = {}): Promise<RawConnection> {
    return new RawConnection(await openCarrier(to), session, hearing)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The bytes of the result, unpacked. Rejects with CallFailed on an rpc_error and when the connection closes. */
  call(body: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => this.#send({ body, resolve, reject }))
  }

  close(): void {
    this.#carrier.close()
  }

  #send(pending: Pending): void {
    if (this.#isClosed) {
      pending.reject(new CallFailed('closed'))
      return
    }
    const { session } = this
    const msgId = session.nextId()
    this.#pending.set(msgId, pending)
    const seqNo = session.nextSeqNo(true)
    if (this.#acks.length === 0) this.#write(session.seal(pending.body, msgId, seqNo))
    else this.#writeWithAcks([{ msgId, seqNo, body: pending.body }])
  }

  #writeWithAcks(messages: readonly Inner[]): void {
    const { session } = this
    const body = writeObject(LAYER, { _: 'mt_msgs_ack', msgIds: this.#acks })
    this.#acks = []
    clearTimeout(this.#ackTimer)
    this.#ackTimer = undefined
    const ack: Inner = { msgId: session.nextId(), seqNo: session.nextSeqNo(false), body }
    if (messages.length === 0) this.#write(session.seal(body, ack.msgId, ack.seqNo))
    else {
      const container = containerOf([...messages, ack])
      this.#write(session.seal(container, session.nextId(), session.nextSeqNo(false)))
    }
  }

  #write(packet: Buffer): void {
    if (this.#isClosed) return
    const frame = Buffer.allocUnsafe(4 + packet.length)
    frame.writeUInt32LE(packet.length, 0)
    packet.copy(frame, 4)
    this.#carrier.write(frame)
  }

  #received(bytes: Buffer): void {
    const all = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes])
    let at = 0
    while (all.length - at >= 4) {
      const length = all.readUInt32LE(at)
      if (all.length - at < 4 + length) break
      this.#packet(all.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#partial = at < all.length ? Buffer.from(all.subarray(at)) : undefined
  }

  #packet(packet: Buffer): void {
    if (packet.length < 24) {
      this.#fail(`transport error ${packet.readInt32LE(0)}`)
      return
    }
    for (const message of this.session.open(packet)) this.#message(message)
  }

  #message({ msgId, seqNo, body }: Inner): void {
    if ((seqNo & 1) === 1) this.#acknowledge(msgId)
    switch (body.readUInt32LE(0)) {
      case RPC_RESULT:
        this.#settle(readLong(body, 4), body.subarray(12))
        return
      case BAD_SERVER_SALT:
        this.session.salt = readLong(body, 20)
        this.#again(readLong(body, 4))
        return
      case NEW_SESSION_CREATED:
        this.session.salt = readLong(body, 20)
        return
      case BAD_MSG_NOTIFICATION:
        this.#fail(`bad_msg_notification ${body.readInt32LE(16)}`)
        return
      case MSGS_ACK:
      case PONG:
        return
      default:
        this.#hearing.onUpdate?.(body, msgId)
    }
  }

  #settle(requestId: Long, result: Buffer): void {
    const pending = this.#pending.get(requestId)
    if (pending === undefined) return
    this.#pending.delete(requestId)
    const id = result.readUInt32LE(0)
    if (id === RPC_ERROR) {
      const length = result[8]!
      pending.reject(new CallFailed(`${result.readInt32LE(4)} ${result.toString('utf8', 9, 9 + length)}`))
    } else pending.resolve(id === GZIP_PACKED ? unpacked(result) : result)
  }

  #again(msgId: Long): void {
    const pending = this.#pending.get(msgId)
    if (pending === undefined) return
    this.#pending.delete(msgId)
    this.#send(pending)
  }

  #acknowledge(msgId: Long): void {
    this.#acks.push(msgId)
    if (this.#acks.length >= ACK_AT_MOST) this.#writeWithAcks([])
    else this.#ackTimer ??= setTimeout(() => this.#writeWithAcks([]), ACK_WITHIN_MS)
  }

  #fail(why: string): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const each of pending) each.reject(new CallFailed(why))
  }

  #closed(): void {
    this.#isClosed = true
    clearTimeout(this.#ackTimer)
    this.#fail('closed')
    this.#hearing.onClose?.()
  }
}

function unpacked(result: Buffer): Buffer {
  const isShort = result[4]! < 254
  const length = isShort ? result[4]! : result.readUIntLE(5, 3)
  const from = isShort ? 5 : 8
  return gunzipSync(result.subarray(from, from + length))
}
