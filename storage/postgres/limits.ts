import { ActorError } from '../../runtime/index.js'

/** Bounds of the PostgreSQL driver (invariant 7). */
export interface PostgresLimits {
  /**
   * Open connections to one server, those included that a statement without an answer holds; a replica counts as a server.
   * deploy/postgres gives the program's role as many as all processes of docker-compose.yml may have.
   */
  readonly readConnectionsAServer: number
  readonly writeConnectionsAServer: number
  /** Statements that wait for a connection; over it STORE_UNAVAILABLE. */
  readonly waitingStatements: number
  /** How long a statement waits for a connection, new or free. */
  readonly connectWithinMs: number
  /** How long the server may take for a statement. */
  readonly statementWithinMs: number
  /** How long a write of unknown outcome is repeated, and a shard on the move is looked for. */
  readonly repeatForMs: number
  /** After so many failures in a row a server is left alone, but for one try each `pauseMs`. */
  readonly failuresInARow: number
  readonly pauseMs: number
  /** Keys that one statement asks for. */
  readonly keysAStatement: number
}

const defaults: PostgresLimits = {
  readConnectionsAServer: 4,
  writeConnectionsAServer: 6,
  waitingStatements: 2_000,
  connectWithinMs: 2_000,
  statementWithinMs: 2_000,
  repeatForMs: 5_000,
  failuresInARow: 3,
  pauseMs: 1_000,
  keysAStatement: 1_000,
}

/** Clients sleep out ten seconds at most: a store that says later than that when to ask again is not believed. */
const longestPauseMs = 10_000

/** Throws REFUSED where a limit is no whole number above 0, or two do not fit each other. */
export function limitsOf(given: Partial<PostgresLimits> = {}): PostgresLimits {
  const limits = { ...defaults, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) refuseLimit(`${name}=${value}: give a whole number above 0`)
  }
  if (limits.pauseMs > longestPauseMs) refuseLimit(`pauseMs=${limits.pauseMs}: give at most ${longestPauseMs}`)
  return limits
}

function refuseLimit(problem: string): never {
  throw new ActorError('REFUSED', `Limits of PostgreSQL: ${problem}`, { reason: 'BAD_LIMIT' })
}
