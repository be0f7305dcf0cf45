// Processes that outlive the command that started them.
//
// D1. A daemon has a session of its own, reads nothing from and writes nothing to its starter's terminal, and inherits
//     no descriptor: a lock that the caller holds (flock) does not live as long as the server.
// D2. A process is known by its id and its time of start, so that an id that the system has given to another process
//     since is never signalled.

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const pollMs = 50
const collectedWithinMs = 30_000
const ownWithinMs = 5_000

/** Node marks the lowest descriptors as not to be inherited, but stops at the first gap. */
const closeInheritedAndRun = `
for each in /proc/self/fd/* /dev/fd/*; do
  number=\${each##*/}
  if [[ $number =~ ^[0-9]+$ ]] && (( number > 2 )); then eval "exec $number>&-"; fi
done
exec "$@"`

/**
 * Starts a daemon; resolves when the process exists, not when it answers.
 *
 * @param {{command: string, args: readonly string[], cwd: string, logPath: string, env?: Record<string, string>,
 *   user?: {uid: number, gid: number}}} plan
 * @returns {Promise<{pid: number, startedAt: string}>}
 */
export async function launch({ command, args, cwd, logPath, env = {}, user }) {
  const log = openSync(logPath, 'a', 0o600)
  try {
    const child = spawn('bash', ['-c', closeInheritedAndRun, 'bash', command, ...args], {
      cwd,
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: cwd, ...env },
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    return { pid: child.pid, startedAt: startOf(child.pid) ?? 'ended at once' }
  } finally {
    closeSync(log)
  }
}

/** When the process was started, in the system's own words; undefined when there is none, or only its remains. */
export function startOf(pid) {
  return process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid)
}

function startOnLinux(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name, in brackets, may hold spaces; state is the first field after it, the start the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function startByPs(pid) {
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    return state.startsWith('Z') ? undefined : start.join(' ')
  } catch {
    return undefined
  }
}

/**
 * Waits until the system has collected what is left of a dead process: until then it seems to be there for others, such
 * as a PostgreSQL that looks into its predecessor's lock file.
 */
export async function untilCollected({ pid }) {
  const giveUpAt = performance.now() + collectedWithinMs
  while (pid !== undefined && startOf(pid) === undefined && exists(pid) && performance.now() < giveUpAt)
    await pause(pollMs)
}

/** Whether the system knows the process, if only as the remains of one. */
export function exists(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** @param {{pid?: number, startedAt?: string}} daemon */
export function isAlive({ pid, startedAt }) {
  return pid !== undefined && startedAt !== undefined && startOf(pid) === startedAt
}

/**
 * Stops a daemon in its own way, and kills it when it has not ended after `withinMs`. A frozen one is let go on first.
 *
 * @param {{pid: number, startedAt: string}} daemon
 * @param {{signal?: NodeJS.Signals, withinMs?: number}} [options]
 */
export async function stop(daemon, { signal = 'SIGTERM', withinMs = 30_000 } = {}) {
  if (!isAlive(daemon)) return
  send(daemon, signal)
  send(daemon, 'SIGCONT')
  if (await hasEnded(daemon, withinMs)) return
  send(daemon, 'SIGKILL')
  if (!(await hasEnded(daemon, 10_000))) throw new Error(`Process ${daemon.pid} does not end, not even by SIGKILL`)
}

function send({ pid }, signal) {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

async function hasEnded(daemon, withinMs) {
  const giveUpAt = performance.now() + withinMs
  while (isAlive(daemon)) {
    if (performance.now() > giveUpAt) return false
    await pause(pollMs)
  }
  return true
}

/**
 * Waits until `answers` says true.
 *
 * @param {string} what for the message: "cassandra (127.0.0.1:24000)"
 * @param {{pid: number, startedAt: string}} daemon ends the wait when it dies
 * @param {() => Promise<boolean>} answers
 * @param {{withinMs: number, logPath: string}} options
 * @throws Error with the end of the log when the process dies or the time is over
 */
export async function untilAnswers(what, daemon, answers, { withinMs, logPath }) {
  const giveUpAt = performance.now() + withinMs
  while (!(await answers())) {
    if (!isAlive(daemon)) throw new DaemonFailed(`${what} ended while it started`, logPath)
    if (performance.now() > giveUpAt) throw new DaemonFailed(`${what} does not answer after ${withinMs} ms`, logPath)
    await pause(pollMs)
  }
}

/**
 * What answers at the port may be somebody else's, who took it at the same moment, while ours is about to end for that.
 * Throws DaemonFailed then. Linux only: elsewhere only a daemon that has ended already is noticed.
 */
export async function untilItsOwn(what, daemon, port, logPath) {
  const giveUpAt = performance.now() + ownWithinMs
  while (isAlive(daemon)) {
    // One that listens through a child of its own cannot be told; it lives on, which the other's loser does not.
    if (process.platform !== 'linux' || listens(daemon.pid, port) || performance.now() > giveUpAt) return
    await pause(pollMs)
  }
  throw new DaemonFailed(`${what} has ended: its port is in use`, logPath)
}

function listens(pid, port) {
  const listening = '0A'
  const sockets = new Set()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      const at = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)
      if (at === port && fields[3] === listening) sockets.add(`socket:[${fields[9]}]`)
    }
  }
  try {
    return readdirSync(`/proc/${pid}/fd`).some((each) => sockets.has(targetOf(`/proc/${pid}/fd/${each}`)))
  } catch {
    return false
  }
}

function targetOf(link) {
  try {
    return readlinkSync(link)
  } catch {
    return undefined
  }
}

/** A server that would not start; the message ends with the last lines of its log. */
export class DaemonFailed extends Error {
  constructor(what, logPath) {
    super(`${what}; the end of ${logPath}:\n${endOf(logPath)}`)
  }
}

function endOf(path, lines = 25) {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return '(no log)'
  }
}
