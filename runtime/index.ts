export type {
  ActorDefinition,
  ActorLimits,
  ActorLog,
  ActorShape,
  DerivedValue,
  DerivedWriter,
  Effect,
  Implementation,
  Later,
  Outbound,
  OwnReads,
  Placed,
  PlacedEntry,
  Reading,
  RemindersOf,
  Turn,
} from './actor.js'
export { implement } from './actor.js'
export { createActorSystem } from './actor-system.js'
export type { SealedShard } from './bequests.js'
export type { Clock, Timer } from './clock.js'
export { codeAt } from './code-at.js'
export { decode, decodeError, encode, encodeError, roughBytes } from './codec.js'
export type { ActorType, CallOptions, MethodMode, Ref } from './contract.js'
export { actorType, numberKey } from './contract.js'
export type { ErrorCode, ErrorDetails } from './errors.js'
export { ActorError, errorCode, refusalReason, refuse } from './errors.js'
export type { ActorReport, LastError, ResidentReport, SystemInspection } from './inspection.js'
export type {
  ActorAddress,
  AgendaStore,
  Checkpoint,
  Commit,
  DerivedRow,
  DerivedScan,
  DueRow,
  Journal,
  JournalEntry,
  JournalStore,
  OpenedJournal,
  OpenRequest,
  Position,
  ShardRange,
  Snapshot,
  UndeliveredRow,
  Writer,
} from './journal-store.js'
export { DEFAULT_LIMITS } from './limits.js'
export type { HandoverMetrics, RuntimeMetrics } from './metrics.js'
export { inMicrotask } from './microtask.js'
export type { NodeId, Ownership } from './ownership.js'
export { DEFAULT_SHARD_COUNT, shardOf } from './ownership.js'
export type {
  NodeIncarnation,
  NodeLease,
  NodeMember,
  NodeRole,
  OwnershipRegister,
  OwnershipView,
  ShardRun,
} from './ownership-register.js'
export { PlainReader } from './plain-decoding.js'
export { MOST_PLAIN_BYTES, writePlain } from './plain-encoding.js'
export { Queue } from './queue.js'
export type { Random } from './random.js'
export { replayedState, storedReminders } from './replay.js'
export { after, isPromise, type Soon } from './soon.js'
export type { ActorSystem, ActorSystemOptions, SystemHealth, SystemLimits } from './system.js'
export { systemClock } from './system-clock.js'
export { systemRandom } from './system-random.js'
export type { CallEnvelope, CallOutcome, Frame, SenderPath, Transport } from './transport.js'
