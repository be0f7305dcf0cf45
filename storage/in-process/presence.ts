import type { Clock } from '../../runtime/index.js'
import { checkItems } from '../ports/caches.js'
import { MAX_ONLINE_MS, type PresenceCache, type Seen } from '../ports/presence-cache.js'
import type { NewMap } from './caches.js'

interface Record extends Seen {
  readonly isGone: boolean
}

const RECORD_BYTES = 150

export function presenceInProcess(newMap: NewMap, clock: Clock, seenMs: number): PresenceCache {
  const records = newMap<number, Record>(() => RECORD_BYTES)
  const known = (user: number) => {
    const record = records.get(user)
    return record?.isGone ? undefined : record
  }
  const isOnline = (record: Seen | undefined) => record !== undefined && record.onlineUntilMs > clock.now()

  function note(user: number, record: Record): void {
    if (record.seenAtMs >= (records.get(user)?.seenAtMs ?? 0)) records.set(user, record, seenMs)
  }

  return {
    async put(notes) {
      checkItems(notes)
      for (const { user, seenAtMs, onlineUntilMs } of notes) {
        note(user, { seenAtMs, onlineUntilMs: Math.min(onlineUntilMs, seenAtMs + MAX_ONLINE_MS), isGone: false })
      }
      return true
    },
    async remove(users, atMs) {
      checkItems(users)
      for (const user of users) note(user, { seenAtMs: atMs, onlineUntilMs: 0, isGone: true })
      return true
    },
    async of(users) {
      checkItems(users)
      return users.map((user) => {
        const record = known(user)
        return record && { onlineUntilMs: isOnline(record) ? record.onlineUntilMs : 0, seenAtMs: record.seenAtMs }
      })
    },
    async onlineAmong(users) {
      checkItems(users)
      return users.map((user) => isOnline(known(user)))
    },
    async count() {
      let online = 0
      for (const record of records.values()) if (isOnline(record)) online++
      return online
    },
  }
}
