/**
 * One PostgreSQL server, primary or replica: a bounded pool of connections.
 *
 * P1. Every statement ends: in `connectWithinMs` it has a connection, in `statementWithinMs` more an answer.
 * P2. What waits is bounded (STORE_UNAVAILABLE beyond). A server that failed several times in a row is asked once each
 *     `pauseMs`, everything else is refused at once, so that callers wait for nothing.
 * P3. STORE_UNAVAILABLE means that nothing happened, OUTCOME_UNKNOWN that a write may have. A connection on which
 *     anything went wrong is not used again.
 */
import pg from 'pg'
import type { ActorLog, Clock } from '../../runtime/index.js'
import { ActorError } from '../../runtime/index.js'
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

const int8 = 20

/** 64-bit numbers come as numbers: ids, positions and times stay below 2^53. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text')
  },
}

/** The server gives up first, so that the connection stays usable; this is for one that says nothing any more. */
const answerGraceMs = 500

function connectionOptions(url: string, { connectWithinMs, statementWithinMs }: PostgresLimits) {
  return {
    connectionString: url,
    application_name: 'heliograph',
    connectionTimeoutMillis: connectWithinMs,
    statement_timeout: statementWithinMs,
    lock_timeout: statementWithinMs,
    idle_in_transaction_session_timeout: statementWithinMs,
    query_timeout: statementWithinMs + answerGraceMs,
    keepAlive: true,
    types,
  }
}

export class PostgresServer {
  readonly name: string
  readonly #pool: pg.Pool
  readonly #clock: Clock
  readonly #log: ActorLog
  readonly #limits: PostgresLimits
  #failures = 0
  /** Monotonic: until then only refusals (P2). */
  #pausedUntilMs = 0
  /** Statements that failed for want of the server. */
  failed = 0

  constructor({ name, url, clock, log, limits }: ServerOptions) {
    this.name = name
    this.#clock = clock
    this.#log = log
    this.#limits = limits
    this.#pool = new pg.Pool({ ...connectionOptions(url, limits), max: limits.connectionsAServer })
    // Without listeners a connection that ends while it is idle, or beside its statement, would end the process.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  /** Rejects with STORE_UNAVAILABLE, never OUTCOME_UNKNOWN: reads may be repeated anywhere. */
  async read<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<readonly T[]> {
    try {
      return await this.#run<T>(statement, values, false)
    } catch (error) {
      // A server that was restarted leaves connections behind that end with the next statement.
      if (failureOf((error as ActorError).cause) !== 'lost' || isTimeout((error as ActorError).cause)) throw error
      return this.#run<T>(statement, values, false)
    }
  }

  /** Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN (P3). */
  write<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<readonly T[]> {
    return this.#run<T>(statement, values, true)
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }

  async #run<T extends Row>({ name, text }: Statement, values: readonly unknown[], isWrite: boolean) {
    const client = await this.#connection()
    try {
      const { rows } = await client.query<T>({ name, text, values: values as unknown[] })
      client.release()
      this.#answered()
      return rows
    } catch (error) {
      client.release(true)
      throw this.#mended(error, isWrite)
    }
  }

  async #connection(): Promise<pg.PoolClient> {
    this.#mayAsk()
    if (this.#pool.waitingCount >= this.#limits.waitingStatements) {
      throw unavailable(`${this.name}: ${this.#pool.waitingCount} statements wait already`, this.#limits.pauseMs)
    }
    try {
      return await this.#pool.connect()
    } catch (error) {
      this.#lost(error)
      throw unavailable(`${this.name} cannot be reached: ${textOf(error)}`, this.#limits.pauseMs, error)
    }
  }

  #mayAsk(): void {
    if (this.#failures < this.#limits.failuresInARow) return
    const now = this.#clock.monotonic()
    if (now < this.#pausedUntilMs) {
      throw unavailable(`${this.name} does not answer; it is tried again soon`, this.#pausedUntilMs - now)
    }
    this.#pausedUntilMs = now + this.#limits.pauseMs
  }

  #mended(error: unknown, isWrite: boolean): ActorError {
    const said = `${this.name}: ${textOf(error)}`
    switch (failureOf(error)) {
      case 'wrong':
        this.#answered()
        return new ActorError('INTERNAL', said, {}, error)
      case 'refused':
        this.#answered()
        this.failed++
        this.#log.warn({ server: this.name, error }, 'PostgreSQL refused a statement')
        return unavailable(said, this.#limits.pauseMs, error)
      case 'lost':
        this.#lost(error)
        return isWrite ? outcomeUnknown(said, error) : unavailable(said, this.#limits.pauseMs, error)
    }
  }

  #answered(): void {
    if (this.#failures >= this.#limits.failuresInARow) this.#log.info({ server: this.name }, 'PostgreSQL answers again')
    this.#failures = 0
  }

  #lost(error: unknown): void {
    this.failed++
    this.#failures++
    this.#pausedUntilMs = this.#clock.monotonic() + this.#limits.pauseMs
    if (this.#failures === this.#limits.failuresInARow) {
      this.#log.warn({ server: this.name, error }, 'PostgreSQL does not answer')
    }
  }
}
