import { checkedName } from '../ports/checks.js'
import { longestNameCharacters, type NameIndex, type NameMatch, shortestQueryCharacters } from '../ports/name-index.js'
import type { Row, Statement } from './server.js'
import { indexShard } from './shard.js'
import type { ShardMap } from './shard-map.js'

const INDEX: Statement = { name: 'index_name', text: 'SELECT index_name($1, $2, $3, $4, $5) AS held' }
/** One row without a name says that the shard is held and nothing was found. */
const PREFIX: Statement = {
  name: 'names_with_prefix',
  text: `
    SELECT h.shard IS NOT NULL AS held, found.shown, found.user_id
    FROM (VALUES ($1::integer)) AS asked (shard)
    LEFT JOIN held_shard h ON h.family = 'index' AND h.shard = asked.shard AND h.state = 'held'
    LEFT JOIN LATERAL (
      SELECT shown, name, user_id FROM indexed_name
      WHERE shard = h.shard AND name >= $2 AND name < $3 AND NOT removed
      ORDER BY name, user_id LIMIT $4
    ) AS found ON true
    ORDER BY found.name, found.user_id`,
}

interface FoundMatch extends Row {
  readonly held: boolean
  readonly shown: string | null
  readonly user_id: number
}

/** Behind every text that begins so: no name holds the last code point. */
const lastCodePoint = '\u{10ffff}'

/** NameIndex on the servers that hold the shards of the first three characters. */
export class PostgresNameIndex implements NameIndex {
  readonly #map: ShardMap

  constructor(map: ShardMap) {
    this.#map = map
  }

  put(name: string, userId: number): Promise<void> {
    return this.#write(name, userId, false)
  }

  remove(name: string, userId: number): Promise<void> {
    return this.#write(name, userId, true)
  }

  async prefix(query: string, limit: number): Promise<readonly NameMatch[]> {
    const beginning = query.toLowerCase()
    if (beginning.length < shortestQueryCharacters || limit <= 0 || query.length > longestNameCharacters) return []
    if (beginning.includes('\0')) return []
    const [matches] = await this.#map.read('index', [beginning], indexShard, async (server, [key = '']) => {
      const rows = await server.read<FoundMatch>(PREFIX, [indexShard(key), key, key + lastCodePoint, limit])
      const found = rows.filter(({ shown }) => shown !== null)
      const value = found.map(({ shown, user_id }): NameMatch => ({ name: shown ?? '', userId: user_id }))
      return [{ held: rows[0]?.held === true, value }]
    })
    return matches ?? []
  }

  async #write(name: string, userId: number, removed: boolean): Promise<void> {
    const lowerCase = checkedName(name).toLowerCase()
    const shard = indexShard(lowerCase)
    await this.#map.write<Row & { held: boolean }>('index', shard, INDEX, [shard, lowerCase, userId, name, removed])
  }
}
