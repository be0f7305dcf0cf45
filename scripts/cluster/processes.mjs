// The processes of a development cluster: started, waited for, stopped.

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../project.mjs'
import { isAlive, startOf } from '../services/daemon.mjs'

const readyWithinMs = 120_000
const stopWithinMs = 25_000

/**
 * Starts one process in a group of its own, so that Ctrl-C reaches it through whoever started it, in order.
 *
 * @param {{dir: string, name: string, role: 'gateway' | 'actors', env: Record<string, string>,
 *   through?: readonly string[], program?: string}} options `through`: the command that runs it, such as
 *   `ip netns exec name`; `program`: the folder of another build than this one
 */
export function start({ dir, name, role, env, through = [], program = root }) {
  const dataDir = join(dir, name)
  mkdirSync(dataDir, { recursive: true })
  rmSync(join(dataDir, 'listening.json'), { force: true })
  const log = openSync(join(dataDir, 'server.log'), 'a')
  const line = [
    ...through,
    process.execPath,
    '--max-semi-space-size=64',
    '--enable-source-maps',
    join(program, 'dist/server/main.js'),
  ]
  const child = spawn(line[0], line.slice(1), {
    cwd: root,
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...withoutSettings(process.env),
      ...env,
      HELIOGRAPH_DATA_DIR: dataDir,
      HELIOGRAPH_NODE: name,
      HELIOGRAPH_ROLES: role,
      HELIOGRAPH_NODE_PORT: '0',
    },
  })
  closeSync(log)
  return { name, role, child, dataDir, pid: child.pid, startedAt: startOf(child.pid) }
}

function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('HELIOGRAPH_')))
}

/** Waits until it says that it is ready; gives where it listens. @throws Error with the end of its log */
export async function untilReady({ name, child, dataDir }) {
  const untilMs = performance.now() + readyWithinMs
  while (performance.now() < untilMs && child.exitCode === null && child.signalCode === null) {
    const listening = listeningOf(dataDir)
    if (listening !== undefined) {
      const http = `http://${listening.http.host}:${listening.http.port}`
      const isReady = await fetch(`${http}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
      const { mtproto } = listening
      if (isReady) return { http, ...(mtproto && { mtproto: `${mtproto.host}:${mtproto.port}` }) }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const log = readFileSync(join(dataDir, 'server.log'), 'utf8')
  throw new Error(`${name} is not ready; its log ends:\n${log.slice(-3_000)}`)
}

function listeningOf(dataDir) {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'listening.json'), 'utf8'))
  } catch {
    return undefined
  }
}

/** Asks it to end, and ends it when it does not. False: it had to be killed, or had ended by itself. */
export async function stop(process_) {
  if (!isAlive(process_)) return false
  process.kill(process_.pid, 'SIGTERM')
  const untilMs = performance.now() + stopWithinMs
  while (performance.now() < untilMs) {
    if (!isAlive(process_)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  process.kill(process_.pid, 'SIGKILL')
  return false
}
