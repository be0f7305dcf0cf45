export { newDatabases } from './postgres-harness.js'
export { asAdministrator, PrivatePostgres } from './private-postgres.js'
export { cachesAt, PATIENT } from './redis-caches.js'
