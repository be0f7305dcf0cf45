import { checkedName } from '../ports/checks.js'
import type { NameDirectory, NameKey, NameRecord } from '../ports/name-directory.js'
import type { Row, Statement } from './server.js'
import { nameShard } from './shard.js'
import type { KeyAnswer, ShardMap } from './shard-map.js'

/** Each step is one function of the migrations: one statement, one transaction, one row. */
const RESERVE: Statement = { name: 'reserve_name', text: 'SELECT * FROM reserve_name($1, $2, $3, $4, $5)' }
const CONFIRM: Statement = { name: 'confirm_name', text: 'SELECT confirm_name($1, $2, $3, $4, $5) AS held' }
const RELEASE: Statement = { name: 'release_name', text: 'SELECT release_name($1, $2, $3, $4, $5) AS held' }
const FIND: Statement = {
  name: 'find_names',
  text: `
    SELECT h.shard IS NOT NULL AS held, n.holder AS r_holder, n.owned AS r_owned, n.token AS r_token,
      n.reserved_at_ms AS r_reserved_at_ms
    FROM unnest($1::integer[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (shard, kind, name, at)
    LEFT JOIN held_shard h ON h.family = 'name' AND h.shard = asked.shard AND h.state = 'held'
    LEFT JOIN claimed_name n
      ON n.shard = h.shard AND n.kind = asked.kind AND n.name = asked.name AND n.holder IS NOT NULL
    ORDER BY asked.at`,
}

interface FoundName extends Row {
  readonly held: boolean
  readonly r_holder: number | null
  readonly r_owned: boolean
  readonly r_token: number
  readonly r_reserved_at_ms: number | null
}

/** NameDirectory on the servers that hold the names' shards: primaries only. */
export class PostgresNameDirectory implements NameDirectory {
  readonly #map: ShardMap

  constructor(map: ShardMap) {
    this.#map = map
  }

  async find(names: readonly NameKey[]): Promise<readonly (NameRecord | undefined)[]> {
    for (const { name } of names) checkedName(name)
    return this.#map.read('name', names, nameShard, async (server, keys) => {
      const columns = [keys.map(nameShard), keys.map(({ kind }) => kind), keys.map(({ name }) => name)]
      const rows = await server.read<FoundName>(FIND, columns)
      return rows.map((row): KeyAnswer<NameRecord> => ({ held: row.held, value: recordOf(row) }))
    })
  }

  async reserve(request: NameKey & { readonly user: number; readonly atMs: number }): Promise<NameRecord> {
    const { user, atMs } = request
    const record = recordOf(await this.#step<FoundName>(RESERVE, request, user, atMs))
    if (!record) throw new Error('reserve_name answered without a holder')
    return record
  }

  async confirm(request: NameKey & { readonly user: number; readonly token: number }): Promise<void> {
    await this.#step(CONFIRM, request, request.user, request.token)
  }

  async release(request: NameKey & { readonly user: number; readonly upTo: number }): Promise<void> {
    await this.#step(RELEASE, request, request.user, request.upTo)
  }

  #step<T extends Row & { readonly held: boolean }>(
    statement: Statement,
    key: NameKey,
    user: number,
    number: number,
  ): Promise<T> {
    const shard = nameShard(key)
    return this.#map.write<T>('name', shard, statement, [shard, key.kind, checkedName(key.name), user, number])
  }
}

function recordOf({ r_holder, r_owned, r_token, r_reserved_at_ms }: FoundName): NameRecord | undefined {
  if (r_holder === null) return undefined
  const record = { holder: r_holder, owned: r_owned, token: r_token }
  return r_reserved_at_ms === null ? record : { ...record, reservedAtMs: r_reserved_at_ms }
}
