import type { PostgresServer, Row, Statement } from './server.js'
import { SHARDS } from './shard.js'

/** How many rows the servers hold between them. */
export interface RowCounts {
  /** Names that were ever taken; those that nobody holds any more stay. */
  readonly names: number
  /** Of the search index. */
  readonly indexed: number
  readonly accounts: number
}

const COUNT: Statement = {
  name: 'count_rows',
  text: `
    WITH here AS (SELECT family, shard FROM held_shard WHERE state = 'held' AND shard BETWEEN $1 AND $2)
    SELECT
      (SELECT count(*) FROM claimed_name JOIN here USING (shard) WHERE family = 'name') AS names,
      (SELECT count(*) FROM indexed_name JOIN here USING (shard) WHERE family = 'index' AND NOT removed) AS indexed,
      (SELECT count(*) FROM account JOIN here USING (shard) WHERE family = 'account') AS accounts`,
}

/** A statement has its time-out: so few shards are counted in it at any size. */
const shardsAStatement = 32

/** Counts what lies in shards that are held; what changes meanwhile may count or not. Rejects with STORE_UNAVAILABLE. */
export async function countRows(servers: readonly PostgresServer[]): Promise<RowCounts> {
  const sums = { names: 0, indexed: 0, accounts: 0 }
  for (const server of servers) {
    for (let first = 0; first < SHARDS; first += shardsAStatement) {
      const [row] = await server.read<RowCounts & Row>(COUNT, [first, first + shardsAStatement - 1])
      if (!row) continue
      sums.names += row.names
      sums.indexed += row.indexed
      sums.accounts += row.accounts
    }
  }
  return sums
}
