import type {
  ActorDefinition,
  ActorSystem,
  AgendaStore,
  Clock,
  JournalStore,
  Ownership,
  OwnershipRegister,
} from '../runtime/index.js'
import type { SimulatedSession } from '../storage/index.js'

/** A session of the Cassandra driver, as far as anything stands in front of it. */
export type Session = Pick<SimulatedSession, 'read' | 'readSerial' | 'write' | 'writeTogether' | 'writeIf' | 'close'>

/** An actor system as its cluster sees it. */
export type Served = Pick<
  ActorSystem,
  'handle' | 'deliver' | 'release' | 'sealed' | 'residentsIn' | 'acquire' | 'abandon'
>

/** What a mutation may replace: each switches off one rule by standing in front of a port or a definition. */
export interface Mutation {
  readonly journals?: (journals: JournalStore, clock: Clock) => JournalStore
  readonly agenda?: (agenda: AgendaStore) => AgendaStore
  // biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes go through the same door
  readonly actor?: (definition: ActorDefinition<any>) => ActorDefinition<any>
  /** Of one of several nodes, as the rest. */
  readonly session?: (session: Session, clock: Clock) => Session
  readonly register?: (register: OwnershipRegister) => OwnershipRegister
  readonly ownership?: (ownership: Ownership) => Ownership
  /** What other nodes' calls and frames are given to. */
  readonly served?: (system: ActorSystem) => Served
  /** Gateways attach once. */
  readonly neverAttachesAgain?: boolean
}
