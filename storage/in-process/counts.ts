import { checkItems } from '../ports/caches.js'
import type { CountCache } from '../ports/count-cache.js'
import type { NewMap } from './caches.js'

const COUNT_BYTES = 100

export function countsInProcess(newMap: NewMap, ttlMs: number): CountCache {
  const counts = newMap<number, number>(() => COUNT_BYTES)
  return {
    async put(given) {
      checkItems(given)
      for (const { channel, count } of given) counts.set(channel, count, ttlMs)
      return true
    },
    async add(changes) {
      checkItems(changes)
      for (const { channel, by } of changes) {
        const count = counts.get(channel)
        if (count !== undefined) counts.set(channel, count + by, ttlMs)
      }
      return true
    },
    async remove(channels) {
      checkItems(channels)
      for (const channel of channels) counts.delete(channel)
      return true
    },
    async of(channels) {
      checkItems(channels)
      return channels.map((channel) => counts.get(channel))
    },
  }
}
