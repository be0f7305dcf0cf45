export { cachesAt, PATIENT } from './redis-caches.js'
