// Bringing a service up and down: what all servers have in common.
//
// U1. `up` starts what does not run and leaves alone what does; whoever calls it twice changes nothing.
// U2. `up` returns when every member answers its own protocol and the members have found each other.
// U3. Of two calls for one service in one directory, one waits for the other.
// U4. `down` returns when no process is left. Data stays, unless it is told to wipe.
// U5. An `up` that is interrupted ends what it has started, and nothing else, before it rejects.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { comesInContainers, removeContainer, startContainer } from './containers.mjs'
import { DaemonFailed, exists, isAlive, launch, stop, untilAnswers, untilCollected, untilItsOwn } from './daemon.mjs'
import { missingFor, NotInstalled } from './installation.mjs'
import { choosePorts, readRecord, writeRecord } from './places.mjs'

const wholeWithinMs = 300_000
const lockWithinMs = 600_000
/** A port may be taken between the look and the start: then the next slot is tried. */
const startAttempts = 4

/**
 * @param {string} dir the services directory
 * @param {object} service
 * @param {{overrides?: Record<string, unknown>, startSlot?: number, signal?: AbortSignal}} [options] `overrides`:
 *   settings of the server, over ours; kept for later starts; `signal`: interrupts it
 * @returns {Promise<{record: object, started: number}>}
 */
export async function up(dir, service, { overrides, startSlot, signal } = {}) {
  const body = async () => {
    const known = readRecord(dir, service.name)
    if (known && (await runs(service, known))) return { record: known, started: 0 }
    const inContainer = known?.inContainer ?? (known === undefined && !overrides && comesInContainers(service))
    if (inContainer) return upInContainer(dir, service, known, { startSlot, signal })
    const missing = missingFor([service])
    if (missing.length > 0) throw new NotInstalled(missing)
    return startWithRetries(dir, service, known, { overrides, startSlot, signal })
  }
  return withLock(dir, service.name, body, signal)
}

async function runs(service, record) {
  for (const member of record.members)
    if (!(record.inContainer || isAlive(member)) || !(await service.answers(member, record))) return false
  return (await service.isWhole?.(record)) ?? true
}

async function upInContainer(dir, service, known, { startSlot, signal }) {
  const record = known ?? { ...(await newRecord(dir, service, { startSlot })), inContainer: true }
  startContainer(dir, service, record)
  record.url = service.url(record)
  writeRecord(dir, record)
  const giveUpAt = performance.now() + service.startWithinMs
  while (!(await runs(service, record))) {
    if (signal?.aborted) removeContainer(dir, service, { wipe: false })
    signal?.throwIfAborted()
    if (performance.now() > giveUpAt) throw new Error(`${service.name}: its container does not answer`)
    await pause(200)
  }
  return { record, started: 1 }
}

async function startWithRetries(dir, service, known, options) {
  let record = known
  for (let attempt = 1; ; attempt++) {
    record ??= await newRecord(dir, service, options)
    record.overrides = options.overrides ?? record.overrides ?? {}
    try {
      return await startMembers(dir, service, record, options.signal)
    } catch (error) {
      const mayBePorts = error instanceof DaemonFailed && /in use|EADDRINUSE|bind/i.test(error.message)
      if (known || !mayBePorts || attempt === startAttempts) throw error
      await stopMembers(service, record)
      removeData(record)
      record = undefined
    }
  }
}

async function newRecord(dir, service, { startSlot }) {
  const places = await choosePorts(service.members, { startSlot })
  const members = service.members.map(({ role }, index) => {
    const memberDir = join(dir, service.name, role)
    return { role, ...places[index], dir: memberDir, logPath: join(dir, service.name, `${role}.log`) }
  })
  const record = { name: service.name, version: service.version, mainPort: service.mainPort, members }
  service.describe?.(record)
  return record
}

async function startMembers(dir, service, record, signal) {
  const started = []
  const afresh = !record.members.some(isAlive)
  try {
    for (const member of record.members) {
      const runsAlready = isAlive(member) && (await service.answers(member, record))
      if (runsAlready) continue
      started.push(member)
      await startMember(dir, service, record, member, { afresh, signal })
    }
    await service.join?.(record)
    if (service.isWhole) await untilWhole(service, record, signal)
  } catch (error) {
    if (signal?.aborted) for (const member of started.toReversed()) await stop(member, { signal: service.stopSignal })
    throw error
  }
  return { record, started: started.length }
}

async function startMember(dir, service, record, member, { afresh, signal }) {
  if (isAlive(member)) await stop(member, { signal: service.stopSignal }) // it runs, but does not answer
  await untilCollected(member)
  mkdirSync(member.dir, { recursive: true })
  const plan = await service.plan(member, record, { overrides: record.overrides, afresh })
  const giveUpAt = performance.now() + service.startWithinMs
  for (;;) {
    Object.assign(member, await launch({ cwd: member.dir, logPath: member.logPath, ...plan }))
    record.url = service.url(record)
    writeRecord(dir, record)
    const what = `${service.name} ${member.role} (${member.host}:${member.ports[service.mainPort]})`
    const options = { withinMs: service.startWithinMs, logPath: member.logPath }
    try {
      const answers = () => {
        signal?.throwIfAborted()
        return service.answers(member, record)
      }
      await untilAnswers(what, member, answers, options)
      return await untilItsOwn(what, member, member.ports[service.mainPort], member.logPath)
    } catch (error) {
      if (!service.passes?.test(error.message) || performance.now() > giveUpAt) throw error
      await pause(500)
    }
  }
}

async function untilWhole(service, record, signal) {
  const giveUpAt = performance.now() + wholeWithinMs
  while (!(await service.isWhole(record))) {
    signal?.throwIfAborted()
    if (performance.now() > giveUpAt) throw new Error(`${service.name}: its members do not find each other`)
    await pause(100)
  }
}

/** @returns {Promise<number>} how many processes it stopped */
export async function down(dir, service, { wipe = false } = {}) {
  if (readRecord(dir, service.name) === undefined) return 0
  const stopped = await withLock(dir, service.name, async () => {
    const record = readRecord(dir, service.name)
    if (record === undefined) return 0
    const count = record.inContainer
      ? await stopContainer(dir, service, record, wipe)
      : await stopMembers(service, record)
    if (wipe) removeData(record)
    return count
  })
  if (wipe) rmSync(join(dir, service.name), { recursive: true, force: true })
  return stopped
}

async function stopContainer(dir, service, record, wipe) {
  const ran = await runs(service, record)
  removeContainer(dir, service, { wipe })
  return ran ? 1 : 0
}

/** A member's directory may lie elsewhere than the service's own. */
function removeData(record) {
  for (const { dir, logPath } of record.members)
    for (const path of [dir, logPath]) rmSync(path, { recursive: true, force: true })
}

async function stopMembers(service, record) {
  const alive = record.members.filter(isAlive)
  // The last to have come goes first: a replica before its primary, a ring's node before its seed.
  for (const member of alive.toReversed()) await stop(member, { signal: service.stopSignal })
  return alive.length
}

/** What runs now, a line a member. `state`: up, silent (the process is there but does not answer), or down. */
export async function status(dir, service) {
  const record = readRecord(dir, service.name)
  if (record === undefined) return []
  return Promise.all(
    record.members.map(async (member) => {
      const { role, host, ports, dir: dataDir, logPath, pid } = member
      const alive = isAlive(member)
      const answers = (alive || record.inContainer) && (await service.answers(member, record))
      const state = answers ? 'up' : alive ? 'silent' : 'down'
      const port = ports[service.mainPort]
      return { service: service.name, role, state, host, port, ports, ...(alive && { pid }), dataDir, logPath }
    }),
  )
}

async function withLock(dir, name, body, signal) {
  const path = join(dir, name, 'lock')
  mkdirSync(dirname(path), { recursive: true })
  const giveUpAt = performance.now() + lockWithinMs
  signal?.throwIfAborted()
  while (!takeLock(path)) {
    signal?.throwIfAborted()
    if (performance.now() > giveUpAt) throw new Error(`${path} is held by another command; remove it if there is none`)
    await pause(100)
  }
  try {
    return await body()
  } finally {
    rmSync(path, { force: true })
  }
}

function takeLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (existsSync(path) && !exists(Number(readFileSync(path, 'utf8')))) rmSync(path, { force: true })
  return false
}
