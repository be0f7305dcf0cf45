// NATS with JetStream: one server, or a cluster of three.

import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { natsServer } from './installation.mjs'
import { versions } from './versions.mjs'

const host = '127.0.0.1'
const clusterName = 'heliograph'

/** Its configuration language takes JSON. */
function writeConfiguration(member, record, overrides) {
  const routes = record.members.map(({ host, ports }) => `nats://${host}:${ports.route}`)
  const cluster = { name: clusterName, listen: `${member.host}:${member.ports.route}`, routes }
  const settings = {
    server_name: member.role,
    listen: `${member.host}:${member.ports.client}`,
    http: `${member.host}:${member.ports.monitor}`,
    jetstream: {
      store_dir: join(member.dir, 'jetstream'),
      max_memory_store: 134_217_728,
      max_file_store: 1_073_741_824,
    },
    ...(record.members.length > 1 && { cluster }),
    ...overrides,
  }
  const path = join(member.dir, 'nats.conf')
  writeFileSync(path, `${JSON.stringify(settings, null, 2)}\n`)
  return path
}

/** A server greets with INFO; one that serves answers PING, or wants to know first who asks. */
function answers({ host, ports }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port: ports.client }, () => socket.write('CONNECT {"verbose":false}\r\nPING\r\n'))
    let received = ''
    const end = (value) => {
      socket.destroy()
      resolve(value)
    }
    socket.setTimeout(2_000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.on('data', (chunk) => {
      received += chunk
      if (received.includes('PONG\r\n') || received.includes("-ERR 'Authorization")) end(true)
    })
  })
}

/** JetStream's own word: in a cluster it has a leader and has caught up. */
async function isHealthy({ host, ports }) {
  try {
    return (await fetch(`http://${host}:${ports.monitor}/healthz`)).ok
  } catch {
    return false
  }
}

function service({ name, summary, members, ...special }) {
  return {
    ...special,
    name,
    summary,
    version: versions.nats.exact,
    image: versions.nats.image,
    requirements: [natsServer],
    members,
    mainPort: 'client',
    startWithinMs: 30_000,
    stopSignal: 'SIGTERM',
    answers,
    plan: (member, record, { overrides }) => ({
      command: natsServer.find(),
      args: ['-c', writeConfiguration(member, record, overrides)],
    }),
    async isWhole(record) {
      for (const member of record.members) if (!(await isHealthy(member))) return false
      return true
    },
    url: (record) => record.members.map(({ host, ports }) => `nats://${host}:${ports.client}`).join(','),
  }
}

export const nats = service({
  name: 'nats',
  summary: 'one server with JetStream',
  members: [{ role: 'server', host, ports: { client: 40, monitor: 41 } }],
  container: () => ({
    command: ['--jetstream', '--store_dir=/data', '--http_port=8222'],
    inside: { client: 4222, monitor: 8222 },
    keeps: '/data',
  }),
})

export const natsCluster = service({
  name: 'nats-3',
  summary: 'a cluster of three with JetStream',
  members: [0, 1, 2].map((index) => ({
    role: `node-${index + 1}`,
    host,
    ports: { client: 42 + index, route: 45 + index, monitor: 48 + index },
  })),
})
