import cassandra from 'cassandra-driver'
import type { ActorAddress, Writer } from '../../runtime/index.js'
import { numberOf } from './journal-rows.js'
import type { Lineage } from './lineage.js'
import type { CassandraSession, Statement } from './session.js'
import { lineages } from './tables.js'

const { Long, Tuple } = cassandra.types

/** A lineage as its writer stored it. */
export interface StoredLineage {
  readonly writer: Writer
  readonly lineage: Lineage
  /** How often the journal was erased. Rows and snapshots of a former life are none. */
  readonly life: number
  /** Counts the lineages of an actor. */
  readonly generation: number
}

/** Every so many lineages, those before the one that was read are removed. */
const removedEvery = 16

/** The newest one that any replica of a quorum has; it decides, at a quorum or not (CORE J3). */
export async function newestLineage(
  session: CassandraSession,
  { kind, key }: ActorAddress,
): Promise<StoredLineage | undefined> {
  const [row] = await session.read({ query: lineages.newest, parameters: [kind, key] }, 'quorum')
  if (row === undefined) return undefined
  // An empty list is read as null.
  const writers = (row.writers ?? []) as readonly cassandra.types.Tuple[]
  return {
    writer: { epoch: numberOf(row.epoch), attempt: numberOf(row.attempt) },
    generation: row.generation as number,
    life: row.life as number,
    lineage: writers.map((tuple) => {
      const [epoch, attempt, pts, ordinal] = tuple.values() as [unknown, unknown, unknown, number]
      return { epoch: numberOf(epoch), attempt: numberOf(attempt), from: { pts: numberOf(pts), ordinal } }
    }),
  }
}

export function insertOfLineage({ kind, key }: ActorAddress, stored: StoredLineage): Statement {
  const { writer, lineage, life, generation } = stored
  const long = (value: number) => Long.fromNumber(value)
  const writers = lineage.map(
    ({ epoch, attempt, from }) => new Tuple(long(epoch), long(attempt), long(from.pts), from.ordinal),
  )
  const query = lineage.length > 0 ? lineages.insert : lineages.mark
  return { query, parameters: [kind, key, writer.epoch, writer.attempt, life, generation, writers] }
}

/** What may be removed once `own` is durable: lineages older than the one that it was made from never decide again. */
export function removalOfOlder(
  actor: ActorAddress,
  own: StoredLineage,
  former: StoredLineage | undefined,
): Statement | undefined {
  if (former === undefined || own.generation % removedEvery !== 0) return undefined
  return removalBeforeLineage(actor, former)
}

export function removalBeforeLineage({ kind, key }: ActorAddress, { writer, life }: StoredLineage): Statement {
  return { query: lineages.removeBefore, parameters: [kind, key, writer.epoch, writer.attempt, life] }
}
