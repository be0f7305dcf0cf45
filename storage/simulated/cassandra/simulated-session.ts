import { ActorError } from '../../../runtime/index.js'
import type { CassandraSession, ReadConsistency, Row, Statement } from '../../cassandra/session.js'
import type { Decision } from './decisions.js'
import type { Asking, SimulatedCassandra } from './simulated-cassandra.js'

/**
 * One process's way to a simulated ring.
 *
 * 1. After `kill` nothing of it settles and nothing more is sent; what was sent goes on.
 * 2. While it is cut, what is sent does not arrive, and what is on its way back neither: both end with their time-out.
 * 3. Everything that it tells its process goes through `enter`, so that a process that is paused hears of it later.
 */
export class SimulatedSession implements CassandraSession {
  readonly #ring: SimulatedCassandra
  readonly #enter: (run: () => void) => void
  isCut = false
  #isDead = false
  /** Told of each write before it is sent. */
  onWrite: (() => void) | undefined

  constructor(ring: SimulatedCassandra, enter: (run: () => void) => void = (run) => run()) {
    this.#ring = ring
    this.#enter = enter
  }

  kill(): void {
    this.#isDead = true
  }

  async read(statement: Statement, consistency: ReadConsistency): Promise<readonly Row[]> {
    const bound = this.#ring.bind(statement)
    return this.#ask(this.#ring.luck.requestTimeoutMs, notRead, (asking) => this.#ring.read(bound, consistency, asking))
  }

  async readSerial(statement: Statement): Promise<readonly Row[]> {
    const bound = this.#ring.bind(statement)
    return this.#ask(this.#ring.luck.decisionTimeoutMs, notRead, (asking) => this.#ring.readSerial(bound, asking))
  }

  write(statement: Statement): Promise<void> {
    return this.writeTogether([statement])
  }

  async writeTogether(statements: readonly Statement[]): Promise<void> {
    this.#willWrite()
    const bound = statements.map((statement) => this.#ring.bind(statement))
    return this.#ask(this.#ring.luck.requestTimeoutMs, nobodyKnows, (asking) => this.#ring.write(bound, asking))
  }

  async writeIf(statement: Statement): Promise<Decision> {
    this.#willWrite()
    const bound = this.#ring.bind(statement)
    return this.#ask(this.#ring.luck.decisionTimeoutMs, nobodyKnows, (asking) => this.#ring.decide(bound, asking))
  }

  async close(): Promise<void> {
    this.kill()
  }

  #willWrite(): void {
    if (!this.#isDead) this.onWrite?.()
  }

  #ask<T>(timeoutMs: number, late: () => ActorError, send: (asking: Asking<T>) => void): Promise<T> {
    if (this.#isDead) return never
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = (settle: () => void, needsAWay: boolean) => {
        if (isOver || (needsAWay && this.isCut)) return
        isOver = true
        timer.cancel()
        this.#enter(() => {
          if (!this.#isDead) settle()
        })
      }
      const timer = this.#ring.clock.setTimer(timeoutMs, () => end(() => reject(late()), false))
      if (this.isCut) return
      send({
        answer: (value) => end(() => resolve(value), true),
        refuse: (error) => end(() => reject(error), true),
      })
    })
  }
}

function notRead(): ActorError {
  return new ActorError('STORE_UNAVAILABLE', 'Cassandra does not answer: no answer in time', { retryAfterMs: 1_000 })
}

function nobodyKnows(): ActorError {
  return new ActorError('OUTCOME_UNKNOWN', 'A write to Cassandra may or may not count: no answer in time')
}

const never = new Promise<never>(() => undefined)
