import type { Caches, CacheTimes } from '../ports/caches.js'

/** What a suite needs of a driver of the caches: new ones, empty, with these times, that answer already. */
export type NewCaches = (times?: Partial<CacheTimes>) => Promise<Caches>
