/**
 * Moves shards from server to server while they are used.
 *
 * H1. Copy, catch up, switch. A pass copies, from one snapshot, every row that was written by a transaction that the pass
 *     before could not see; rows are never deleted, so that is all that changed.
 * H2. The switch holds the shard's lock exclusively: no write is under way, the last pass has all, and it is durable at
 *     the target before the source marks the shard as moved. From that commit on the source refuses it.
 * H3. One server at most serves a shard at any time. Cut off anywhere, the same call goes on: before the mark the source
 *     serves and the copy begins anew, after it the target has everything and only says so.
 * H4. One mover at a time works on a shard (advisory lock at the target).
 * H5. A mover that hangs, or whose target does, loses its lock after `SWITCH_WITHIN`: the source serves on.
 */
import type pg from 'pg'
import { ActorError } from '../../runtime/index.js'
import { checkTables, connected, inTransaction } from './migrate.js'
import type { ServerAddress } from './server-list.js'
import type { Family, ShardKey } from './shard.js'

export interface Move {
  readonly shard: ShardKey
  readonly from: string
  readonly to: string
  /** Rows that were sent, those that changed meanwhile more than once. */
  readonly rows: number
  /** How long writes of the shard waited for the switch, milliseconds. */
  readonly lockedMs: number
}

export interface MoveOptions {
  readonly servers: readonly ServerAddress[]
  readonly to: string
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  /** Called between the steps of H1 and H2; a test cuts the mover off there. */
  readonly onStep?: (step: MoveStep) => Promise<void> | void
}

export type MoveStep = 'copied' | 'locked' | 'marked' | 'held' | 'emptied'

const TABLES: Readonly<Record<Family, { readonly name: string; readonly key: readonly string[] }>> = {
  account: { name: 'account', key: ['shard', 'id'] },
  name: { name: 'claimed_name', key: ['shard', 'kind', 'name'] },
  index: { name: 'indexed_name', key: ['shard', 'name', 'user_id'] },
}

const ROWS_AT_ONCE = 1_000
/** A pass that sent fewer rows is followed by the switch. */
const FEW_ROWS = 200
const MOST_PASSES = 20
/** How long the switch waits for transactions that are under way, and how long it may then wait for the target. */
const SWITCH_WITHIN = '5s'
const TIMEOUTS = { query_timeout: 60_000, idle_in_transaction_session_timeout: 60_000 }
const MOVER_LOCKS = { account: 774_011, name: 774_012, index: 774_013 } as const

interface Ends {
  readonly shard: ShardKey
  readonly source: pg.Client
  readonly target: pg.Client
}

/**
 * Moves the shards one after the other; those that are there already are left out. Rejects with REFUSED (NO_SUCH_SERVER,
 * BEING_MOVED, NO_SUCH_SHARD), STORE_UNAVAILABLE, or the server's error: then the same call goes on.
 */
export async function moveShards(shards: readonly ShardKey[], options: MoveOptions): Promise<readonly Move[]> {
  const { servers, to } = options
  if (!servers.some(({ name }) => name === to)) refuseMove('NO_SUCH_SERVER', `there is no server ${to}`)
  const clients = new Map<string, pg.Client>()
  try {
    for (const server of servers) clients.set(server.name, await connected(server, TIMEOUTS))
    for (const [name, client] of clients) await checkTables(name, client)
    const moves: Move[] = []
    for (const shard of shards) {
      const move = await moveOne(shard, clients, options)
      if (move) moves.push(move)
    }
    return moves
  } finally {
    await Promise.all([...clients.values()].map((client) => client.end().catch(() => undefined)))
  }
}

/** How many shards of each family each server holds, and which are between two. */
export async function shardTable(servers: readonly ServerAddress[]): Promise<readonly ShardCount[]> {
  const counts: ShardCount[] = []
  for (const server of servers) {
    const client = await connected(server)
    try {
      await checkTables(server.name, client)
      const { rows } = await client.query<Omit<ShardCount, 'server'>>(
        `SELECT family, state, count(*)::integer AS shards, min(shard) AS first, max(shard) AS last FROM held_shard
         WHERE state <> 'moved' GROUP BY family, state ORDER BY family, state`,
      )
      counts.push(...rows.map((row) => ({ server: server.name, ...row })))
    } finally {
      await client.end()
    }
  }
  return counts
}

export interface ShardCount {
  readonly server: string
  readonly family: Family
  readonly state: 'held' | 'arriving'
  readonly shards: number
  readonly first: number
  readonly last: number
}

async function moveOne(
  shard: ShardKey,
  clients: ReadonlyMap<string, pg.Client>,
  { to, nowMs, onStep }: MoveOptions,
): Promise<Move | undefined> {
  const target = clients.get(to)!
  await lockMover(target, shard)
  try {
    const place = await placeOf(shard, clients, to)
    if (place.from === to) return undefined
    const ends: Ends = { shard, source: clients.get(place.from)!, target }
    let sent = { rows: 0, lockedMs: 0 }
    if (!place.isMarked) sent = await copyAndMark(ends, place.epoch + 1, to, nowMs, onStep)
    await onStep?.('marked')
    await setState(target, shard, 'held', place.isMarked ? place.epoch : place.epoch + 1)
    await onStep?.('held')
    await emptySource(ends)
    await onStep?.('emptied')
    return { shard, from: place.from, to, ...sent }
  } finally {
    await target.query('SELECT pg_advisory_unlock($1, $2)', [MOVER_LOCKS[shard.family], shard.shard]).catch(() => {})
  }
}

/** H4. */
async function lockMover(target: pg.Client, { family, shard }: ShardKey): Promise<void> {
  const { rows } = await target.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [
    MOVER_LOCKS[family],
    shard,
  ])
  if (!rows[0]?.locked) refuseMove('BEING_MOVED', `${family} ${shard} is being moved there already`)
}

interface Place {
  readonly from: string
  readonly epoch: number
  /** The source has marked the shard as moved: the target has all. */
  readonly isMarked: boolean
}

async function placeOf({ family, shard }: ShardKey, clients: ReadonlyMap<string, pg.Client>, to: string) {
  const states: { name: string; state: string; epoch: number; moved_to: string | null }[] = []
  for (const [name, client] of clients) {
    const { rows } = await client.query<{ state: string; epoch: number; moved_to: string | null }>(
      'SELECT state, epoch, moved_to FROM held_shard WHERE family = $1 AND shard = $2',
      [family, shard],
    )
    if (rows[0]) states.push({ name, ...rows[0] })
  }
  const held = states.find(({ state }) => state === 'held')
  if (held) return { from: held.name, epoch: held.epoch, isMarked: false } satisfies Place
  const [marked] = states.filter(({ state }) => state === 'moved').sort((one, other) => other.epoch - one.epoch)
  if (!marked) return refuseMove('NO_SUCH_SHARD', `no server that was named holds ${family} ${shard}`)
  if (marked.moved_to !== to) {
    refuseMove('BEING_MOVED', `${family} ${shard} was on its way to ${marked.moved_to}: move it there first`)
  }
  return { from: marked.name, epoch: marked.epoch, isMarked: true } satisfies Place
}

async function copyAndMark(
  ends: Ends,
  epoch: number,
  to: string,
  nowMs: () => number,
  onStep: MoveOptions['onStep'],
): Promise<{ rows: number; lockedMs: number }> {
  const { shard, source, target } = ends
  await setState(target, shard, 'arriving', epoch)
  let unseen = '0'
  let rows = 0
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const sent = await inTransaction(source, async () => {
      await source.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
      return copyPass(ends, unseen)
    })
    unseen = sent.unseen
    rows += sent.rows
    await onStep?.('copied')
    if (sent.rows < FEW_ROWS) break
  }
  let lockedFromMs = 0
  await inTransaction(source, async () => {
    await source.query(`SET LOCAL lock_timeout = '${SWITCH_WITHIN}'`)
    await source.query(`SET LOCAL idle_in_transaction_session_timeout = '${SWITCH_WITHIN}'`)
    await source.query('SELECT pg_advisory_xact_lock(family_number($1), $2)', [shard.family, shard.shard])
    lockedFromMs = nowMs()
    rows += (await copyPass(ends, unseen)).rows
    // From the mark on nobody serves the shard until the target does: it has to be there now, though it may owe no row.
    await target.query('SELECT 1')
    await onStep?.('locked')
    await source.query(
      `UPDATE held_shard SET state = 'moved', epoch = $3, moved_to = $4 WHERE family = $1 AND shard = $2`,
      [shard.family, shard.shard, epoch, to],
    )
  })
  return { rows, lockedMs: nowMs() - lockedFromMs }
}

/** Sends what transactions from `unseen` on have written; answers with where the next pass begins (H1). */
async function copyPass({ shard, source, target }: Ends, unseen: string): Promise<{ rows: number; unseen: string }> {
  const table = TABLES[shard.family]
  // The declaration of the cursor takes the snapshot that all its rows come from, and is told with them.
  const { rows: snapshot } = await source.query<{ xmin: string }>(
    'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin',
  )
  await source.query(
    `DECLARE moving NO SCROLL CURSOR FOR
     SELECT to_jsonb(row) - 'written_by' AS row FROM ${table.name} row
     WHERE shard = ${Number(shard.shard)} AND written_by >= '${BigInt(unseen)}'::xid8`,
  )
  let sent = 0
  for (;;) {
    const { rows } = await source.query<{ row: unknown }>(`FETCH ${ROWS_AT_ONCE} FROM moving`)
    if (rows.length === 0) break
    await send(
      target,
      shard.family,
      rows.map(({ row }) => JSON.stringify(row)),
    )
    sent += rows.length
  }
  await source.query('CLOSE moving')
  return { rows: sent, unseen: snapshot[0]!.xmin }
}

async function send(target: pg.Client, family: Family, rows: readonly string[]): Promise<void> {
  const { name, key } = TABLES[family]
  const { rows: columns } = await target.query<{ column: string }>(
    `SELECT attname AS column FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'written_by' ORDER BY attnum`,
    [name],
  )
  const all = columns.map(({ column }) => column)
  const others = all.filter((column) => !key.includes(column))
  await target.query(
    `INSERT INTO ${name} (${all.join(', ')})
     SELECT ${all.map((column) => `(row).${column}`).join(', ')}
     FROM (SELECT jsonb_populate_record(NULL::public.${name}, sent) AS row FROM unnest($1::jsonb[]) AS sent) AS sent
     ON CONFLICT (${key.join(', ')}) DO UPDATE SET
       ${others.map((column) => `${column} = excluded.${column}`).join(', ')}, written_by = pg_current_xact_id()`,
    [rows],
  )
}

async function setState(client: pg.Client, { family, shard }: ShardKey, state: string, epoch: number): Promise<void> {
  await client.query(
    `INSERT INTO held_shard (family, shard, state, epoch) VALUES ($1, $2, $3, $4)
     ON CONFLICT (family, shard) DO UPDATE SET state = $3, epoch = $4, moved_to = NULL`,
    [family, shard, state, epoch],
  )
}

/** What is left behind would only be in the way of a later return. */
async function emptySource({ shard, source }: Ends): Promise<void> {
  const { name } = TABLES[shard.family]
  for (;;) {
    const { rowCount } = await source.query(
      `DELETE FROM ${name} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${name} WHERE shard = $1 AND NOT EXISTS (
           SELECT FROM held_shard WHERE family = $2 AND shard = $1 AND state <> 'moved') LIMIT ${ROWS_AT_ONCE}))`,
      [shard.shard, shard.family],
    )
    if (!rowCount) return
  }
}

function refuseMove(reason: string, message: string): never {
  throw new ActorError('REFUSED', message, { reason })
}
