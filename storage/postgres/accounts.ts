import { errorCode } from '../../runtime/index.js'
import type { AccountRow, AccountStore, AskedAccount } from '../ports/account-store.js'
import { checkedRow } from '../ports/checks.js'
import type { PostgresServer, Row, Statement } from './server.js'
import { accountShard } from './shard.js'
import type { KeyAnswer, ShardMap } from './shard-map.js'

const PUT: Statement = {
  name: 'put_account',
  text: 'SELECT put_account($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS held',
}
const GET: Statement = {
  name: 'get_accounts',
  text: `
    SELECT h.shard IS NOT NULL AS held, a.*
    FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS asked (shard, id, at)
    LEFT JOIN held_shard h ON h.family = 'account' AND h.shard = asked.shard AND h.state = 'held'
    LEFT JOIN account a ON a.shard = h.shard AND a.id = asked.id
    ORDER BY asked.at`,
}

interface StoredAccount extends Row {
  readonly held: boolean
  readonly id: number | null
  readonly pts: number
  readonly ordinal: number
  readonly first_name: string
  readonly last_name: string
  readonly about: string
  readonly username: string
  readonly phone: string
  readonly photo: string
  readonly premium: boolean
  readonly deleted: boolean
  readonly home_dc: number
  readonly seen_at_ms: number
}

/**
 * AccountStore on the servers that hold the accounts' shards.
 *
 * R1. A replica's answer counts only for rows that it has, and as new as asked for. Everything else is asked of the
 *     primary, also when the replica does not answer.
 */
export class PostgresAccounts implements AccountStore {
  readonly #map: ShardMap
  readonly #replicas: ReadonlyMap<PostgresServer, readonly PostgresServer[]>
  #turn = 0

  constructor(map: ShardMap, replicas: ReadonlyMap<PostgresServer, readonly PostgresServer[]>) {
    this.#map = map
    this.#replicas = replicas
  }

  async put(row: AccountRow): Promise<void> {
    const { id, version, firstName, lastName, about, username, phone, photo } = checkedRow(row)
    const shard = accountShard(id)
    const texts = [firstName, lastName, about, username, phone, photo]
    const rest = [row.premium, row.deleted, row.homeDc, Math.floor(row.seenAtMs)]
    const values = [shard, id, version.pts, version.ordinal, ...texts, ...rest]
    await this.#map.write<Row & { held: boolean }>('account', shard, PUT, values)
  }

  async get(asked: readonly AskedAccount[]): Promise<readonly (AccountRow | undefined)[]> {
    return this.#map.read(
      'account',
      asked,
      ({ id }) => accountShard(id),
      (server, keys) => this.#ask(server, keys),
    )
  }

  /** R1. */
  async #ask(primary: PostgresServer, keys: readonly AskedAccount[]): Promise<readonly KeyAnswer<AccountRow>[]> {
    const replicas = this.#replicas.get(primary)
    const replica = replicas?.[this.#turn++ % replicas.length]
    if (!replica) return rowsOf(primary, keys)
    const near = await rowsOf(replica, keys).catch((error) => {
      if (errorCode(error) === 'STORE_UNAVAILABLE') return undefined
      throw error
    })
    if (!near) return rowsOf(primary, keys)
    const missing = keys.filter((_, at) => near[at]?.value === undefined)
    if (missing.length === 0) return near
    const fromPrimary = (await rowsOf(primary, missing)).values()
    return near.map((answer) => (answer.value ? answer : fromPrimary.next().value!))
  }
}

async function rowsOf(server: PostgresServer, keys: readonly AskedAccount[]): Promise<KeyAnswer<AccountRow>[]> {
  const rows = await server.read<StoredAccount>(GET, [keys.map(({ id }) => accountShard(id)), keys.map(({ id }) => id)])
  return rows.map((row, at) => {
    const found = accountOf(row)
    const { atLeast } = keys[at]!
    const isNew = !atLeast || row.pts > atLeast.pts || (row.pts === atLeast.pts && row.ordinal >= atLeast.ordinal)
    return { held: row.held, value: isNew ? found : undefined }
  })
}

function accountOf(row: StoredAccount): AccountRow | undefined {
  if (row.id === null) return undefined
  const { id, pts, ordinal, about, username, phone, photo, premium, deleted } = row
  return {
    id,
    version: { pts, ordinal },
    firstName: row.first_name,
    lastName: row.last_name,
    about,
    username,
    phone,
    photo,
    premium,
    deleted,
    homeDc: row.home_dc,
    seenAtMs: row.seen_at_ms,
  }
}
