/**
 * Connections to one server for one purpose: its reads, or its writes.
 *
 * C1. There are never more than `most`, and one whose statement was not answered in time still counts. Closing it would
 *     free nothing: a server that waits for its lost standby, or for its disk, does not look whether its client is still
 *     there, and keeps the session with its locks. Each new connection would leave one more behind, until the server has
 *     none left for anybody.
 * C2. It counts until its answer comes, it ends, or the server, asked on a connection of its own, says that it is not at
 *     work for it (any more): a way that swallows packets tells nobody that the connection is gone.
 */
import pg from 'pg'
import type { Clock } from '../../runtime/index.js'
import type { PostgresLimits } from './limits.js'

export interface ConnectionsOptions {
  readonly url: string
  readonly most: number
  readonly clock: Clock
  readonly limits: PostgresLimits
  /** An answer came that nobody waited for any more, and none is outstanding now. */
  readonly onCaughtUp: () => void
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
/** The server may be so far gone that each look leaves a session behind until PostgreSQL gives up its login (60 s). */
const pausesAfterFailedLook = 5

const WORKING = `SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::integer[]) AND state IS DISTINCT FROM 'idle'`

/** What the client library knows and its types do not: the server's process for this connection. */
type Connected = pg.PoolClient & { readonly processID?: number }

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #pool: pg.Pool
  /** Connections with a statement that was given up, and how each is given back. */
  readonly #unanswered = new Map<Connected, (isBroken: boolean) => void>()
  #isLooking = false
  /** Monotonic. */
  #nextLookMs = 0

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#pool = new pg.Pool({ ...this.#settings(), max: options.most })
    // Without listeners a connection that ends while it is idle, or beside its statement, would end the process.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  /** Statements that wait for a connection. */
  get waiting(): number {
    return this.#pool.waitingCount
  }

  /** Connections whose statement was given up and may still be at work. Starts a look at what became of them (C2). */
  unanswered(): number {
    if (this.#unanswered.size > 0) void this.#look()
    return this.#unanswered.size
  }

  /** Rejects after `connectWithinMs` when none is free or none can be made. */
  connect(): Promise<pg.PoolClient> {
    return this.#pool.connect()
  }

  /** Runs one statement and gives the connection back, now or when it is free (C1). Rejects with the driver's errors. */
  run<T extends pg.QueryResultRow>(client: pg.PoolClient, query: pg.QueryConfig): Promise<readonly T[]> {
    const { clock, limits } = this.#options
    return new Promise((resolve, reject) => {
      let isBack = false
      const giveBack = (isBroken: boolean) => {
        if (isBack) return
        isBack = true
        timer.cancel()
        client.release(isBroken)
        if (this.#unanswered.delete(client) && this.#unanswered.size === 0) this.#options.onCaughtUp()
      }
      const withinMs = limits.statementWithinMs + answerGraceMs
      const timer = clock.setTimer(withinMs, () => {
        this.#unanswered.set(client, giveBack)
        reject(new Error(`timeout: no answer within ${withinMs} ms`))
      })
      client.query<T>(query).then(
        ({ rows }) => {
          giveBack(false)
          resolve(rows)
        },
        (error) => {
          giveBack(true)
          reject(error)
        },
      )
    })
  }

  /** Does not wait for what is unanswered. */
  async end(): Promise<void> {
    for (const giveBack of [...this.#unanswered.values()]) giveBack(true)
    await this.#pool.end()
  }

  #settings(): pg.ClientConfig {
    const { url, limits } = this.#options
    return {
      connectionString: url,
      application_name: 'heliograph',
      connectionTimeoutMillis: limits.connectWithinMs,
      statement_timeout: limits.statementWithinMs,
      lock_timeout: limits.statementWithinMs,
      idle_in_transaction_session_timeout: limits.statementWithinMs,
      keepAlive: true,
      types,
    }
  }

  /** C2: one at a time, now and then. */
  async #look(): Promise<void> {
    const { clock, limits } = this.#options
    if (this.#isLooking || clock.monotonic() < this.#nextLookMs) return
    this.#isLooking = true
    const asked = [...this.#unanswered]
    let pauses = 1
    try {
      const working = await this.#working(asked.map(([{ processID = 0 }]) => processID))
      for (const [{ processID = 0 }, giveBack] of asked) if (!working.has(processID)) giveBack(true)
    } catch {
      pauses = pausesAfterFailedLook
    } finally {
      this.#isLooking = false
      this.#nextLookMs = clock.monotonic() + pauses * limits.pauseMs
    }
  }

  async #working(processes: readonly number[]): Promise<ReadonlySet<number>> {
    const client = new pg.Client({ ...this.#settings(), query_timeout: this.#options.limits.statementWithinMs })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>(WORKING, [processes])
      return new Set(rows.map(({ pid }) => pid))
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
