import type { NodeId, Position } from '../../runtime/index.js'
import type { Reached } from './search.js'

/** What dies with the activation: live sessions, presence, figures not stored yet. */
export interface UserMemory {
  attachments?: Map<NodeId, AttachedGateway> | undefined
  /** Where the last change stands that they were told of, or the head when the first of them attached. */
  told?: Position | undefined
  onlineUntilMs: number
  /** Last seen since the activation; newer than what is stored. */
  seenAtMs: number
  /** The `online until` that partners were told of; 0: told that it is over. */
  toldUntilMs: number
  delivered?: Map<string, number> | undefined
  deliveredStoredAtMs: number
  active?: Map<string, number> | undefined
  /** Logins that devices offered to carry over, by their number (devices.ts). */
  transfers?: Map<string, Transfer> | undefined
  /** Searches that are not finished, by their request. */
  searches?: Map<string, Reached> | undefined
  /** What the public records are known to show, and the write of them that is under way. */
  recordedAt?: Position | undefined
  recording?: Promise<void> | undefined
}

/** A gateway that holds sessions, or held some a moment ago. */
export interface AttachedGateway {
  /** When its lease ends; when it is forgotten if it is gone. */
  readonly untilMs: number
  /** Hex auth keys of the sessions there. */
  readonly authKeys: readonly string[]
  /** It has let go: nothing is sent to it. */
  readonly isGone?: true
}

export interface Transfer {
  /** The auth key of the device that offered it. */
  readonly from: string
  readonly untilMs: number
  /** The auth key that took it. */
  by?: string
}

export function emptyMemory(): UserMemory {
  return { onlineUntilMs: 0, seenAtMs: 0, toldUntilMs: 0, deliveredStoredAtMs: 0 }
}
