import type { Clock } from '../../runtime/index.js'
import { checkItems } from '../ports/caches.js'
import { MAX_ONLINE_MS, type PresenceCache, type PresenceNote, type Seen } from '../ports/presence-cache.js'
import { command, run, script } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

/**
 * Ids are cut into pages of 4096: those of one page were given out at about the same time.
 *
 * - `<prefix>:seen:{p<page>}`: 64 bits an id: 48 for when it was seen (ms), 16 for how many seconds from then on it is
 *   online; 65535: the account is gone.
 * - `<prefix>:online:{p<page>}:<slot>`: a bitmap, one bit an id, of those who are online in this slot of time. A key dies with
 *   its slot, so no bit has to be cleared when somebody's time is over.
 * - `<prefix>:online-pages`: the pages that were written to, by when: what a count has to look at.
 */
const PAGE_IDS = 4096
const GONE = 65_535

/**
 * KEYS: the records, then the bitmaps from the present slot on. ARGV: now, ttl of the records, width of a slot (ms), then
 * triples: number in the page, seen at (ms), seconds online.
 */
const note = script(`
local now, slotMs = tonumber(ARGV[1]), tonumber(ARGV[3])
local first = now - now % slotMs
for at = 4, #ARGV, 3 do
  local id, seen, lasts = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local place = id * 64
  if seen >= redis.call('BITFIELD', KEYS[1], 'GET', 'u48', place)[1] then
    redis.call('BITFIELD', KEYS[1], 'SET', 'u48', place, ARGV[at + 1], 'SET', 'u16', place + 48, lasts)
    local untilMs = 0
    if lasts > 0 and lasts ~= ${GONE} then untilMs = seen + lasts * 1000 end
    for slot = 2, #KEYS do
      if untilMs > now and untilMs > first + (slot - 2) * slotMs then
        redis.call('SETBIT', KEYS[slot], id, 1)
      elseif redis.call('GETBIT', KEYS[slot], id) == 1 then
        redis.call('SETBIT', KEYS[slot], id, 0)
      end
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for slot = 2, #KEYS do redis.call('PEXPIRE', KEYS[slot], first + (slot + 1) * slotMs - now) end
return 1
`)

export interface PresenceTimes {
  readonly seenMs: number
  readonly onlineSlotMs: number
}

export function presenceOnRedis(link: RedisLink, clock: Clock, prefix: string, times: PresenceTimes): PresenceCache {
  const { seenMs, onlineSlotMs: slotMs } = times
  const slots = Math.ceil(MAX_ONLINE_MS / slotMs) + 1
  const pagesKey = `${prefix}:online-pages`
  const seenKey = (page: number) => `${prefix}:seen:{p${page}}`
  const bitsKey = (page: number, slot: number) => `${prefix}:online:{p${page}}:${slot}`

  async function write(users: readonly number[], fieldsOf: (at: number) => readonly [number, number]) {
    checkItems(users)
    if (users.length === 0) return true
    const nowMs = Math.floor(clock.now())
    const firstSlot = Math.floor(nowMs / slotMs)
    const pages = byPage(users)
    const commands = [...pages].map(([page, places]) => {
      const keys = [seenKey(page), ...Array.from({ length: slots }, (_, at) => bitsKey(page, firstSlot + at))]
      const notes = places.flatMap(({ at, place }) => [place, ...fieldsOf(at)])
      return run(note, keys, [nowMs, seenMs, slotMs, ...notes])
    })
    const replies = await link.ask([
      ...commands,
      command('zadd', pagesKey, ...[...pages.keys()].flatMap((page) => [nowMs, page])),
      command('zremrangebyscore', pagesKey, '-inf', nowMs - 2 * (MAX_ONLINE_MS + slotMs)),
      command('pexpire', pagesKey, seenMs),
    ])
    return replies.every((reply) => reply !== undefined)
  }

  /** Asks each page once for what `fields` names of each of its ids; `take` gets these figures, or nothing. */
  async function read<Value>(
    users: readonly number[],
    keyOf: (page: number) => string,
    fields: (place: number) => readonly (string | number)[],
    take: (figures: readonly number[]) => Value,
  ): Promise<readonly (Value | undefined)[]> {
    checkItems(users)
    const pages = [...byPage(users)]
    const commands = pages.map(([page, places]) =>
      command('bitfield_ro', keyOf(page), ...places.flatMap(({ place }) => fields(place))),
    )
    const replies = await link.ask(commands)
    const values: (Value | undefined)[] = new Array(users.length).fill(undefined)
    for (const [index, [, places]] of pages.entries()) {
      const figures = replies[index] as readonly number[] | undefined
      if (!figures) continue
      const each = figures.length / places.length
      for (const [nth, { at }] of places.entries()) values[at] = take(figures.slice(nth * each, (nth + 1) * each))
    }
    return values
  }

  return {
    put: (notes) =>
      write(
        notes.map(({ user }) => user),
        (at) => [Math.floor(notes[at]!.seenAtMs), lastsOf(notes[at]!)],
      ),
    remove: (users, atMs) => write(users, () => [Math.floor(atMs), GONE]),
    of(users) {
      const fields = (place: number) => ['GET', 'u48', place * 64, 'GET', 'u16', place * 64 + 48]
      const nowMs = clock.now()
      return read(users, seenKey, fields, ([seenAtMs = 0, lasts = 0]) => seenOf(seenAtMs, lasts, nowMs))
    },
    onlineAmong(users) {
      const slot = Math.floor(clock.now() / slotMs)
      const key = (page: number) => bitsKey(page, slot)
      return read(
        users,
        key,
        (place) => ['GET', 'u1', place],
        ([bit]) => bit === 1,
      )
    },
    async count() {
      const nowMs = clock.now()
      const since = Math.floor(nowMs - MAX_ONLINE_MS - slotMs)
      const [pages] = await link.ask([command('zrangebyscore', pagesKey, since, '+inf')])
      if (!Array.isArray(pages)) return undefined
      const slot = Math.floor(nowMs / slotMs)
      const counts = await link.ask(pages.map((page) => command('bitcount', bitsKey(Number(page), slot))))
      return counts.reduce<number | undefined>(
        (sum, count) => (sum === undefined || typeof count !== 'number' ? undefined : sum + count),
        0,
      )
    },
  }
}

function lastsOf({ seenAtMs, onlineUntilMs }: PresenceNote): number {
  const lastsMs = Math.min(onlineUntilMs - seenAtMs, MAX_ONLINE_MS)
  return Math.max(0, Math.ceil(lastsMs / 1000))
}

function seenOf(seenAtMs: number, lasts: number, nowMs: number): Seen | undefined {
  if (seenAtMs === 0 || lasts === GONE) return undefined
  const untilMs = lasts === 0 ? 0 : seenAtMs + lasts * 1000
  return { seenAtMs, onlineUntilMs: untilMs > nowMs ? untilMs : 0 }
}

interface Place {
  /** Index in what was asked. */
  readonly at: number
  /** Number in the page. */
  readonly place: number
}

function byPage(users: readonly number[]): ReadonlyMap<number, Place[]> {
  const pages = new Map<number, Place[]>()
  for (const [at, user] of users.entries()) {
    const page = Math.floor(user / PAGE_IDS)
    const places = pages.get(page)
    if (places) places.push({ at, place: user % PAGE_IDS })
    else pages.set(page, [{ at, place: user % PAGE_IDS }])
  }
  return pages
}
