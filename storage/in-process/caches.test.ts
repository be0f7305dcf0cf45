import { systemClock } from '../../runtime/index.js'
import { cachesSuite } from '../contract/caches.suite.js'
import { CACHE_TIMES } from '../ports/caches.js'
import { cachesInProcess } from './caches.js'

cachesSuite('this process', async (times) => cachesInProcess(systemClock, { ...CACHE_TIMES, ...times }))
