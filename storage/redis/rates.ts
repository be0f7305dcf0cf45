import { checkItems } from '../ports/caches.js'
import { MAX_DEBT_MS, type RateCounter } from '../ports/rate-counter.js'
import { run, script } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

/**
 * `<prefix>:rate:{r<0 to 15>}:<key>`: the moment, by the server's clock in ms, at which the bucket is full again; all else
 * follows from it. The key dies at that moment. Sixteen tags, so that many buckets are one script a tag, and a cluster
 * spreads them.
 */
const TAGS = 16

/** Buckets a script: a long one would keep the server from others. */
const BUCKETS_A_SCRIPT = 250

/** KEYS: buckets. ARGV: count, burst, tokens a ms of each. Gives what is left, as text: Lua's numbers lose their fractions. */
const add = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local left = {}
for at = 1, #KEYS do
  local count, burst, perMs = tonumber(ARGV[3 * at - 2]), tonumber(ARGV[3 * at - 1]), tonumber(ARGV[3 * at])
  local full = tonumber(redis.call('GET', KEYS[at]) or now)
  local used = math.min(2 * burst + ${MAX_DEBT_MS} * perMs, math.max(0, full - now) * perMs + count)
  if count > 0 then
    redis.call('SET', KEYS[at], string.format('%.3f', now + used / perMs), 'PX', math.ceil(used / perMs))
  end
  left[at] = string.format('%.6f', burst - used)
end
return left
`)

export function ratesOnRedis(link: RedisLink, prefix: string): RateCounter {
  return {
    async add(uses) {
      checkItems(uses)
      const byTag = new Map<number, number[]>()
      for (const [at, { key }] of uses.entries()) {
        const tag = tagOf(key)
        const group = byTag.get(tag)
        if (group) group.push(at)
        else byTag.set(tag, [at])
      }
      const groups = [...byTag].flatMap(([tag, ats]) => cut(ats).map((part) => ({ tag, ats: part })))
      const commands = groups.map(({ tag, ats }) => {
        const keys = ats.map((at) => `${prefix}:rate:{r${tag}}:${uses[at]!.key}`)
        const args = ats.flatMap((at) => [uses[at]!.count, uses[at]!.burst, uses[at]!.perSecond / 1000])
        return run(add, keys, args)
      })
      const replies = await link.ask(commands)
      const left: (number | undefined)[] = new Array(uses.length).fill(undefined)
      for (const [index, { ats }] of groups.entries()) {
        const texts = replies[index] as readonly string[] | undefined
        for (const [nth, at] of ats.entries()) if (texts) left[at] = Number(texts[nth])
      }
      return left
    },
  }
}

function cut(ats: readonly number[]): (readonly number[])[] {
  const parts: (readonly number[])[] = []
  for (let from = 0; from < ats.length; from += BUCKETS_A_SCRIPT) parts.push(ats.slice(from, from + BUCKETS_A_SCRIPT))
  return parts
}

/** FNV-1a. */
function tagOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % TAGS
}
