import type { ActorAddress } from '../../runtime/index.js'

/** The statements on one table of journals. */
export interface JournalTable {
  /** The actor's part of the key. */
  readonly keyOf: (actor: ActorAddress) => readonly string[]
  readonly insert: string
  readonly after: string
  readonly at: string
  readonly remove: string
  readonly eraseBody: string
}

const position = 'pts, ordinal, writer_epoch, writer_attempt'
const columns = `${position}, count, after_ordinal, more, bucket_bytes, at, fact, body`

/**
 * Entries are never written over, so all have the timestamp 1, and an erasure 2: an entry that is written again, by a
 * repeated commit or a new owner (CORE J5), never brings back a body that was erased.
 */
function journalTable(table: string, key: readonly string[], keyOf: JournalTable['keyOf']): JournalTable {
  const where = `${key.map((column) => `${column} = ?`).join(' AND ')} AND bucket = ?`
  const marks = Array.from({ length: key.length + 12 }, () => '?').join(', ')
  return {
    keyOf,
    insert: `INSERT INTO ${table} (${key.join(', ')}, bucket, ${columns}) VALUES (${marks}) USING TIMESTAMP 1`,
    after: `SELECT ${columns} FROM ${table} WHERE ${where} AND (${position}) > (?, ?, ?, ?) LIMIT ?`,
    at: `SELECT ${columns} FROM ${table} WHERE ${where} AND pts IN ? AND ordinal = 0`,
    remove: `DELETE FROM ${table} USING TIMESTAMP 2
      WHERE ${where} AND pts = ? AND ordinal = ? AND writer_epoch = ? AND writer_attempt = ?`,
    eraseBody: `DELETE body FROM ${table} USING TIMESTAMP 2
      WHERE ${where} AND pts = ? AND ordinal = 0 AND writer_epoch = ? AND writer_attempt = ?`,
  }
}

const byKey = ({ key }: ActorAddress) => [key]
const chats = journalTable('chat_journal', ['chat_id'], byKey)
const boxes = journalTable('user_box', ['user_id'], byKey)
const channels = journalTable('channel_journal', ['channel_id'], byKey)
const others = journalTable('actor_journal', ['kind', 'actor_key'], ({ kind, key }) => [kind, key])

/** Where the journals of a kind of actors are. */
export function tableOf(kind: string): JournalTable {
  if (kind === 'chat') return chats
  if (kind === 'user') return boxes
  if (kind === 'channel') return channels
  return others
}

export const lineages = {
  newest: `SELECT epoch, attempt, life, generation, writers FROM lineages WHERE kind = ? AND actor_key = ? LIMIT 1`,
  insert: `INSERT INTO lineages (kind, actor_key, epoch, attempt, life, generation, writers)
    VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP 1`,
  /** Of a journal that was erased: kept for as long as anything of its former writers may still land. */
  mark: `INSERT INTO lineages (kind, actor_key, epoch, attempt, life, generation, writers)
    VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP 1 AND TTL 864000`,
  /** Only rows that a durable newer one has made useless. */
  removeBefore: `DELETE FROM lineages USING TIMESTAMP 2
    WHERE kind = ? AND actor_key = ? AND (epoch, attempt, life) < (?, ?, ?)`,
}

export const buckets = {
  newest: `SELECT bucket, writer_epoch, writer_attempt, from_pts, from_ordinal FROM buckets
    WHERE kind = ? AND actor_key = ? LIMIT ?`,
  before: `SELECT bucket, writer_epoch, writer_attempt, from_pts, from_ordinal FROM buckets
    WHERE kind = ? AND actor_key = ? AND (bucket, writer_epoch, writer_attempt) < (?, ?, ?) LIMIT ?`,
  insert: `INSERT INTO buckets (kind, actor_key, bucket, writer_epoch, writer_attempt, from_pts, from_ordinal)
    VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP 1`,
}

const snapshotColumns = `${position}, life, covered_epoch, covered_attempt, bucket_bytes, version, state`
export const snapshots = {
  newest: `SELECT ${snapshotColumns} FROM snapshots WHERE kind = ? AND actor_key = ? LIMIT 1`,
  before: `SELECT ${snapshotColumns} FROM snapshots WHERE kind = ? AND actor_key = ?
    AND (${position}) < (?, ?, ?, ?) LIMIT 1`,
  insert: `INSERT INTO snapshots (kind, actor_key, ${snapshotColumns})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  removeAll: 'DELETE FROM snapshots USING TIMESTAMP ? WHERE kind = ? AND actor_key = ?',
  removeBefore: `DELETE FROM snapshots USING TIMESTAMP ?
    WHERE kind = ? AND actor_key = ? AND (pts, ordinal) < (?, ?)`,
}

const group = 'kind = ? AND actor_key = ? AND life = ? AND table_name = ? AND group_name = ?'
export const derived = {
  put: `INSERT INTO derived_rows (kind, actor_key, life, table_name, group_name, bucket, place, value)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  remove: `DELETE FROM derived_rows USING TIMESTAMP ? WHERE ${group} AND bucket = ? AND place = ?`,
  one: `SELECT value FROM derived_rows WHERE ${group} AND bucket = ? AND place = ?`,
  upward: `SELECT place, value FROM derived_rows WHERE ${group} AND bucket = ? AND place >= ? AND place <= ?
    ORDER BY place ASC LIMIT ?`,
  downward: `SELECT place, value FROM derived_rows WHERE ${group} AND bucket = ? AND place >= ? AND place <= ?
    ORDER BY place DESC LIMIT ?`,
  buckets: `SELECT bucket FROM derived_buckets WHERE ${group} AND bucket > ? LIMIT ?`,
  noteBucket: `INSERT INTO derived_buckets (kind, actor_key, life, table_name, group_name, bucket)
    VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  removeNote: `DELETE FROM derived_buckets USING TIMESTAMP ? WHERE ${group} AND bucket = ?`,
  allBuckets: `SELECT table_name, group_name, bucket FROM derived_buckets WHERE kind = ? AND actor_key = ? AND life = ?
    AND (table_name, group_name, bucket) > (?, ?, ?) LIMIT ?`,
  removeBucket: `DELETE FROM derived_rows USING TIMESTAMP ? WHERE ${group} AND bucket = ?`,
  removeNotes: 'DELETE FROM derived_buckets USING TIMESTAMP ? WHERE kind = ? AND actor_key = ? AND life = ?',
}

export const undelivered = {
  insert: `INSERT INTO undelivered (slice, shard, kind, actor_key, epoch) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  remove: `DELETE FROM undelivered USING TIMESTAMP ?
    WHERE slice = ? AND shard = ? AND kind = ? AND actor_key = ? AND epoch <= ?`,
  after: `SELECT shard, kind, actor_key, epoch FROM undelivered
    WHERE slice = ? AND (shard, kind, actor_key, epoch) > (?, ?, ?, ?) AND (shard) <= (?) LIMIT ?`,
}

export const due = {
  insert: `INSERT INTO due (slice, due_at_ms, shard, kind, actor_key, name, stamp) VALUES (?, ?, ?, ?, ?, ?, ?)
    USING TIMESTAMP ?`,
  stamp: `SELECT stamp FROM due
    WHERE slice = ? AND due_at_ms = ? AND shard = ? AND kind = ? AND actor_key = ? AND name = ?`,
  remove: `DELETE FROM due USING TIMESTAMP ?
    WHERE slice = ? AND due_at_ms = ? AND shard = ? AND kind = ? AND actor_key = ? AND name = ?`,
  after: `SELECT due_at_ms, shard, kind, actor_key, name FROM due
    WHERE slice = ? AND (due_at_ms, shard, kind, actor_key, name) > (?, ?, ?, ?, ?) AND (due_at_ms) <= (?) LIMIT ?`,
}

/** What a node may need as soon as it owns something. */
export function everyStatement(): string[] {
  const tables = [chats, boxes, channels, others].map(({ keyOf, ...statements }) => statements)
  return [...tables, lineages, buckets, snapshots, derived, undelivered, due].flatMap((each) =>
    Object.values<string>(each).filter((query) => query.includes('?')),
  )
}
