/**
 * The bus on NATS servers.
 *
 * 1. It starts without servers, and finds them whenever they come: a cluster whose NATS is down works on.
 * 2. It never gives up: wrong credentials are said in the log, and tried again.
 * 3. A server that no longer answers pings (one second each, two open) counts as lost.
 */
import {
  connect,
  credsAuthenticator,
  type NatsConnection,
  NoRespondersError,
  type Status,
} from '@nats-io/transport-node'
import type { ActorLog, Clock, Timer } from '../../runtime/index.js'
import type { Bus, BusReply } from './bus.js'

export interface NatsOptions {
  /** `nats://host:port` or `tls://host:port`, one or several of a cluster. */
  readonly servers: readonly string[]
  /** What NATS servers take: a user's name and password, a token, or the text of a credentials file (JWT and seed). */
  readonly credentials?: NatsCredentials
  /** PEM texts; `ca` alone checks the server, with `cert` and `key` the server can check this node. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** How the servers' operators see this connection. */
  readonly name: string
  readonly clock: Clock
  readonly log: ActorLog
}

export type NatsCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly file: string }

/** Resolves at once; the connection is made in the background. */
export function openNatsBus(options: NatsOptions): NatsBus {
  const bus = new NatsBus(options)
  bus.start()
  return bus
}

interface Subscribed {
  readonly subject: string
  readonly hear: (payload: Uint8Array, subject: string) => Uint8Array | undefined
  live: { unsubscribe(): void } | undefined
}

const connectMs = 2_000
const againAfterMs = 250
const pingEveryMs = 1_000
/** What all that is published in one turn of the event loop may hold; it leaves at the turn's end. */
const mostBytesATurn = 1024 * 1024

export class NatsBus implements Bus {
  readonly #options: NatsOptions
  readonly #subscribed = new Set<Subscribed>()
  readonly #listeners: ((isConnected: boolean) => void)[] = []
  #connection: NatsConnection | undefined
  #isConnected = false
  #isClosed = false
  #again: Timer | undefined
  #lastFailure = ''
  #turnBytes = 0

  constructor(options: NatsOptions) {
    this.#options = options
  }

  start(): void {
    void this.#connect()
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  publish(subject: string, payload: Uint8Array): boolean {
    if (!this.#isConnected || this.#connection === undefined || !this.#hasRoom(payload.length)) return false
    try {
      this.#connection.publish(subject, payload)
      return true
    } catch {
      return false // it was closed meanwhile
    }
  }

  subscribe(subject: string, hear: (payload: Uint8Array, subject: string) => void) {
    const silently = (payload: Uint8Array, on: string) => {
      hear(payload, on)
      return undefined
    }
    return this.#subscribe({ subject, hear: silently, live: undefined })
  }

  answer(subject: string, answer: (payload: Uint8Array) => Uint8Array | undefined) {
    return this.#subscribe({ subject, hear: answer, live: undefined })
  }

  async request(subject: string, payload: Uint8Array, withinMs: number): Promise<BusReply> {
    if (!this.#isConnected || this.#connection === undefined) return { kind: 'silence' }
    try {
      const { data } = await this.#connection.request(subject, payload, { timeout: withinMs })
      return { kind: 'answer', payload: data }
    } catch (error) {
      return { kind: isNobody(error) ? 'nobody' : 'silence' }
    }
  }

  onChange(listener: (isConnected: boolean) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#again?.cancel()
    this.#changed(false)
    await this.#connection?.close()
  }

  async #connect(): Promise<void> {
    const { servers, credentials, tls, name } = this.#options
    try {
      const connection = await connect({
        servers: [...servers],
        name,
        ...loginOf(credentials),
        ...(tls && { tls }),
        timeout: connectMs,
        maxReconnectAttempts: -1,
        reconnectTimeWait: againAfterMs,
        ignoreAuthErrorAbort: true,
        pingInterval: pingEveryMs,
        maxPingOut: 2,
      })
      if (this.#isClosed) return void connection.close()
      this.#opened(connection)
    } catch (error) {
      this.#failed(error)
    }
  }

  #opened(connection: NatsConnection): void {
    this.#connection = connection
    for (const each of this.#subscribed) this.#live(connection, each)
    void this.#follow(connection)
    void connection.closed().then((error) => {
      if (!this.#isClosed) this.#failed(error ?? 'the connection was closed')
    })
    this.#changed(true)
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#saw(status)
  }

  #saw(status: Status): void {
    const { log } = this.#options
    if (status.type === 'disconnect' || status.type === 'staleConnection' || status.type === 'close')
      this.#changed(false)
    else if (status.type === 'reconnect') this.#changed(true)
    else if (status.type === 'error') log.warn({ error: status.error }, 'NATS refuses something')
  }

  /** The connection will not come back by itself. */
  #failed(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    if (why !== this.#lastFailure) {
      const { servers, log } = this.#options
      log.warn(
        { servers: servers.map(withoutPassword), why },
        'NATS cannot be reached; the node works on and tries again',
      )
    }
    this.#lastFailure = why
    this.#connection = undefined
    this.#changed(false)
    if (this.#isClosed) return
    this.#again = this.#options.clock.setTimer(againAfterMs, () => void this.#connect())
  }

  #changed(isConnected: boolean): void {
    if (isConnected === this.#isConnected) return
    this.#isConnected = isConnected
    if (isConnected) this.#lastFailure = ''
    this.#options.log.info({ isConnected }, isConnected ? 'NATS is connected' : 'NATS is not connected')
    for (const listener of this.#listeners) listener(isConnected)
  }

  #subscribe(each: Subscribed) {
    this.#subscribed.add(each)
    if (this.#connection) this.#live(this.#connection, each)
    return {
      end: () => {
        this.#subscribed.delete(each)
        each.live?.unsubscribe()
      },
    }
  }

  #live(connection: NatsConnection, each: Subscribed): void {
    each.live = connection.subscribe(each.subject, {
      callback: (error, message) => {
        if (error) return this.#options.log.warn({ subject: each.subject, error }, 'NATS refuses a subscription')
        try {
          const answer = each.hear(message.data, message.subject)
          if (answer && message.reply) message.respond(answer)
        } catch (wrong) {
          this.#options.log.error({ subject: each.subject, error: wrong }, 'a message of the bus was not understood')
        }
      },
    })
  }

  /** The client sends what a turn publishes at the turn's end, and drops what a lost connection leaves. */
  #hasRoom(bytes: number): boolean {
    if (this.#turnBytes === 0) {
      queueMicrotask(() => {
        this.#turnBytes = 0
      })
    }
    this.#turnBytes += bytes
    return this.#turnBytes <= mostBytesATurn
  }
}

function isNobody(error: unknown): boolean {
  if (error instanceof NoRespondersError) return true
  return error instanceof Error && error.cause instanceof NoRespondersError
}

function loginOf(credentials: NatsCredentials | undefined) {
  if (credentials === undefined) return {}
  if ('token' in credentials) return { token: credentials.token }
  if ('file' in credentials) return { authenticator: credsAuthenticator(new TextEncoder().encode(credentials.file)) }
  return { user: credentials.user, pass: credentials.password }
}

function withoutPassword(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//')
}
