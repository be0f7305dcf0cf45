import type { Reading, Turn } from '../../runtime/index.js'
import type { User } from './contract.js'
import type { Entry } from './entry.js'
import type { UserMemory } from './memory.js'
import type { UserState } from './state.js'

/** The types of the user actor, by name. */
export interface UserShape {
  contract: User
  id: number
  state: UserState
  entry: Entry
  memory: UserMemory
  timers: 'recorded'
}

export type UserTurn = Turn<UserShape>
export type UserReading = Reading<UserShape>

/** What reading functions need of a turn: the state, and the account's own rows and entries. */
export type Box = Pick<UserReading, 'state' | 'own' | 'head' | 'nowMs' | 'datedMs'>
