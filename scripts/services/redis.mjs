// Redis: one server; a primary with a replica under three sentinels; a cluster of three primaries.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { redisServer } from './installation.mjs'
import { ask } from './resp.mjs'
import { versions } from './versions.mjs'

const host = '127.0.0.1'
/** The name that sentinels and their clients know the primary by. */
export const primaryName = 'heliograph'
export const quorum = 2
const slots = 16_384

/** Settings that production has too: docker-compose.yml is compared with them. */
export const sharedSettings = {
  // A cache: what it held is made anew, so nothing is written to disk, and the oldest goes when it is full.
  save: '',
  appendonly: 'no',
  maxmemory: '256mb',
  'maxmemory-policy': 'allkeys-lru',
}

function argumentsOf(settings) {
  return Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)])
}

function serverPlan(member, settings) {
  const place = { bind: member.host, port: member.ports.client, dir: member.dir, daemonize: 'no' }
  return { command: redisServer.find(), args: argumentsOf({ ...place, ...sharedSettings, ...settings }) }
}

const answers = async ({ host, ports }) => (await ask({ host, port: ports.client }, 'PING')) === 'PONG'

function service(special) {
  return {
    version: versions.redis.series,
    image: versions.redis.image,
    requirements: [redisServer],
    mainPort: 'client',
    startWithinMs: 30_000,
    stopSignal: 'SIGTERM',
    answers,
    url: (record) => `redis://${record.members[0].host}:${record.members[0].ports.client}`,
    ...special,
  }
}

const member = (role, ports) => ({ role, host, ports })

export const redis = service({
  name: 'redis',
  summary: 'one server',
  members: [member('server', { client: 20 })],
  plan: (each, _record, { overrides }) => serverPlan(each, overrides),
  container: () => ({
    command: ['redis-server', ...argumentsOf(sharedSettings)],
    inside: { client: 6379 },
    keeps: '/data',
  }),
})

const isSentinel = ({ role }) => role.startsWith('sentinel')

/** A sentinel keeps what it knows in its configuration, and goes on from there unless all start afresh in their roles. */
function sentinelPlan(each, record, afresh) {
  const path = join(each.dir, 'sentinel.conf')
  if (afresh || !existsSync(path)) writeFileSync(path, sentinelConfiguration(each, record.members[0]))
  return { command: redisServer.find(), args: [path, '--sentinel'] }
}

function sentinelConfiguration(each, primary) {
  return [
    `bind ${each.host}`,
    `port ${each.ports.client}`,
    `dir "${each.dir}"`,
    `sentinel monitor ${primaryName} ${primary.host} ${primary.ports.client} ${quorum}`,
    `sentinel down-after-milliseconds ${primaryName} 2000`,
    `sentinel failover-timeout ${primaryName} 10000`,
    '',
  ].join('\n')
}

export const redisSentinel = service({
  name: 'redis-sentinel',
  summary: 'a primary, a replica and three sentinels',
  members: [
    member('primary', { client: 22 }),
    member('replica', { client: 23 }),
    member('sentinel-1', { client: 24 }),
    member('sentinel-2', { client: 25 }),
    member('sentinel-3', { client: 26 }),
  ],
  plan(each, record, { overrides, afresh }) {
    if (isSentinel(each)) return sentinelPlan(each, record, afresh)
    const [primary] = record.members
    const role = each.role === 'replica' ? { replicaof: `${primary.host} ${primary.ports.client}` } : {}
    return serverPlan(each, { ...role, ...overrides })
  },
  /** Every sentinel has a quorum of all three, and whoever is the primary now has its replica. */
  async isWhole(record) {
    const sentinels = record.members.filter(isSentinel)
    for (const { host, ports } of sentinels) {
      const address = { host, port: ports.client }
      const answer = await ask(address, 'SENTINEL', 'CKQUORUM', primaryName)
      if (!String(answer).startsWith(`OK ${sentinels.length} usable`)) return false
      const [primaryHost, port] = await ask(address, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName)
      const replication = await ask({ host: primaryHost, port: Number(port) }, 'INFO', 'replication')
      if (!/role:master[\s\S]*slave0:[^\r]*state=online/.test(String(replication))) return false
    }
    return true
  },
  /** As sentinel-aware clients take it: the sentinels, then the name of the primary. */
  url: (record) => {
    const sentinels = record.members.filter(isSentinel).map(({ host, ports }) => `${host}:${ports.client}`)
    return `redis+sentinel://${sentinels.join(',')}/${primaryName}`
  },
})

export const redisCluster = service({
  name: 'redis-cluster',
  summary: 'a cluster of three primaries',
  members: [0, 1, 2].map((index) => member(`node-${index + 1}`, { client: 30 + index, bus: 33 + index })),
  plan: (each, _record, { overrides }) =>
    serverPlan(each, {
      'cluster-enabled': 'yes',
      'cluster-port': each.ports.bus,
      'cluster-node-timeout': 2_000,
      ...overrides,
    }),
  /** Slots are dealt out once; the nodes remember them. */
  async join(record) {
    const [first, ...others] = record.members
    const info = await ask(addressOf(first), 'CLUSTER', 'INFO')
    if (String(info).includes(`cluster_slots_assigned:${slots}`)) return
    for (const [index, each] of record.members.entries()) {
      const from = Math.floor((index * slots) / record.members.length)
      const to = Math.floor(((index + 1) * slots) / record.members.length) - 1
      await ask(addressOf(each), 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
      await ask(addressOf(each), 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    }
    for (const { host, ports } of others)
      await ask(addressOf(first), 'CLUSTER', 'MEET', host, String(ports.client), String(ports.bus))
  },
  async isWhole(record) {
    for (const each of record.members) {
      const info = String(await ask(addressOf(each), 'CLUSTER', 'INFO'))
      if (!info.includes('cluster_state:ok') || !info.includes(`cluster_known_nodes:${record.members.length}`))
        return false
    }
    return true
  },
  url: (record) => `redis+cluster://${record.members.map(({ host, ports }) => `${host}:${ports.client}`).join(',')}`,
})

function addressOf({ host, ports }) {
  return { host, port: ports.client }
}
