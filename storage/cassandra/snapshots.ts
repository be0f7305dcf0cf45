import type { ActorAddress, Position, Snapshot, Writer } from '../../runtime/index.js'
import { asBuffer, numberOf } from './journal-rows.js'
import { coveredAt, isSameWriter, type Lineage } from './lineage.js'
import type { CassandraSession, Row, Statement } from './session.js'
import type { Stamp } from './stamps.js'
import { snapshots } from './tables.js'

/** A snapshot as it is stored. */
export interface StoredSnapshot {
  readonly snapshot: Snapshot
  /** Who took it: nobody else writes this row. */
  readonly writer: Writer
  readonly life: number
  /** Who wrote the entry at its position. */
  readonly covered: Writer
  /** Bytes in the bucket at the head, if the snapshot was taken there. */
  readonly bucketBytes: number
}

/** J7: a snapshot counts only if the entry that it names is a part of the history. */
export function isOn(
  { lineage, life }: { readonly lineage: Lineage; readonly life: number },
  { snapshot, covered, life: of }: StoredSnapshot,
): boolean {
  return life === of && isSameWriter(coveredAt(lineage, snapshot.position), covered)
}

export async function newestSnapshot(
  session: CassandraSession,
  { kind, key }: ActorAddress,
): Promise<StoredSnapshot | undefined> {
  const [row] = await session.read({ query: snapshots.newest, parameters: [kind, key] }, 'quorum')
  return row && fromRow(row)
}

/** The next older one than `newer`. */
export async function snapshotBefore(
  session: CassandraSession,
  { kind, key }: ActorAddress,
  { snapshot: { position }, writer }: StoredSnapshot,
): Promise<StoredSnapshot | undefined> {
  const parameters = [kind, key, position.pts, position.ordinal, writer.epoch, writer.attempt]
  const [row] = await session.read({ query: snapshots.before, parameters }, 'quorum')
  return row && fromRow(row)
}

export function insertOfSnapshot(
  { kind, key }: ActorAddress,
  { snapshot: { position, version, state }, writer, life, covered, bucketBytes }: StoredSnapshot,
  stamp: Stamp,
): Statement {
  return {
    query: snapshots.insert,
    parameters: [
      kind,
      key,
      position.pts,
      position.ordinal,
      writer.epoch,
      writer.attempt,
      life,
      covered.epoch,
      covered.attempt,
      bucketBytes,
      version,
      asBuffer(state),
      stamp,
    ],
  }
}

/** Removes all snapshots of earlier positions than `kept`. */
export function removalBefore({ kind, key }: ActorAddress, kept: Position, stamp: Stamp): Statement {
  return { query: snapshots.removeBefore, parameters: [stamp, kind, key, kept.pts, kept.ordinal] }
}

/** Removes all, whoever took them. */
export function removalOfAll({ kind, key }: ActorAddress, stamp: Stamp): Statement {
  return { query: snapshots.removeAll, parameters: [stamp, kind, key] }
}

function fromRow(row: Row): StoredSnapshot {
  return {
    snapshot: {
      position: { pts: numberOf(row.pts), ordinal: row.ordinal as number },
      version: row.version as number,
      state: row.state as Buffer,
    },
    writer: { epoch: numberOf(row.writer_epoch), attempt: numberOf(row.writer_attempt) },
    life: row.life as number,
    covered: { epoch: numberOf(row.covered_epoch), attempt: numberOf(row.covered_attempt) },
    bucketBytes: row.bucket_bytes as number,
  }
}
