import type { Names } from '../../actors/name/contract.js'
import type { Clock, Random } from '../../runtime/index.js'
import type { AuthKeys, Log, Session } from '../mtproto/index.js'
import type { AccessHashes } from './access-hash.js'
import type { ActorCalls } from './actor-calls.js'
import type { FloodGate } from './flood.js'
import type { People } from './people.js'
import type { PresenceBoard } from './presence-board.js'

/** What handlers tell of themselves. `method` comes from the schema, never from a client's text. */
export interface ApiMetrics {
  /** A method of the schema that nobody serves yet was called. */
  notImplemented(method: string): void
  floodWait(method: string): void
}

export const silentApiMetrics: ApiMetrics = { notImplemented() {}, floodWait() {} }

/** What clients are told about this deployment. */
export interface ApiConfig {
  readonly dcId: number
  /** Where clients reach it: a literal IP address. */
  readonly host: string
  readonly port: number
  readonly testMode: boolean
  /** What an unknown number with a right code gets: an account at once, or the request to sign up. */
  readonly signUp: 'automatic' | 'explicit'
  /** The most updates that a difference gives one by one; over it clients load their state anew. */
  readonly maxDifferenceEntries: number
  /** A device signed in for less than this may not sign others out. */
  readonly freshSessionMs: number
  /** The shards (id % 1024) that new accounts of this region get, both inclusive; all when not said. */
  readonly accountShards?: { readonly from: number; readonly to: number }
}

/** What a session was told of its account's sequence, by pushes and by answers (gateway/updates). */
export interface PushState {
  /** The last pts that was pushed to the session; -1 while there was none. */
  pushedPts(session: Session): number
  /** The session was answered with the state at this pts: it must learn of all that follows. */
  sawState(session: Session, pts: number): void
}

/** All that handlers use. */
export interface Services {
  readonly actors: ActorCalls
  readonly clock: Clock
  readonly random: Random
  readonly config: ApiConfig
  readonly hashes: AccessHashes
  readonly people: People
  readonly flood: FloodGate
  /** What accounts say of their presence, for those who look at many. */
  readonly presence: Pick<PresenceBoard, 'note' | 'forget'>
  /** Whose phone numbers and usernames are. */
  readonly names: Names
  /** The cached auth keys of this gateway's sessions: for login, logout and the like. */
  readonly authKeys: AuthKeys
  readonly pushes: PushState
  readonly metrics: ApiMetrics
  readonly log: Log
}
