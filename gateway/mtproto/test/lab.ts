import { randomBytes } from 'node:crypto'
import { AuthKey } from '../auth-key.js'
import { Calls } from '../calls.js'
import { StreamConnection } from '../connection.js'
import { Connections } from '../connections.js'
import { DhPool } from '../crypto/dh-pool.js'
import { sha1 } from '../crypto/hash.js'
import { Handshakes } from '../handshakes.js'
import type { MtprotoLimits } from '../limits.js'
import { type Long, readLong } from '../long.js'
import { Packets } from '../packets.js'
import type { RpcAnswer, RpcCall, RpcError } from '../rpc.js'
import { currentSalt } from '../salts.js'
import { SessionTable } from '../session-table.js'
import type { Session } from '../session-view.js'
import { World } from '../world.js'
import { ClientSession } from './client-session.js'
import { ManualClock } from './manual-clock.js'
import { MemoryKeyStore } from './memory-key-store.js'
import { StreamClient } from './stream-client.js'
import { systemRandom } from './system-random.js'
import { serverKey } from './test-gateway.js'

/** One for all labs: starting it takes a quarter of a second. Its thread ends with the test file. */
const pool = new DhPool(serverKey, 1, 1000)

/** A call that the handler holds until the test answers it. */
export interface HeldCall {
  readonly call: RpcCall
  answer(answer: RpcAnswer | RpcError): Promise<void>
  fail(error: Error): Promise<void>
}

/** A connection without a socket: what the server writes is there at once. */
class MemoryConnection extends StreamConnection {
  readonly kind = 'memory'
  readonly client = new StreamClient('intermediate', false)
  readonly arrived: Buffer[] = []
  open = true
  reading = true
  unsentBytes = 0

  /** The client has read. */
  drain() {
    this.drained()
  }

  protected write(bytes: Buffer) {
    if (this.open) this.arrived.push(...this.client.decode(bytes))
  }

  protected setReading(reading: boolean) {
    this.reading = reading
  }

  protected closeCarrier() {
    this.open = false
  }
}

/** The protocol without sockets and on a clock that stands still, with one client that has a key. */
export class Lab {
  readonly clock = new ManualClock()
  readonly store = new MemoryKeyStore()
  readonly world: World
  readonly sessions: SessionTable
  readonly calls: Calls
  readonly handshakes: Handshakes
  readonly connections: Connections
  readonly held: HeldCall[] = []
  /** Every call that reached the handler, in order. */
  readonly ran: RpcCall[] = []
  readonly events: string[] = []
  readonly complaints: string[] = []
  readonly key: AuthKey
  client: ClientSession
  connection: MemoryConnection

  constructor(limits: Partial<MtprotoLimits> = {}) {
    const complain = (fields: object, message: string) => {
      this.complaints.push(`${message} ${(fields as { err?: Error }).err?.stack ?? ''}`)
    }
    this.world = new World({
      clock: this.clock,
      random: systemRandom,
      serverKey,
      authKeyStore: this.store,
      rpc: (call) => this.#hold(call),
      hooks: {
        onSessionReady: (session) => void this.events.push(`ready ${session.userId}`),
        onSessionGone: () => void this.events.push('gone'),
        onUpdateAcked: (_session, tag) => void this.events.push(`acked ${tag}`),
        onSessionResync: () => void this.events.push('resync'),
      },
      limits,
      log: { debug() {}, info() {}, warn: complain, error: complain },
    })
    this.sessions = new SessionTable(this.world)
    this.calls = new Calls(this.world)
    this.handshakes = new Handshakes(this.world, serverKey, pool)
    const packets = new Packets(this.world, this.handshakes, this.sessions, this.calls)
    this.connections = new Connections(this.world, packets, this.handshakes)
    this.world.keys.onUserChanged = (session) => session.userChanged()
    this.world.keys.onDropped = (session) => this.sessions.end(session)
    this.key = this.addKey()
    this.client = this.newClient()
    this.connection = this.connect()
  }

  addKey(expiresAtSeconds = 0): AuthKey {
    const bytes = randomBytes(256)
    const key = new AuthKey(readLong(sha1(bytes), 12), bytes, expiresAtSeconds)
    this.world.keys.add(key)
    this.store.records.set(key.id, { id: key.id, key: bytes, layer: 0, userId: 0, expiresAtSeconds })
    return key
  }

  newClient(key = this.key): ClientSession {
    return new ClientSession(Buffer.from(key.key), key.id, currentSalt(key, this.world.nowSeconds()), () =>
      this.clock.now(),
    )
  }

  /** Opens a connection; the one before stays as it is. */
  connect(): MemoryConnection {
    const connection = new MemoryConnection(this.connections, '192.0.2.1')
    this.connections.add(connection)
    this.connection = connection
    return connection
  }

  /** Sends packets and lets the server write what it has to say. */
  send(...packets: Buffer[]): void {
    for (const packet of packets) this.connection.received(this.connection.client.encode(packet))
    this.settle()
  }

  call(object: { readonly _: string; readonly [field: string]: unknown }, msgId = this.client.nextId()): Long {
    this.send(this.client.packObject(object, msgId))
    return msgId
  }

  /** Has the server write, and the client read. */
  settle(): void {
    this.world.flush()
    for (const packet of this.connection.arrived.splice(0)) this.client.open(packet)
  }

  /** The connection breaks; what the client has not read is lost. */
  cut(): void {
    this.connection.arrived.length = 0
    this.connection.open = false
    this.connection.gone()
  }

  advance(ms: number): void {
    this.clock.advance(ms)
    this.calls.sweep()
    this.handshakes.sweep()
    this.connections.sweep()
    this.sessions.sweep()
    this.settle()
  }

  get session(): (Session & { readonly idle: boolean }) | undefined {
    return this.sessions.get(this.key, this.client.sessionId)
  }

  #hold(call: RpcCall): Promise<RpcAnswer> {
    this.ran.push(call)
    return new Promise((resolve, reject) => {
      const settled = async () => {
        // The answer passes through promises before it is written.
        for (let i = 0; i < 5; i++) await Promise.resolve()
        this.settle()
      }
      this.held.push({
        call,
        answer: (answer) => {
          resolve(answer)
          return settled()
        },
        fail: (error) => {
          reject(error)
          return settled()
        },
      })
    })
  }
}
