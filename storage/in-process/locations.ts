import { checkItems } from '../ports/caches.js'
import { type FileLocation, type LocationCache, MAX_LOCATION_CHARACTERS } from '../ports/location-cache.js'
import type { NewMap } from './caches.js'

const LOCATION_BYTES = 200

export function locationsInProcess(newMap: NewMap, ttlMs: number): LocationCache {
  const locations = newMap<string, FileLocation>(
    (file, { bucket, key }) => LOCATION_BYTES + 2 * (file.length + bucket.length + key.length),
  )
  return {
    async put(files) {
      checkItems(files)
      for (const { file, location } of files) {
        const { bucket, key } = location
        if (bucket.length + key.length <= MAX_LOCATION_CHARACTERS) locations.set(file, location, ttlMs)
        else locations.delete(file)
      }
      return true
    },
    async remove(files) {
      checkItems(files)
      for (const file of files) locations.delete(file)
      return true
    },
    async of(files) {
      checkItems(files)
      return files.map((file) => locations.get(file))
    },
  }
}
