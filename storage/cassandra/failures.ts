import cassandra from 'cassandra-driver'
import { ActorError, errorCode } from '../../runtime/index.js'

const { errors, types } = cassandra
const codes = types.responseErrorCodes

/** The coordinator answered that it has not begun. */
const notBegun = new Set<number>([codes.unavailableException, codes.overloaded, codes.isBootstrapping])
/** The statement is wrong, or we may not run it: trying again changes nothing. */
const ours = new Set<number>([
  codes.syntaxError,
  codes.invalid,
  codes.unauthorized,
  codes.configError,
  codes.protocolError,
])

/** A request that changes nothing has failed. */
export function readFailure(error: unknown): ActorError {
  if (isRuntimes(error)) return error
  return isOurs(error) ? bug(error) : unavailable(error)
}

/** A write has failed: either it was certainly not begun, or nobody knows (S5). */
export function writeFailure(error: unknown): ActorError {
  if (isRuntimes(error)) return error
  if (isOurs(error)) return bug(error)
  return wasNotBegun(error) ? unavailable(error) : unknown(error)
}

/**
 * What keeps a program from ever getting in, though nodes answer: the data centre's name, the user or the password. Then a
 * REFUSED (BAD_LOGIN) with the cure, otherwise undefined.
 */
export function loginFailure(error: unknown): ActorError | undefined {
  const cause = isRuntimes(error) ? error.cause : error
  const causes = cause instanceof errors.NoHostAvailableError ? Object.values(cause.innerErrors) : [cause]
  const isWrong = (each: unknown) => each instanceof errors.AuthenticationError || each instanceof errors.ArgumentError
  // While one node merely does not answer, it may be the one that would let us in.
  if (causes.length === 0 || !causes.every(isWrong)) return undefined
  const cure = 'check dc=, the user and the password of HELIOGRAPH_CASSANDRA'
  return new ActorError('REFUSED', `Cassandra: ${textOf(causes[0])}: ${cure}`, { reason: 'BAD_LOGIN' }, error)
}

/** As the gate tells it of what waits here: there are nodes, and they are busy. */
const overload = { reason: 'OVERLOADED' }

function unavailable(cause: unknown): ActorError {
  const details = { retryAfterMs: 1_000, ...(isOverload(cause) && overload) }
  return new ActorError('STORE_UNAVAILABLE', `Cassandra does not answer: ${textOf(cause)}`, details, cause)
}

function isOverload(error: unknown): boolean {
  if (error instanceof errors.NoHostAvailableError) return Object.values(error.innerErrors ?? {}).some(isOverload)
  if (error instanceof errors.BusyConnectionError) return true
  return error instanceof errors.ResponseError && error.code === codes.overloaded
}

/** For a step whose result does not count until a later one: whatever became of the step, that one was not taken. */
export function withoutDoubt(error: unknown): unknown {
  if (errorCode(error) !== 'OUTCOME_UNKNOWN') return error
  return new ActorError('STORE_UNAVAILABLE', (error as Error).message, { retryAfterMs: 1_000 }, error)
}

/** Nothing that counts was stored, and something may still be (S5). */
export function mayLand(error: unknown): ActorError {
  const { code, message, details } = error as ActorError
  return new ActorError(code, message, { ...details, mayLand: true }, error)
}

function unknown(cause: unknown): ActorError {
  return new ActorError('OUTCOME_UNKNOWN', `A write to Cassandra may or may not count: ${textOf(cause)}`, {}, cause)
}

function bug(cause: unknown): ActorError {
  return new ActorError('INTERNAL', `Cassandra refuses a statement: ${textOf(cause)}`, {}, cause)
}

function isOurs(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof errors.ResponseError && ours.has(error.code))
}

function isRuntimes(error: unknown): error is ActorError {
  return errorCode(error) !== undefined
}

function wasNotBegun(error: unknown): boolean {
  // A write goes on to another node only after one that has not begun it.
  if (error instanceof errors.NoHostAvailableError) return true
  if (error instanceof errors.BusyConnectionError) return true
  if ((error as { requestNotWritten?: boolean }).requestNotWritten === true) return true
  return error instanceof errors.ResponseError && notBegun.has(error.code)
}

function textOf(error: unknown): string {
  if (error instanceof errors.NoHostAvailableError) {
    const each = Object.entries((error.innerErrors ?? {}) as Record<string, unknown>)
    const told = each.slice(0, 3).map(([host, why]) => `${host}: ${why instanceof Error ? why.message : why}`)
    return `no node answers (${told.join('; ') || error.message})`
  }
  return error instanceof Error ? error.message : String(error)
}
