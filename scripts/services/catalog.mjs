// Every server that `npm run services` knows, by its name.

import { cassandra, cassandraRing } from './cassandra.mjs'

const all = [cassandra, cassandraRing]

export const catalog = new Map(all.map((service) => [service.name, service]))

/** What `npm test` needs. */
export const testServices = ['cassandra']
