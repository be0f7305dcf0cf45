import { checkItems } from '../ports/caches.js'
import { type FileLocation, type LocationCache, MAX_LOCATION_CHARACTERS } from '../ports/location-cache.js'
import { command } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

/** `<prefix>:file:<id>`: JSON `[dc, bucket, key, bytes]`. */
export function locationsOnRedis(link: RedisLink, prefix: string, ttlMs: number): LocationCache {
  const keyOf = (file: string) => `${prefix}:file:${file}`
  return {
    async put(files) {
      checkItems(files)
      const commands = files.map(({ file, location: { dc, bucket, key, bytes } }) =>
        bucket.length + key.length <= MAX_LOCATION_CHARACTERS
          ? command('set', keyOf(file), JSON.stringify([dc, bucket, key, bytes]), 'PX', ttlMs)
          : command('del', keyOf(file)),
      )
      return (await link.ask(commands)).every((reply) => reply !== undefined)
    },
    async remove(files) {
      checkItems(files)
      return (await link.ask(files.map((file) => command('del', keyOf(file))))).every((reply) => reply !== undefined)
    },
    async of(files) {
      checkItems(files)
      const replies = await link.ask(files.map((file) => command('get', keyOf(file))))
      return replies.map((reply) => (typeof reply === 'string' ? locationOf(reply) : undefined))
    },
  }
}

/** What is not ours is not known. */
function locationOf(text: string): FileLocation | undefined {
  try {
    const [dc, bucket, key, bytes] = JSON.parse(text) as [number, string, string, number]
    const isLocation = Number.isInteger(dc) && typeof bucket === 'string' && typeof key === 'string'
    return isLocation && Number.isInteger(bytes) ? { dc, bucket, key, bytes } : undefined
  } catch {
    return undefined
  }
}
