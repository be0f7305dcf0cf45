// Cassandra from its published jars: one node, or a ring of three on 127.0.0.1 to 127.0.0.3.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import {
  nodeArguments,
  nodetoolArguments,
  settingProperties,
  sharedSettings,
  writeConfiguration,
} from './cassandra-files.mjs'
import { countRows, servesCql } from './cql.mjs'
import { cassandraJars, java, maven } from './installation.mjs'
import { versions } from './versions.mjs'

const heapMb = 512

function node(index, ports) {
  return { role: `node-${index + 1}`, host: `127.0.0.${index + 1}`, ports }
}

function service({ name, summary, members, ...special }) {
  return {
    ...special,
    name,
    summary,
    version: versions.cassandra.exact,
    image: versions.cassandra.image,
    requirements: [java, maven, cassandraJars],
    members,
    mainPort: 'cql',
    startWithinMs: 300_000,
    stopSignal: 'SIGTERM',

    plan(member, record, { overrides }) {
      writeConfiguration({
        dir: member.dir,
        host: member.host,
        ports: member.ports,
        clusterName: `heliograph-${name}`,
        seeds: [record.members[0].host],
        overrides,
      })
      const args = nodeArguments({ dir: member.dir, lib: cassandraJars.path(), ports: member.ports, heapMb })
      return { command: java.find(), args }
    },

    answers: ({ host, ports }) => servesCql({ host, port: ports.cql }),

    /** Every node sees every other. */
    async isWhole(record) {
      for (const { host, ports } of record.members) {
        const peers = await countRows({ host, port: ports.cql }, 'SELECT data_center FROM system.peers_v2')
        if (peers < record.members.length - 1) return false
      }
      return true
    },

    url: (record) => record.members.map(({ host, ports }) => `${host}:${ports.cql}`).join(','),

    /** `nodetool` against one node; its output goes to the terminal. */
    tool(member, args) {
      const place = { dir: member.dir, lib: cassandraJars.path(), jmxPort: member.ports.jmx }
      return spawnSync(java.find(), nodetoolArguments(place, args), { cwd: join(member.dir), stdio: 'inherit' }).status
    },
  }
}

export const cassandra = service({
  name: 'cassandra',
  summary: 'one node',
  members: [node(0, { cql: 0, storage: 1, jmx: 2 })],
  container: () => ({
    environment: {
      CASSANDRA_DC: 'dc1',
      CASSANDRA_ENDPOINT_SNITCH: sharedSettings.endpoint_snitch,
      CASSANDRA_NUM_TOKENS: String(sharedSettings.num_tokens),
      MAX_HEAP_SIZE: `${heapMb}M`,
      JVM_EXTRA_OPTS: settingProperties().join(' '),
    },
    inside: { cql: 9042 },
    keeps: '/var/lib/cassandra',
  }),
})

export const cassandraRing = service({
  name: 'cassandra-3',
  summary: 'a ring of three nodes, for replication factor 3',
  members: [0, 1, 2].map((index) => node(index, { cql: 3, storage: 4, jmx: 5 + index })),
})
