/** What went wrong: a stable code for metrics and for the answer that the caller chooses. */
export type TlErrorCode =
  /** The input ends inside a value, or a length points past its end. */
  | 'TRUNCATED'
  /** The id is of no constructor, or not of one that may stand here. */
  | 'UNKNOWN_CONSTRUCTOR'
  /** A value that TL does not allow: a bool that is neither, a number that no double holds, a bad length. */
  | 'INVALID_VALUE'
  /** Nested deeper, or inflated to more, than the limits allow. */
  | 'LIMIT'
  /** On writing: a field that the constructor needs is not there. */
  | 'MISSING_FIELD'
  /** On writing: the layer has no constructor of that name. */
  | 'NOT_IN_LAYER'

/** The only error that reading or writing TL throws. */
export class TlError extends Error {
  readonly code: TlErrorCode

  constructor(code: TlErrorCode, message: string) {
    super(message)
    this.name = 'TlError'
    this.code = code
  }
}
