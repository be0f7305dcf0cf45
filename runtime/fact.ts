/**
 * What an entry's fact and a snapshot's state hold in bytes (CORE J8). A fact is [version, fact] for the actor's own
 * entries and [0, ...] for the runtime's: those set and end reminders, take no number, and no fold of an actor sees them.
 */
import { decode, encode } from './codec.js'
import { ActorError } from './errors.js'
import type { AnyDefinition } from './kind.js'

const SYSTEM = 0

/** A reminder is set, or (with no dueAtMs) is over. */
export interface ReminderFact {
  readonly name: string
  readonly dueAtMs: number | undefined
  readonly payload: unknown
}

export type DecodedFact =
  | { readonly reminder: ReminderFact }
  | { readonly fact: unknown; readonly reminder?: undefined }

/** What a definition says of its entries' form. */
export type FactRules = Pick<AnyDefinition['state'], 'version' | 'pack' | 'unpack'>

export function encodeFact({ version, pack }: FactRules, fact: unknown): Uint8Array {
  return encode([version, pack === undefined ? fact : pack(fact)])
}

export function encodeReminderFact({ name, dueAtMs, payload }: ReminderFact): Uint8Array {
  return encode([SYSTEM, name, dueAtMs, payload])
}

/** Throws CORRUPT on a fact of a newer format than the definition's. */
export function decodeFact(bytes: Uint8Array, { version, unpack }: FactRules): DecodedFact {
  const stored = decode(bytes)
  if (!Array.isArray(stored) || typeof stored[0] !== 'number') throw new ActorError('CORRUPT', 'an entry is no fact')
  if (stored[0] === SYSTEM) return { reminder: { name: stored[1], dueAtMs: stored[2], payload: stored[3] } }
  if (stored[0] > version) throw newer('an entry', stored[0], version)
  return { fact: unpack === undefined ? stored[1] : unpack(stored[1]) }
}

export interface Reminder {
  readonly dueAtMs: number
  readonly payload: unknown
}

/** A snapshot's bytes: what the runtime itself must know of the journal, then the actor's state. */
export interface StoredState {
  readonly lastAtMs: number
  readonly reminders: ReadonlyMap<string, Reminder> | undefined
  readonly state: unknown
}

export function encodeState({ lastAtMs, reminders, state }: StoredState): Uint8Array {
  return encode([lastAtMs, reminders, state])
}

export function decodeState(bytes: Uint8Array): StoredState {
  const stored = decode(bytes)
  if (!Array.isArray(stored) || stored.length !== 3) throw new ActorError('CORRUPT', 'a snapshot is no state')
  return { lastAtMs: stored[0], reminders: stored[1] ?? undefined, state: stored[2] }
}

export function newer(what: string, found: number, known: number): ActorError {
  return new ActorError('CORRUPT', `${what} has format ${found}, this program knows ${known}; run a newer program`)
}
