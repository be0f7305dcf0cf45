import type { NewCaches } from './caches-harness.js'
import { countCacheSuite } from './count-cache.suite.js'
import { locationCacheSuite } from './location-cache.suite.js'
import { presenceCacheSuite } from './presence-cache.suite.js'
import { rateCounterSuite } from './rate-counter.suite.js'
import { sessionCacheSuite } from './session-cache.suite.js'

/** The suites of all caches: every driver runs all of them. */
export function cachesSuite(driver: string, newCaches: NewCaches): void {
  sessionCacheSuite(driver, newCaches)
  presenceCacheSuite(driver, newCaches)
  rateCounterSuite(driver, newCaches)
  countCacheSuite(driver, newCaches)
  locationCacheSuite(driver, newCaches)
}
