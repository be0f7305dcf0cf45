import type { Clock } from '../../runtime/index.js'
import { checkItems } from '../ports/caches.js'
import { type LiveSession, MAX_SESSIONS_A_USER, type SessionCache } from '../ports/session-cache.js'
import { command, run, script } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

/**
 * `<prefix>:sessions:{<user>}`: a hash, a field a session (`<gateway> <session>`), whose value is
 * `<until, ms> <device> <session> <gateway>`. Redis 7.0 has no time a field, so it stands in the value.
 */
const keyOf = (prefix: string, user: number) => `${prefix}:sessions:{${user}}`
const fieldOf = ({ gateway, session }: Omit<LiveSession, 'device'>) => `${gateway} ${session}`

/** KEYS: the account's. ARGV: ttl in ms, the most sessions, then field, value ... Over the most, the first to end go. */
const put = script(`
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
local over = redis.call('HLEN', KEYS[1]) - tonumber(ARGV[2])
if over > 0 then
  local all = redis.call('HGETALL', KEYS[1])
  local ends = {}
  for at = 1, #all, 2 do ends[#ends + 1] = {tonumber(string.match(all[at + 1], '^%d+')), all[at]} end
  table.sort(ends, function(one, other) return one[1] < other[1] end)
  for at = 1, over do redis.call('HDEL', KEYS[1], ends[at][2]) end
end
return 1
`)

export function sessionsOnRedis(link: RedisLink, clock: Clock, prefix: string, ttlMs: number): SessionCache {
  return {
    async put(sessions) {
      checkItems(sessions)
      const untilMs = Math.round(clock.now() + ttlMs)
      const commands = [...byUser(sessions)].map(([user, theirs]) => {
        const newest = theirs.slice(-MAX_SESSIONS_A_USER)
        const fields = newest.flatMap((one) => [fieldOf(one), `${untilMs} ${one.device} ${one.session} ${one.gateway}`])
        return run(put, [keyOf(prefix, user)], [ttlMs, MAX_SESSIONS_A_USER, ...fields])
      })
      return all(await link.ask(commands))
    },
    async remove(sessions) {
      checkItems(sessions)
      const commands = [...byUser(sessions)].map(([user, theirs]) =>
        command('hdel', keyOf(prefix, user), ...theirs.map(fieldOf)),
      )
      return all(await link.ask(commands))
    },
    async of(users) {
      checkItems(users)
      const replies = await link.ask(users.map((user) => command('hvals', keyOf(prefix, user))))
      const nowMs = clock.now()
      return users.map((user, at) => {
        const values = replies[at] as readonly string[] | undefined
        return values?.flatMap((value) => liveSession(user, value, nowMs))
      })
    },
  }
}

function byUser<Item extends { readonly user: number }>(items: readonly Item[]): ReadonlyMap<number, Item[]> {
  const groups = new Map<number, Item[]>()
  for (const item of items) {
    const group = groups.get(item.user)
    if (group) group.push(item)
    else groups.set(item.user, [item])
  }
  return groups
}

function liveSession(user: number, value: string, nowMs: number): LiveSession[] {
  const [until, device, session, ...gateway] = value.split(' ')
  if (device === undefined || session === undefined || !(Number(until) > nowMs)) return []
  return [{ user, device, session, gateway: gateway.join(' ') }]
}

function all(replies: readonly unknown[]): boolean {
  return replies.every((reply) => reply !== undefined)
}
