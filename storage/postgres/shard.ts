/**
 * Which logical shard a row belongs to. Fixed for ever: rows are stored under it.
 */
import { ActorError } from '../../runtime/index.js'
import type { NameKey } from '../ports/name-directory.js'
import { shortestQueryCharacters } from '../ports/name-index.js'

export const SHARDS = 1024

/** Accounts, names and the search index are sharded, and moved, each by themselves. */
export const families = ['account', 'name', 'index'] as const
export type Family = (typeof families)[number]

export interface ShardKey {
  readonly family: Family
  readonly shard: number
}

function isFamily(text: string): text is Family {
  return (families as readonly string[]).includes(text)
}

export function accountShard(userId: number): number {
  return userId % SHARDS
}

export function nameShard({ kind, name }: NameKey): number {
  return hashOf(`${kind}:${name}`) % SHARDS
}

/** Names that begin alike lie together, so that a search asks one server. */
export function indexShard(lowerCaseName: string): number {
  return hashOf(lowerCaseName.slice(0, shortestQueryCharacters)) % SHARDS
}

/** FNV-1a over UTF-16 units, then mixed, for its low bits are poor. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/**
 * The shards that an operator names: `17`, `0-255` (each in all families), `name:17`, `account:0-255`.
 * Throws REFUSED (BAD_SHARDS).
 */
export function readShards(text: string): readonly ShardKey[] {
  const [, family = '', from = '', to = from] = /^(?:([a-z]+):)?([0-9]{1,4})(?:-([0-9]{1,4}))?$/.exec(text) ?? []
  const first = Number(from)
  const last = Number(to)
  if (from === '' || first > last || last >= SHARDS || (family !== '' && !isFamily(family))) {
    const cure = `give a number or range from 0 to ${SHARDS - 1}, and before it ${families.join(':, ')}: or nothing`
    throw new ActorError('REFUSED', `${JSON.stringify(text)} names no shards: ${cure}`, { reason: 'BAD_SHARDS' })
  }
  const shards = Array.from({ length: last - first + 1 }, (_, at) => first + at)
  const named = isFamily(family) ? [family] : families
  return shards.flatMap((shard) => named.map((each): ShardKey => ({ family: each, shard })))
}
