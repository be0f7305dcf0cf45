export { cachesAt } from './redis-caches.js'
