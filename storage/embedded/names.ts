import { checkedName } from '../ports/checks.js'
import { longestNameCharacters, type NameIndex, type NameMatch, shortestQueryCharacters } from '../ports/name-index.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { nameKey, namePrefixKeys, nameUserOf } from './keys.js'

/** NameIndex on an ordered KV: one row a (name, account). */
export class EmbeddedNames implements NameIndex {
  readonly #kv: OrderedKv

  constructor(kv: OrderedKv) {
    this.#kv = kv
  }

  async put(name: string, userId: number): Promise<void> {
    await this.#kv.write([{ key: nameKey(comparable(name), userId), value: Buffer.from(name, 'utf8') }])
  }

  async remove(name: string, userId: number): Promise<void> {
    await this.#kv.write([{ key: nameKey(comparable(name), userId), value: undefined }])
  }

  async prefix(query: string, limit: number): Promise<readonly NameMatch[]> {
    const beginning = query.toLowerCase()
    if (beginning.length < shortestQueryCharacters || limit <= 0 || query.length > longestNameCharacters) return []
    const matches: NameMatch[] = []
    for (const { key, value } of this.#kv.range({ ...namePrefixKeys(beginning), limit })) {
      matches.push({ name: Buffer.from(value).toString('utf8'), userId: nameUserOf(key) })
    }
    return matches
  }
}

function comparable(name: string): string {
  return checkedName(name).toLowerCase()
}
