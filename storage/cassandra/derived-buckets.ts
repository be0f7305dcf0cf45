/**
 * How the derived rows of a group are cut into partitions.
 *
 * B1. Places below 2^40 count something, and neighbours have neighbouring ones: a bucket has 4,096 of them.
 * B2. Places from 2^40 on are hashes, and have no neighbours: they lie in slices of 2^46 places, at most 128 a group, however
 *     many rows there are. Buckets of 4,096 would be one a row.
 * B3. The order of buckets is that of their places.
 * B4. Until version 2 of the schema hashes were cut as counted places are. Such rows are scattered over buckets between the
 *     others, where they are still found and removed; none are added.
 */
const placesPerBucket = 4_096
const placesPerSlice = 2 ** 46
export const firstHash = 2 ** 40
export const firstScattered = firstHash / placesPerBucket
export const firstSlice = 2 ** 42

export function bucketOf(place: number): number {
  return place < firstHash ? Math.floor(place / placesPerBucket) : firstSlice + Math.floor(place / placesPerSlice)
}

/** Where a hash lay before there were slices (B4). */
export function scatteredBucketOf(hash: number): number {
  return Math.floor(hash / placesPerBucket)
}

export function isScattered(bucket: number): boolean {
  return bucket >= firstScattered && bucket < firstSlice
}

/** Buckets that this process has noted already, of all actors, each under an epoch; bounded. */
export class NotedBuckets {
  readonly #noted = new Set<string>()
  static readonly #most = 50_000

  has(name: string): boolean {
    return this.#noted.has(name)
  }

  delete(name: string): void {
    this.#noted.delete(name)
  }

  add(names: readonly string[]): void {
    if (this.#noted.size + names.length > NotedBuckets.#most) this.#noted.clear()
    for (const name of names) this.#noted.add(name)
  }
}
