import type { Timer } from '../../runtime/index.js'
import { Calls } from './calls.js'
import { Connections } from './connections.js'
import { DhPool } from './crypto/dh-pool.js'
import type { HttpListenOptions, Listening, MtprotoGateway, MtprotoOptions, TcpListenOptions } from './gateway.js'
import { Handshakes } from './handshakes.js'
import { HttpExchanges } from './http-exchanges.js'
import { type HttpListener, listenHttp } from './listener-http.js'
import { listenTcp, type TcpListener } from './listener-tcp.js'
import type { MtprotoSizes } from './metrics.js'
import { Packets } from './packets.js'
import { SessionTable } from './session-table.js'
import type { Session } from './session-view.js'
import { World } from './world.js'

const TICK_MS = 250
/** Calls that end at a stop. */
const LOOKED_AT_EVERY_MS = 20
/** Sessions and connections are looked through every so many ticks. */
const FULL_SWEEP_TICKS = 20
/** Looking whether the files have changed costs microseconds. */
const CERTIFICATE_TICKS = 4

class Gateway implements MtprotoGateway {
  readonly #world: World
  readonly #sessions: SessionTable
  readonly #calls: Calls
  readonly #pool: DhPool
  readonly #handshakes: Handshakes
  readonly #connections: Connections
  readonly #exchanges: HttpExchanges
  readonly #tcp: TcpListener[] = []
  readonly #http: HttpListener[] = []
  #timer: Timer | undefined
  #ticks = 0

  constructor(options: MtprotoOptions) {
    const world = new World(options)
    this.#world = world
    this.#sessions = new SessionTable(world)
    this.#calls = new Calls(world)
    this.#pool = new DhPool(options.serverKey, world.limits.dhWorkers, world.limits.dhJobsQueued)
    this.#handshakes = new Handshakes(world, options.serverKey, this.#pool)
    const packets = new Packets(world, this.#handshakes, this.#sessions, this.#calls)
    this.#connections = new Connections(world, packets, this.#handshakes)
    this.#exchanges = new HttpExchanges(world, packets)
    world.keys.onUserChanged = (session) => session.userChanged()
    world.keys.onDropped = (session) => {
      const { link } = session
      this.#sessions.end(session)
      link?.close('auth key dropped')
    }
    this.#schedule()
  }

  get authKeys() {
    return this.#world.keys
  }

  async listenTcp(options: TcpListenOptions): Promise<Listening> {
    const listener = await listenTcp(this.#connections, options)
    this.#tcp.push(listener)
    return listener.listening
  }

  async listenHttp(options: HttpListenOptions): Promise<Listening> {
    const clients = { connections: this.#connections, exchanges: this.#exchanges }
    const listener = await listenHttp(clients, options, this.#world.log)
    this.#http.push(listener)
    return listener.listening
  }

  pushToMany(sessions: readonly Session[], body: Buffer, tag?: number): void {
    for (const session of sessions) session.pushUpdate(body, tag)
  }

  movedAway(session: Session): void {
    const known = this.#sessions.known(session)
    if (!known) return
    if (known.connected) known.livesElsewhere = true
    else this.#sessions.end(known)
  }

  sizes(): MtprotoSizes {
    let sessionsConnected = 0
    let sessionsReady = 0
    for (const session of this.#sessions.values()) {
      if (session.connected) sessionsConnected++
      if (session.ready) sessionsReady++
    }
    return {
      connections: this.#connections.size + this.#exchanges.size,
      sessions: this.#sessions.size,
      sessionsConnected,
      sessionsReady,
      unfinishedHandshakes: this.#handshakes.unfinished,
      dhJobsQueued: this.#handshakes.jobsQueued,
      authKeysCached: this.#world.keys.size,
      callsRunning: this.#calls.running,
      callsRefusedPart: this.#calls.refusedPart,
      bufferedBytes: this.#world.budget.held + this.#world.partials.held + this.#connections.unsentBytes,
    }
  }

  async close(): Promise<void> {
    for (const listener of this.#http.splice(0)) listener.close()
    const closing = this.#tcp.splice(0).map((listener) => listener.close())
    await this.#callsToEnd()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#world.flush()
    this.#connections.closeAll()
    this.#exchanges.closeAll()
    await Promise.all([...closing, this.#pool.close()])
  }

  /** What clients send from here on is not taken: they send it again, to whom they find next. */
  async #callsToEnd(): Promise<void> {
    const { clock, limits } = this.#world
    this.#connections.restAll(limits.closeWithinMs)
    const untilMs = clock.monotonic() + limits.closeWithinMs
    while (this.#calls.running > 0 && clock.monotonic() < untilMs) {
      await new Promise<void>((resolve) => clock.setTimer(LOOKED_AT_EVERY_MS, resolve))
    }
  }

  #schedule() {
    const dueMs = this.#world.clock.monotonic() + TICK_MS
    this.#timer = this.#world.clock.setTimer(TICK_MS, () => {
      const lateMs = this.#world.clock.monotonic() - dueMs
      this.#schedule()
      try {
        this.#tick(lateMs)
      } catch (error) {
        this.#world.log.error({ err: error }, 'the periodic work of the protocol failed')
      }
    })
  }

  #tick(lateMs: number) {
    this.#ticks++
    this.#calls.sweep(lateMs)
    this.#exchanges.sweep()
    if (this.#ticks % FULL_SWEEP_TICKS === 0) {
      this.#handshakes.sweep()
      this.#connections.sweep()
      this.#sessions.sweep()
    }
    if (this.#ticks % CERTIFICATE_TICKS === 0) for (const listener of this.#http) this.#refresh(listener)
  }

  #refresh(listener: HttpListener) {
    listener.refresh().catch((error: unknown) => {
      this.#world.log.error({ err: error }, 'the TLS certificate could not be read again; the old one stays in use')
    })
  }
}

/** Starts the protocol. Nothing listens until it is told to. Throws a RangeError if the limits contradict each other. */
export function createMtprotoGateway(options: MtprotoOptions): MtprotoGateway {
  return new Gateway(options)
}
