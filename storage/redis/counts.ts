import { checkItems } from '../ports/caches.js'
import type { CountCache } from '../ports/count-cache.js'
import { command, run, script } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

/** `<prefix>:subscribers:{<channel>}`: the count. ARGV: the change, ttl in ms. */
const add = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)

export function countsOnRedis(link: RedisLink, prefix: string, ttlMs: number): CountCache {
  const keyOf = (channel: number) => `${prefix}:subscribers:{${channel}}`
  return {
    async put(counts) {
      checkItems(counts)
      const commands = counts.map(({ channel, count }) => command('set', keyOf(channel), count, 'PX', ttlMs))
      return all(await link.ask(commands))
    },
    async add(changes) {
      checkItems(changes)
      return all(await link.ask(changes.map(({ channel, by }) => run(add, [keyOf(channel)], [by, ttlMs]))))
    },
    async remove(channels) {
      checkItems(channels)
      return all(await link.ask(channels.map((channel) => command('del', keyOf(channel)))))
    },
    async of(channels) {
      checkItems(channels)
      const replies = await link.ask(channels.map((channel) => command('get', keyOf(channel))))
      return replies.map((reply) => (typeof reply === 'string' ? Number(reply) : undefined))
    },
  }
}

function all(replies: readonly unknown[]): boolean {
  return replies.every((reply) => reply !== undefined)
}
