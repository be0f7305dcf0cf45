import { ActorError } from '../../runtime/index.js'

/** What an error means: of the server or the way to it, of what was asked, or of a schema that is not ours. */
export type Failure =
  /** Nothing happened; the server answers, but not this (full disk, starting, too many connections, read-only ...). */
  | 'refused'
  /** No connection, or none that lasted: a write may have happened. */
  | 'lost'
  /** A bug of ours. */
  | 'wrong'

/**
 * Classes of SQLSTATE after which a statement, which is its own transaction, has done nothing.
 * @see https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
const refusing = /^(25006|40|53|54|55|57014|57P03|57P04|58|0A|28|3D|42P01|XX)/
/** The connection ended, or will: the answer of the statement may be lost. */
const losing = /^(08|57P0[125])/

export function failureOf(error: unknown): Failure {
  const code = (error as { code?: unknown } | undefined)?.code
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return 'lost'
  if (losing.test(code)) return 'lost'
  return refusing.test(code) ? 'refused' : 'wrong'
}

/** The server is there, and does not let us in: user, password, database, or a certificate that we do not trust. */
export function isBadLogin(error: unknown): boolean {
  return /^(28...|3D000|.*CERT.*)$/.test(String((error as { code?: unknown } | undefined)?.code))
}

/** As the client library says that it waited long enough: for a connection, and for an answer. */
export function isTimeout(error: unknown): boolean {
  return /timeout/i.test(textOf(error))
}

export function unavailable(message: string, retryAfterMs: number, cause?: unknown): ActorError {
  return new ActorError('STORE_UNAVAILABLE', message, { retryAfterMs }, cause)
}

export function outcomeUnknown(message: string, cause?: unknown): ActorError {
  return new ActorError('OUTCOME_UNKNOWN', message, {}, cause)
}

export function textOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown }
  // A refused connection to a name with several addresses has only a code.
  return String(message || code || error)
}
