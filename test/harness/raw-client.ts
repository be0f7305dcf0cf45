import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import {
  ClientSession,
  httpExchange,
  type Long,
  loadServerKey,
  readLong,
  shakeHands,
  TlReader,
  tcpWire,
  type Wire,
  writeObject,
} from '../../gateway/mtproto/testing/index.js'
import { testCode } from './login.js'
import type { ServerProcess } from './server-process.js'
import { waitUntil } from './wait-until.js'

export interface TlObject {
  readonly _: string
  readonly [field: string]: unknown
}

/** The server's "no". */
export class RawRefusal extends Error {
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

export interface RawOptions {
  /** The layer that it says it speaks, and writes its requests in. */
  readonly layer: number
  readonly transport?: 'tcp' | 'http'
}

const RPC_RESULT = 0xf35c6d01
const GZIP_PACKED = 0x3072cfa1

/**
 * A client by hand, of any layer: it says what it is told to say, and keeps the bytes of all that it is answered and
 * told. Not a library that people use; for what those do not offer.
 */
export class RawClient {
  readonly layer: number
  readonly session: ClientSession
  /** The bytes of all results and updates, as they came. */
  readonly objects: Buffer[] = []
  /** Updates, decoded. */
  readonly updates: TlObject[] = []
  readonly #send: (packet: Buffer) => void
  readonly #close: () => void
  readonly #pending = new Map<Long, { body: Buffer; resolve(value: unknown): void; reject(error: Error): void }>()
  #unacknowledged: Long[] = []
  #isInitialized = false

  private constructor(layer: number, session: ClientSession, send: (packet: Buffer) => void, close: () => void) {
    this.layer = layer
    this.session = session
    this.#send = send
    this.#close = close
  }

  static async connect(server: ServerProcess, { layer, transport = 'tcp' }: RawOptions): Promise<RawClient> {
    const serverKey = loadServerKey(server.dataDir)
    if (transport === 'http') {
      const post = httpExchange(server.http.port)
      const exchange = async (packet: Buffer) => (await post(packet)).packet
      const session = await shakeHands(exchange, { serverKey })
      const client: RawClient = new RawClient(
        layer,
        session,
        (packet) => void send(packet).catch((error) => client.#fail(error)),
        () => {},
      )
      const send = async (packet: Buffer): Promise<void> => {
        const answer = await exchange(packet)
        if (answer.length > 0) client.#receive(answer)
        // Each request takes one packet: whoever expects more has to wait for it.
        if (client.#pending.size > 0) client.wait(5_000)
      }
      return client
    }
    const wire = tcpWire(server.mtproto.port)
    const session = await shakeHands(wire.exchange, { serverKey })
    const client = new RawClient(layer, session, (packet) => wire.send(packet), wire.close)
    void client.#listen(wire)
    return client
  }

  /** The same device on another connection and in another session, which does not say its layer again. */
  resumed(server: ServerProcess): RawClient {
    const { key, keyId, salt } = this.session
    const wire = tcpWire(server.mtproto.port)
    const session = new ClientSession(key, keyId, salt)
    const client = new RawClient(this.layer, session, (packet) => wire.send(packet), wire.close)
    client.#isInitialized = true
    void client.#listen(wire)
    return client
  }

  /** The result, decoded. Rejects with `RawRefusal` when the server says no. */
  call(method: TlObject): Promise<unknown> {
    const query = this.#isInitialized ? method : this.#initial(method)
    this.#isInitialized = true
    return this.callBytes(writeObject(this.layer, query as never))
  }

  callBytes(body: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => this.#write(body, { resolve, reject }))
  }

  /** Says something that is not answered with a result. */
  say(message: TlObject): void {
    this.#send(this.session.packObject(message, undefined, this.session.nextSeqNo(false)))
  }

  /** Over HTTP: lets the server answer within `maxWait` milliseconds with what it has to say then. */
  wait(maxWait: number): void {
    this.say({ _: 'mt_http_wait', maxDelay: 0, waitAfter: 0, maxWait })
  }

  /** Logs in with a test number; gives the account's id. */
  async logIn(phone: string): Promise<number> {
    const { phoneCodeHash } = (await this.call({
      _: 'auth.sendCode',
      phoneNumber: phone,
      apiId: 1,
      apiHash: 'x',
      settings: { _: 'codeSettings' },
    })) as { phoneCodeHash: string }
    const answer = await this.call({ _: 'auth.signIn', phoneNumber: phone, phoneCodeHash, phoneCode: testCode })
    return (answer as { user: { id: number } }).user.id
  }

  /** Waits for an update, also one inside an envelope. */
  told(name: string, is: (update: TlObject) => boolean = () => true): Promise<TlObject> {
    return waitUntil(`a raw client is told: ${name}`, () => this.flat().find((one) => one._ === name && is(one)))
  }

  /** All updates so far, out of their envelopes. */
  flat(): TlObject[] {
    return this.updates.flatMap((update) => {
      if (update._ === 'updates') return update.updates as TlObject[]
      return update._ === 'updateShort' ? [update.update as TlObject] : [update]
    })
  }

  end(): Promise<void> {
    this.#close()
    return Promise.resolve()
  }

  #initial(query: TlObject): TlObject {
    const connection = {
      _: 'initConnection',
      apiId: 1,
      deviceModel: 'raw',
      systemVersion: '1',
      appVersion: '1',
      systemLangCode: 'en',
      langPack: '',
      langCode: 'en',
      query,
    }
    return { _: 'invokeWithLayer', layer: this.layer, query: connection }
  }

  #write(body: Buffer, settle: { resolve(value: unknown): void; reject(error: Error): void }): void {
    const msgId = this.session.nextId()
    this.#pending.set(msgId, { body, ...settle })
    const acks = this.#unacknowledged.splice(0)
    if (acks.length > 0) this.say({ _: 'mt_msgs_ack', msgIds: acks })
    this.#send(this.session.pack(body, msgId))
  }

  async #listen(wire: Wire): Promise<void> {
    for (;;) {
      let packet: Buffer
      try {
        packet = await wire.next()
      } catch (error) {
        return this.#fail(error as Error)
      }
      this.#receive(packet)
    }
  }

  /** The connection is gone, with what was still to be answered. */
  #fail(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  #receive(packet: Buffer): void {
    for (const { msgId, seqNo, body } of this.session.open(packet)) {
      if ((seqNo & 1) === 1) this.#unacknowledged.push(msgId)
      if (body.readUInt32LE(0) === RPC_RESULT) this.#settle(readLong(body, 4), unpacked(body.subarray(12)))
      else this.#notice(unpacked(body))
    }
  }

  #settle(requestId: Long, result: Buffer): void {
    const pending = this.#pending.get(requestId)
    if (pending === undefined) return
    this.#pending.delete(requestId)
    const value = new TlReader(result).any() as TlObject & { errorCode: number; errorMessage: string }
    if (value?._ === 'mt_rpc_error') pending.reject(new RawRefusal(value.errorCode, value.errorMessage))
    else {
      this.objects.push(result)
      pending.resolve(value)
    }
  }

  #notice(body: Buffer): void {
    const notice = new TlReader(body).object() as unknown as TlObject
    if (notice._ === 'mt_bad_server_salt') {
      const { badMsgId, newServerSalt } = notice as unknown as { badMsgId: Long; newServerSalt: Long }
      this.session.salt = newServerSalt
      const pending = this.#pending.get(badMsgId)
      this.#pending.delete(badMsgId)
      if (pending) this.#write(pending.body, pending)
    } else if (!notice._.startsWith('mt_')) {
      this.objects.push(body)
      this.updates.push(notice)
    }
  }
}

function unpacked(body: Buffer): Buffer {
  if (body.readUInt32LE(0) !== GZIP_PACKED) return body
  const isShort = body[4]! < 254
  const length = isShort ? body[4]! : body.readUIntLE(5, 3)
  const from = isShort ? 5 : 8
  return gunzipSync(body.subarray(from, from + length))
}

/** A fresh `random_id`. */
export function randomId(): Long {
  return readLong(randomBytes(8), 0)
}
