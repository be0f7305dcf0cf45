import type { ConnectionOptions } from 'node:tls'
import type { ActorLog, Clock } from '../../runtime/index.js'

/** How many copies there are: one number for the local data centre, or one for each by name. */
export type Replication = number | Readonly<Record<string, number>>

export interface CassandraConnection {
  /** `host` or `host:port` (default 9042); all nodes of a ring listen on the first one's port. */
  readonly contactPoints: readonly string[]
  readonly localDataCenter: string
  readonly keyspace: string
  readonly credentials?: { readonly username: string; readonly password: string }
  readonly tls?: ConnectionOptions
  readonly limits?: Partial<CassandraLimits>
}

export interface CassandraStorageOptions extends CassandraConnection {
  readonly clock: Clock
  readonly log: ActorLog
  /** How keyspaces are made; only looked at when ours is not there yet. Default: 3. */
  readonly replication?: Replication
  /** `apply` brings the schema up to date first; `check` refuses to start unless it is. */
  readonly schema: 'apply' | 'check'
}

/** Every limit of the driver, with its default in `defaultLimits`. */
export interface CassandraLimits {
  /** A request without an answer is given up after this; what it did is then unknown. */
  readonly requestTimeoutMs: number
  /** The same for conditional writes and serial reads: a lease is renewed by them, so it is shorter than one. */
  readonly decisionTimeoutMs: number
  readonly connectTimeoutMs: number
  /** The opening is tried again for so long before it is refused. */
  readonly startWithinMs: number
  /** Requests in flight a server node. */
  readonly requestsPerHost: number
  /** Requests that wait for one of those; beyond, they are refused as overload. */
  readonly queuedRequests: number
  readonly queuedBytes: number
  readonly queuedForMs: number
  /** A read that has no answer yet is asked of another node too; never a write. */
  readonly askAnotherAfterMs: number
  /** Lost connections are tried again as often as this. */
  readonly reconnectEveryMs: number
  /** A journal's bucket ends before it holds more than these. */
  readonly bucketBytes: number
  readonly bucketPts: number
}

export const defaultLimits: CassandraLimits = {
  requestTimeoutMs: 5_000,
  decisionTimeoutMs: 1_500,
  connectTimeoutMs: 3_000,
  startWithinMs: 60_000,
  requestsPerHost: 512,
  queuedRequests: 20_000,
  queuedBytes: 64 * 1024 * 1024,
  queuedForMs: 2_000,
  askAnotherAfterMs: 150,
  reconnectEveryMs: 1_000,
  bucketBytes: 48 * 1024 * 1024,
  bucketPts: 200_000,
}

/** The limits with their defaults. Throws a TypeError that names the limit and the cure for one that cannot work. */
export function completeLimits(given: Partial<CassandraLimits> = {}): CassandraLimits {
  const limits = { ...defaultLimits, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value <= 0)
      throw new TypeError(`${name} is ${value}; give a whole number above 0`)
  }
  if (limits.bucketBytes > 2 ** 30) throw new TypeError(`bucketBytes is ${limits.bucketBytes}; give at most ${2 ** 30}`)
  return limits
}
