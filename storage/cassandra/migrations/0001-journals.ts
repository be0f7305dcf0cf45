import type { Migration } from './migration.js'

/*
 * Rules that hold for every table here (docs/decisions/0008-cassandra.md):
 *
 * T1. A table is written by LWT only (register, leases) or with timestamps of ours only (all others), never both: an LWT
 *     row swallows lower timestamps, and a timestamped row makes an LWT report success without effect.
 * T2. No time-window compaction: timestamps of ours are no times.
 * T3. gc_grace_seconds is ten days where a tombstone that is forgotten too early brings back what must stay gone (bodies
 *     that were erased, rows that were removed): repair runs more often than that. It is an hour where a row that comes
 *     back only costs a look (agenda, snapshots, lineages, buckets).
 */
const tenDays = 864_000
const oneHour = 3_600

/** Appended to and read in ranges. */
const appended = `compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T4'}
    AND gc_grace_seconds = ${tenDays}`
/** Written over and over, or removed: kept in few places. */
const rewritten = (graceSeconds: number) =>
  `compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'L8'}
    AND gc_grace_seconds = ${graceSeconds}`

function journal(table: string, key: readonly string[], holds: string): string {
  const columns = key.map((column) => `${column} text`).join(', ')
  return `CREATE TABLE IF NOT EXISTS ${table} (
    ${columns}, bucket int,
    pts bigint, ordinal int, writer_epoch bigint, writer_attempt bigint,
    count bigint, after_ordinal int, more int, bucket_bytes int, at timestamp, fact blob, body blob,
    PRIMARY KEY ((${key.join(', ')}, bucket), pts, ordinal, writer_epoch, writer_attempt)
  ) WITH comment = '${holds}' AND ${appended}`
}

export const journals: Migration = {
  version: 1,
  name: 'journals, derived rows, agenda, ownership',
  statements: [
    journal('chat_journal', ['chat_id'], 'Journals of private chats and basic groups'),
    journal('user_box', ['user_id'], 'Journals of accounts: the pts sequence of each'),
    journal('channel_journal', ['channel_id'], 'Journals of channels and supergroups'),
    journal('actor_journal', ['kind', 'actor_key'], 'Journals of all other actors'),
    `CREATE TABLE IF NOT EXISTS buckets (
      kind text, actor_key text, bucket int, writer_epoch bigint, writer_attempt bigint,
      from_pts bigint, from_ordinal int,
      PRIMARY KEY ((kind, actor_key), bucket, writer_epoch, writer_attempt)
    ) WITH CLUSTERING ORDER BY (bucket DESC, writer_epoch DESC, writer_attempt DESC)
      AND comment = 'Where buckets of a journal begin, from bucket 1 on' AND ${rewritten(oneHour)}`,
    `CREATE TABLE IF NOT EXISTS lineages (
      kind text, actor_key text, epoch bigint, attempt bigint, life int,
      generation int, writers frozen<list<frozen<tuple<bigint, bigint, bigint, int>>>>,
      PRIMARY KEY ((kind, actor_key), epoch, attempt, life)
    ) WITH CLUSTERING ORDER BY (epoch DESC, attempt DESC, life DESC)
      AND comment = 'Who wrote a journal: (epoch, attempt, from pts, from ordinal); the newest row decides'
      AND ${rewritten(oneHour)}`,
    `CREATE TABLE IF NOT EXISTS snapshots (
      kind text, actor_key text, pts bigint, ordinal int, writer_epoch bigint, writer_attempt bigint,
      life int, covered_epoch bigint, covered_attempt bigint, bucket_bytes int, version int, state blob,
      PRIMARY KEY ((kind, actor_key), pts, ordinal, writer_epoch, writer_attempt)
    ) WITH CLUSTERING ORDER BY (pts DESC, ordinal DESC, writer_epoch DESC, writer_attempt DESC)
      AND comment = 'States of actors' AND ${rewritten(oneHour)}`,
    `CREATE TABLE IF NOT EXISTS derived_rows (
      kind text, actor_key text, life int, table_name text, group_name text, bucket bigint, place bigint, value blob,
      PRIMARY KEY ((kind, actor_key, life, table_name, group_name, bucket), place)
    ) WITH comment = 'Indexes and current values that follow from journals' AND ${rewritten(tenDays)}`,
    `CREATE TABLE IF NOT EXISTS derived_buckets (
      kind text, actor_key text, life int, table_name text, group_name text, bucket bigint,
      PRIMARY KEY ((kind, actor_key, life), table_name, group_name, bucket)
    ) WITH comment = 'Where an actor has derived rows' AND ${rewritten(oneHour)}`,
    `CREATE TABLE IF NOT EXISTS undelivered (
      slice int, shard int, kind text, actor_key text, epoch bigint,
      PRIMARY KEY ((slice), shard, kind, actor_key, epoch)
    ) WITH comment = 'Actors that may have something undelivered; 64 shards a slice' AND ${rewritten(oneHour)}`,
    `CREATE TABLE IF NOT EXISTS due (
      slice int, due_at_ms bigint, shard int, kind text, actor_key text, name text, stamp bigint,
      PRIMARY KEY ((slice), due_at_ms, shard, kind, actor_key, name)
    ) WITH comment = 'Reminders by their time; 32 shards a slice' AND ${rewritten(oneHour)}`,
    `CREATE TABLE IF NOT EXISTS register (
      name text PRIMARY KEY, view_number bigint, shard_count int, members list<text>, shards text
    ) WITH comment = 'Who owns which shard under which epoch; by LWT only'`,
    `CREATE TABLE IF NOT EXISTS leases (
      node text PRIMARY KEY, incarnation text, length_ms int, renewals bigint, revoked boolean
    ) WITH comment = 'One lease a node; by LWT only'`,
    `CREATE TABLE IF NOT EXISTS probe (
      name text PRIMARY KEY, value int
    ) WITH comment = 'Written to see whether the store takes writes' AND ${rewritten(oneHour)}`,
  ],
}
