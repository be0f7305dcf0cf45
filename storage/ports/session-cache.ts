/** A live session of an account, and the gateway that holds it. */
export interface LiveSession {
  readonly user: number
  /** The gateway's node. */
  readonly gateway: string
  /** The MTProto session, in hex. */
  readonly session: string
  /** The device: its permanent auth key's id, in hex. */
  readonly device: string
}

/** Sessions of one account that are kept; beyond it the one whose time ends first is forgotten. */
export const MAX_SESSIONS_A_USER = 64

/**
 * Who is connected where, for whoever addresses many accounts at once. A hint (K1): an account's actor knows which
 * gateways are attached to it. Gateways write it when a session comes and goes, and again before its time is over.
 */
export interface SessionCache {
  put(sessions: readonly LiveSession[]): Promise<boolean>
  remove(sessions: readonly Omit<LiveSession, 'device'>[]): Promise<boolean>
  /** A list an account asked for, in no order; empty when none is known to be there. */
  of(users: readonly number[]): Promise<readonly (readonly LiveSession[] | undefined)[]>
}
