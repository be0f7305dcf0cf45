import { encode, type NodeId } from '../../runtime/index.js'
import { decodedList, isCount, isName } from './heartbeat.js'

/**
 * | kind | what happened |
 * |---|---|
 * | view | a change of the register was stored |
 * | join, leave | a node became a member, or is none any more |
 * | suspicion | a node does not answer: its lease is to be revoked |
 * | revocation | a node's lease was revoked |
 * | takeover | shards of a node that was revoked got new owners |
 * | move | shards are to change hands, or have |
 * | drain, rebalance | an operator asked for it |
 * | halt | a node has lost its lease and stops answering |
 * | refusal | a node refused calls: overloaded, or not the owner |
 */
export const eventKinds = [
  'view',
  'join',
  'leave',
  'suspicion',
  'revocation',
  'takeover',
  'move',
  'drain',
  'rebalance',
  'halt',
  'refusal',
] as const
export type ClusterEventKind = (typeof eventKinds)[number]

export interface ClusterEvent {
  readonly kind: ClusterEventKind
  /** Who says it. */
  readonly by: NodeId
  /** Counts what this node's incarnation has said: with `by` and `incarnation` it names the event. */
  readonly number: number
  readonly incarnation: string
  /** By the wall clock of `by`, milliseconds since the Unix epoch. */
  readonly atMs: number
  /** The newest view that `by` knew. */
  readonly view: number
  /** The node that it happened to; empty: to none in particular. */
  readonly node: NodeId
  /** How many shards it concerns; 0: none. */
  readonly shards: number
  /** For people, in one line. */
  readonly text: string
}

const version = 1
const mostBytes = 4_096
const mostTextCharacters = 1_000

export function encodeEvent(event: ClusterEvent): Uint8Array {
  const { kind, by, number, incarnation, atMs, view, node, shards, text } = event
  return encode([version, kind, by, incarnation, number, atMs, view, node, shards, text.slice(0, mostTextCharacters)])
}

/** Undefined: no event as this version knows it. */
export function decodeEvent(bytes: Uint8Array): ClusterEvent | undefined {
  const list = decodedList(bytes, mostBytes)
  if (list === undefined || list[0] !== version) return undefined
  const [, kind, by, incarnation, number, atMs, view, node, shards, text] = list
  if (!isKind(kind) || !isName(by) || !isName(incarnation) || !isText(node) || !isText(text)) return undefined
  if (!isCount(number) || !isCount(view) || !isCount(shards)) return undefined
  if (typeof atMs !== 'number' || !(Math.abs(atMs) < 8.64e15)) return undefined
  return { kind, by, incarnation, number, atMs, view, node, shards, text }
}

const isKind = (value: unknown): value is ClusterEventKind => (eventKinds as readonly unknown[]).includes(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= mostTextCharacters
