// PostgreSQL: one server, or a primary whose commits wait for a synchronous standby.
//
// It refuses to run as root. As root, a user without rights runs it; where that user cannot reach the services
// directory (below /root, say), its data lies in the system's folder for temporary files. `status` shows where.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../project.mjs'
import { postgresServer } from './installation.mjs'
import { versions } from './versions.mjs'

const host = '127.0.0.1'
/** Owns the server; people and tests use it. In these small servers it has the program's password. */
export const administrator = 'postgres'
/** The program's role is no superuser, so that the connections reserved for those stay free for an operator. */
export const user = 'heliograph'
export const database = 'heliograph'
/** What all processes of the program together may open; docs/operations.md tells what one opens. */
export const connectionLimit = 80
export const standbyName = 'standby'
/** Makes the program's role where the server is a container; docker-compose.yml uses it too. */
const roleScript = 'deploy/postgres/program-role.sh'
const unprivilegedUsers = ['postgres', 'nobody']

const smallServerSettings = { shared_buffers: '64MB', max_connections: '100', unix_socket_directories: '' }

/** Settings that production has too: docker-compose.yml is compared with them. */
export const primarySettings = {
  synchronous_commit: 'on',
  synchronous_standby_names: `FIRST 1 (${standbyName})`,
}

/** The user that the server runs as; undefined when that is whoever runs this. */
function serverUser() {
  if (process.getuid?.() !== 0) return undefined
  for (const name of unprivilegedUsers) {
    const idOf = (flag) =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    try {
      return { uid: idOf('-u'), gid: idOf('-g') }
    } catch {
      // the next name
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run as another user',
  )
}

function isReachableByAnybody(path) {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

function reachable(dir) {
  if (serverUser() === undefined || isReachableByAnybody(dir)) return dir
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 12)
  return join(tmpdir(), `heliograph-postgres-${hash}`)
}

const dataOf = ({ dir }) => join(dir, 'data')
const passwordPath = ({ dir }) => join(dir, 'password')
const program = (name) => join(postgresServer.find(), name)

function runAsServerUser(name, args, { password } = {}) {
  const options = { encoding: 'utf8', cwd: '/', ...serverUser(), env: { PATH: process.env.PATH, PGPASSWORD: password } }
  const { status, stdout, stderr } = spawnSync(program(name), args, options)
  if (status !== 0) throw new Error(`${name} failed: ${stderr}${stdout}`)
  return stdout.trim()
}

function writePassword(member) {
  writeFileSync(passwordPath(member), `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 })
}

function initialize(member) {
  rmSync(dataOf(member), { recursive: true, force: true })
  const owner = serverUser()
  writePassword(member)
  if (owner) chownSync(passwordPath(member), owner.uid, owner.gid)
  const login = ['-U', administrator, '--auth=scram-sha-256', `--pwfile=${passwordPath(member)}`]
  runAsServerUser('initdb', ['-D', dataOf(member), ...login, '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'])
}

function copyFromPrimary(member, primary, password) {
  rmSync(dataOf(member), { recursive: true, force: true })
  const from = ['-h', primary.host, '-p', String(primary.ports.client), '-U', administrator]
  runAsServerUser('pg_basebackup', [...from, '-D', dataOf(member), '--write-recovery-conf', '-X', 'stream'], {
    password,
  })
}

const passwordOf = (record) => readFileSync(passwordPath(record.members[0]), 'utf8').trim()

function queryAs(role, record, text) {
  const { host, ports } = record.members[0]
  const to = ['-h', host, '-p', String(ports.client), '-U', role, '-d', 'postgres']
  return runAsServerUser('psql', ['-XAtq', ...to, '-c', text], { password: passwordOf(record) })
}

function query(record, text) {
  try {
    return queryAs(administrator, record, text)
  } catch (error) {
    if (!/authentication failed/.test(error.message)) throw error
    // Data of an earlier version: the program's role owns the server until `prepareRoles` has been there.
    return queryAs(user, record, text)
  }
}

function prepareRoles(record) {
  const password = passwordOf(record)
  const isThere = (role) => query(record, `SELECT 1 FROM pg_roles WHERE rolname = '${role}'`) === '1'
  if (!isThere(administrator))
    query(record, `CREATE ROLE ${administrator} SUPERUSER REPLICATION LOGIN PASSWORD '${password}'`)
  if (!isThere(user)) query(record, `CREATE ROLE ${user} LOGIN PASSWORD '${password}'`)
  // Tests make databases of their own.
  query(record, `ALTER ROLE ${user} NOSUPERUSER CREATEDB CONNECTION LIMIT ${connectionLimit}`)
}

/** The first byte of the answer to a start of a session: R asks for the password, so the server takes clients. */
function answers({ host, ports }) {
  const text = Buffer.from(`user\0${user}\0database\0postgres\0\0`)
  const packet = Buffer.alloc(8 + text.length)
  packet.writeUInt32BE(packet.length, 0)
  packet.writeUInt32BE(3 << 16, 4)
  text.copy(packet, 8)
  return new Promise((resolve) => {
    const socket = connect({ host, port: ports.client }, () => socket.write(packet))
    const end = (value) => {
      socket.destroy()
      resolve(value)
    }
    socket.setTimeout(2_000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.once('data', (chunk) => end(chunk[0] === 'R'.charCodeAt(0)))
  })
}

function service({ name, summary, members, settings, ...special }) {
  return {
    ...special,
    name,
    summary,
    version: versions.postgres.series,
    image: versions.postgres.image,
    requirements: [postgresServer],
    members,
    mainPort: 'client',
    startWithinMs: 60_000,
    /** Ends sessions at once; SIGTERM would wait for them. */
    stopSignal: 'SIGINT',
    /** What a killed predecessor's sessions hold until they have noticed. */
    passes: /pre-existing shared memory block/,
    answers,

    describe(record) {
      for (const member of record.members) member.dir = reachable(member.dir)
    },

    plan(member, record, { overrides }) {
      const owner = serverUser()
      mkdirSync(member.dir, { recursive: true })
      chmodSync(member.dir, 0o700)
      if (owner) chownSync(member.dir, owner.uid, owner.gid)
      const [primary] = record.members
      if (!existsSync(join(dataOf(member), 'PG_VERSION'))) {
        if (member === primary) initialize(member)
        else copyFromPrimary(member, primary, passwordOf(record))
      }
      const place = { listen_addresses: member.host, port: member.ports.client, cluster_name: member.role }
      const all = { ...smallServerSettings, ...place, ...(member === primary && settings), ...overrides }
      const args = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])
      return { command: program('postgres'), args: ['-D', dataOf(member), ...args], user: owner }
    },

    join(record) {
      prepareRoles(record)
      if (query(record, `SELECT 1 FROM pg_database WHERE datname = '${database}'`) !== '1')
        query(record, `CREATE DATABASE ${database} OWNER ${user}`)
    },

    url(record) {
      const { host, ports } = record.members[0]
      return `postgres://${user}:${passwordOf(record)}@${host}:${ports.client}/${database}`
    },
  }
}

export const postgres = service({
  name: 'postgres',
  summary: 'one server',
  members: [{ role: 'primary', host, ports: { client: 10 } }],
  settings: {},
  container(member) {
    mkdirSync(member.dir, { recursive: true })
    if (!existsSync(passwordPath(member))) writePassword(member)
    const password = readFileSync(passwordPath(member), 'utf8').trim()
    return {
      environment: {
        POSTGRES_USER: administrator,
        POSTGRES_DB: database,
        POSTGRES_PASSWORD: password,
        PROGRAM_PASSWORD: password,
        PROGRAM_MAY: 'CREATEDB',
      },
      mounts: [`${join(root, roleScript)}:/docker-entrypoint-initdb.d/program-role.sh:ro`],
      inside: { client: 5432 },
      keeps: '/var/lib/postgresql/data',
    }
  },
})

export const postgresStandby = service({
  name: 'postgres-standby',
  summary: 'a primary and its synchronous standby',
  members: [
    { role: 'primary', host, ports: { client: 12 } },
    { role: standbyName, host, ports: { client: 13 } },
  ],
  settings: primarySettings,
  isWhole: async (record) => query(record, 'SELECT sync_state FROM pg_stat_replication') === 'sync',
})
