// Every server that `npm run services` knows, by its name.

import { cassandra, cassandraRing } from './cassandra.mjs'
import { nats, natsCluster } from './nats.mjs'
import { postgres, postgresStandby } from './postgres.mjs'
import { redis, redisCluster, redisSentinel } from './redis.mjs'

const all = [cassandra, cassandraRing, postgres, postgresStandby, redis, redisSentinel, redisCluster, nats, natsCluster]

export const catalog = new Map(all.map((service) => [service.name, service]))

/** What `npm test` needs. */
export const testServices = ['cassandra', 'postgres', 'redis', 'nats']
