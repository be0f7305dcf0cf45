// Where the servers' files lie, and which ports they get.
//
// P1. A server keeps the ports that its record names, over stops, kills and restarts, so that clients find it again.
// P2. Ports of a new server come from the first slot in which all of them are free. Slot 0 is the documented one;
//     a second checkout finds it taken and moves on to the next by itself.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { root } from '../project.mjs'

const firstPort = 24_000
const portsPerSlot = 100
/** Slots end below the ports that the operating system gives to outgoing connections. */
const slots = 80

/** Data, logs and records of the servers of one checkout. HELIOGRAPH_SERVICES_DIR overrides it. */
export function defaultServicesDir(env = process.env) {
  return resolve(root, env.HELIOGRAPH_SERVICES_DIR || '.heliograph/services')
}

/** What is installed once a machine, for all checkouts. HELIOGRAPH_SERVICES_CACHE_DIR overrides it. */
export function cacheDir(env = process.env) {
  const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return resolve(root, env.HELIOGRAPH_SERVICES_CACHE_DIR || join(caches, 'heliograph'))
}

const recordPath = (dir, name) => join(dir, name, 'service.json')

/**
 * The record of a service: its members with their addresses, ports, directories and process ids as of the last `up`.
 * Undefined where there never was one.
 */
export function readRecord(dir, name) {
  try {
    return JSON.parse(readFileSync(recordPath(dir, name), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaced in one step: a reader beside it never sees half of it. Readable by its owner only: it holds passwords. */
export function writeRecord(dir, record) {
  const path = recordPath(dir, record.name)
  mkdirSync(join(dir, record.name), { recursive: true })
  const temporary = `${path}.${process.pid}.new`
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(temporary, path)
}

/** A url as it may be printed. */
export function withoutPassword(url) {
  return url.replace(/^([a-z]+:\/\/[^:@/]*):[^@/]*@/, '$1@')
}

function isFree(host, port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

async function areFree(addresses) {
  for (const { host, port } of addresses) if (!(await isFree(host, port))) return false
  return true
}

/**
 * Ports for every member, by their names.
 *
 * @param {readonly {role: string, host: string, ports: Record<string, number>}[]} members `ports`: offsets in a slot
 * @param {{startSlot?: number}} [options] private servers of tests start elsewhere, to leave slot 0 to `npm run services`
 * @returns {Promise<{host: string, ports: Record<string, number>}[]>} in the order of the members
 */
export async function choosePorts(members, { startSlot = 0 } = {}) {
  for (let step = 0; step < slots; step++) {
    const base = firstPort + ((startSlot + step) % slots) * portsPerSlot
    const chosen = members.map(({ host, ports }) => ({
      host,
      ports: Object.fromEntries(Object.entries(ports).map(([name, offset]) => [name, base + offset])),
    }))
    if (await areFree(chosen.flatMap(({ host, ports }) => Object.values(ports).map((port) => ({ host, port })))))
      return chosen
  }
  throw new Error(`No free ports from ${firstPort} to ${firstPort + slots * portsPerSlot - 1}`)
}
