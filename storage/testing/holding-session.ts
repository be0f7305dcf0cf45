import { ActorError, type Random } from '../../runtime/index.js'
import type { CassandraSession, ReadConsistency, Statement } from '../cassandra/session.js'

/** In percent of the writes. */
export interface Mischief {
  /** Held back, and the owner waits for it: it is paused. */
  readonly paused: number
  /** Held back, and the owner is told that nobody knows. */
  readonly late: number
  /** Done, and the owner is told that nobody knows. */
  readonly unanswered: number
}

/**
 * A session whose writes are held back, land later than their owner lived, or land without an answer: what a paused process
 * and a slow network do. Reads pass.
 */
export class HoldingSession implements CassandraSession {
  readonly #session: CassandraSession
  readonly #random: Random
  readonly #mischief: Mischief
  readonly #held: (() => Promise<void>)[] = []
  readonly #watchers = new Set<() => void>()
  /** Answered at once and sent when the others are released: to show what that breaks. */
  neverAwaited: (statement: Statement) => boolean = () => false
  writes = 0
  isPaused = false

  constructor(session: CassandraSession, random: Random, mischief: Mischief) {
    this.#session = session
    this.#random = random
    this.#mischief = mischief
  }

  /** Resolves when so many writes were asked for, or one of them makes the owner wait. */
  async reached(writes: number): Promise<void> {
    while (this.writes < writes && !this.isPaused) {
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve)
      })
    }
  }

  /** Sends a share of what is held back, in any order; resolves when that has landed. */
  async release(percent = 100): Promise<void> {
    const released: (() => Promise<void>)[] = []
    for (let at = this.#held.length - 1; at >= 0; at--) {
      if (this.#random.int(100) < percent)
        released.splice(this.#random.int(released.length + 1), 0, ...this.#held.splice(at, 1))
    }
    this.isPaused = false
    await Promise.all(released.map((send) => send()))
  }

  read(statement: Statement, consistency: ReadConsistency) {
    return this.#session.read(statement, consistency)
  }

  readSerial(statement: Statement) {
    return this.#session.readSerial(statement)
  }

  write(statement: Statement): Promise<void> {
    return this.#through(statement, () => this.#session.write(statement))
  }

  writeTogether(statements: readonly Statement[]): Promise<void> {
    return this.#through(statements[0]!, () => this.#session.writeTogether(statements))
  }

  writeIf(statement: Statement) {
    return this.#session.writeIf(statement)
  }

  async close(): Promise<void> {}

  #through(statement: Statement, send: () => Promise<void>): Promise<void> {
    this.writes++
    const doing = this.#choose(statement, send)
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
    return doing
  }

  #choose(statement: Statement, send: () => Promise<void>): Promise<void> {
    if (this.neverAwaited(statement)) {
      this.#held.push(() => send().catch(() => undefined))
      return Promise.resolve()
    }
    const { paused, late, unanswered } = this.#mischief
    const draw = this.#random.int(100)
    if (draw < paused) {
      this.isPaused = true
      return new Promise((resolve, reject) => {
        this.#held.push(() => send().then(resolve, reject))
      })
    }
    if (draw < paused + late) {
      this.#held.push(() => send().catch(() => undefined))
      return Promise.reject(unknown())
    }
    if (draw < paused + late + unanswered) {
      return send().then(() => {
        throw unknown()
      })
    }
    return send()
  }
}

function unknown(): ActorError {
  return new ActorError('OUTCOME_UNKNOWN', 'No answer: this session holds it back')
}
