/**
 * One PostgreSQL server, primary or replica. Reads and writes have connections of their own, since writes may wait for a
 * standby that is gone while reads are answered (connections.ts has how their number stays bounded).
 *
 * P1. Every statement ends: in `connectWithinMs` it has a connection, in `statementWithinMs` more an answer.
 * P2. What waits is bounded (STORE_UNAVAILABLE beyond). A server that failed several times in a row is asked once each
 *     `pauseMs`, everything else is refused at once, so that callers wait for nothing. While one write is without its
 *     answer, all others are refused at once.
 * P3. STORE_UNAVAILABLE means that nothing happened, OUTCOME_UNKNOWN that a write may have. A connection on which
 *     anything went wrong is not used again, but for one whose answer came late.
 */
import { ActorError, type ActorLog, type Clock, errorCode } from '../../runtime/index.js'
import { Connections } from './connections.js'
import { failureOf, isTimeout, outcomeUnknown, textOf, unavailable } from './failure.js'
import type { PostgresLimits } from './limits.js'

/** Prepared once a connection, under its name. */
export interface Statement {
  readonly name: string
  readonly text: string
}

export type Row = Readonly<Record<string, unknown>>

export interface ServerOptions {
  /** As logs and errors call it. */
  readonly name: string
  readonly url: string
  readonly clock: Clock
  readonly log: ActorLog
  readonly limits: PostgresLimits
}

/** What is done to a server by one of its two sets of connections, and how that went. */
class Lane {
  readonly #what: 'reads' | 'writes'
  readonly #options: ServerOptions
  readonly #connections: Connections
  readonly #mayBeUnanswered: number
  #failures = 0
  /** Monotonic: until then only refusals (P2). */
  #pausedUntilMs = 0
  #isSilent = false

  constructor(what: 'reads' | 'writes', options: ServerOptions) {
    const { url, clock, limits } = options
    const most = what === 'reads' ? limits.readConnectionsAServer : limits.writeConnectionsAServer
    this.#what = what
    this.#options = options
    // A read holds no lock and waits for no standby: the others need not wait for it.
    this.#mayBeUnanswered = what === 'reads' ? most : 1
    this.#connections = new Connections({ url, most, clock, limits, onCaughtUp: () => this.answered() })
  }

  /** Rejects with STORE_UNAVAILABLE when nothing was sent, else with the driver's error. */
  async run<T extends Row>({ name, text }: Statement, values: readonly unknown[]): Promise<readonly T[]> {
    const client = await this.#connection()
    return this.#connections.run<T>(client, { name, text, values: values as unknown[] })
  }

  answered(): void {
    this.#failures = 0
    if (!this.#isSilent || this.#connections.unanswered() > 0) return
    this.#isSilent = false
    const { name, log } = this.#options
    log.info({ server: name }, `PostgreSQL answers ${this.#what} again`)
  }

  lost(error: unknown): void {
    const { name, clock, log, limits } = this.#options
    this.#failures++
    this.#pausedUntilMs = clock.monotonic() + limits.pauseMs
    const isHeldUp = this.#connections.unanswered() >= this.#mayBeUnanswered
    if (this.#isSilent || (this.#failures < limits.failuresInARow && !isHeldUp)) return
    this.#isSilent = true
    const cause = this.#what === 'writes' && isTimeout(error) ? ': is its synchronous standby there?' : ''
    log.warn({ server: name, error }, `PostgreSQL does not answer ${this.#what}${cause}`)
  }

  end(): Promise<void> {
    return this.#connections.end()
  }

  async #connection() {
    const { name, limits } = this.#options
    this.#mayAsk()
    const { waiting } = this.#connections
    if (waiting >= limits.waitingStatements) {
      throw unavailable(`${name}: ${waiting} statements wait already`, limits.pauseMs)
    }
    try {
      return await this.#connections.connect()
    } catch (error) {
      this.lost(error)
      throw unavailable(`${name} cannot be reached: ${textOf(error)}`, limits.pauseMs, error)
    }
  }

  /** P2. */
  #mayAsk(): void {
    const { name, clock, limits } = this.#options
    const unanswered = this.#connections.unanswered()
    if (unanswered >= this.#mayBeUnanswered) {
      throw unavailable(`${name} has not answered ${unanswered} ${this.#what} yet`, limits.pauseMs)
    }
    if (this.#failures < limits.failuresInARow) return
    const now = clock.monotonic()
    if (now < this.#pausedUntilMs) {
      throw unavailable(`${name} does not answer; it is tried again soon`, this.#pausedUntilMs - now)
    }
    this.#pausedUntilMs = now + limits.pauseMs
  }
}

export class PostgresServer {
  readonly name: string
  readonly #log: ActorLog
  readonly #limits: PostgresLimits
  readonly #reads: Lane
  readonly #writes: Lane
  /** Statements that failed for want of the server. */
  failed = 0

  constructor(options: ServerOptions) {
    this.name = options.name
    this.#log = options.log
    this.#limits = options.limits
    this.#reads = new Lane('reads', options)
    this.#writes = new Lane('writes', options)
  }

  /** Rejects with STORE_UNAVAILABLE, never OUTCOME_UNKNOWN: reads may be repeated anywhere. */
  async read<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<readonly T[]> {
    try {
      return await this.#run<T>(this.#reads, statement, values)
    } catch (error) {
      // A server that was restarted leaves connections behind that end with the next statement.
      if (failureOf((error as ActorError).cause) !== 'lost' || isTimeout((error as ActorError).cause)) throw error
      return this.#run<T>(this.#reads, statement, values)
    }
  }

  /** Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN (P3). */
  write<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<readonly T[]> {
    return this.#run<T>(this.#writes, statement, values)
  }

  async end(): Promise<void> {
    await Promise.all([this.#reads.end(), this.#writes.end()])
  }

  async #run<T extends Row>(lane: Lane, statement: Statement, values: readonly unknown[]) {
    try {
      const rows = await lane.run<T>(statement, values)
      lane.answered()
      return rows
    } catch (error) {
      if (errorCode(error) !== 'STORE_UNAVAILABLE') throw this.#mended(error, lane)
      if ((error as ActorError).cause !== undefined) this.failed++
      throw error
    }
  }

  #mended(error: unknown, lane: Lane): ActorError {
    const said = `${this.name}: ${textOf(error)}`
    switch (failureOf(error)) {
      case 'wrong':
        lane.answered()
        return new ActorError('INTERNAL', said, {}, error)
      case 'refused':
        lane.answered()
        this.failed++
        this.#log.warn({ server: this.name, error }, 'PostgreSQL refused a statement')
        return unavailable(said, this.#limits.pauseMs, error)
      case 'lost':
        lane.lost(error)
        this.failed++
        return lane === this.#writes ? outcomeUnknown(said, error) : unavailable(said, this.#limits.pauseMs, error)
    }
  }
}
