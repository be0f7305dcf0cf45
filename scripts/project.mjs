// Where the project is and how its scripts talk: shared by every script of this folder.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Absolute path of the project's root folder, with a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const supportedMajors = [20, 22]
const oldestMinorOf20 = 11

/** Ends the process with one clear line on a Node version that Heliograph does not run on. */
export function requireSupportedNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const tooOld = major === 20 && minor < oldestMinorOf20
  if (supportedMajors.includes(major) && !tooOld) return
  console.error(
    `Heliograph runs on Node 20 (20.11 or newer) and Node 22; this is Node ${version}. Install one of those.`,
  )
  process.exit(1)
}

/** A step that failed and has already said why on the terminal: only its name is still to be told. */
export class StepFailed extends Error {
  /** @param {string} step @param {number} exitCode */
  constructor(step, exitCode) {
    super(`${step} failed`)
    this.step = step
    this.exitCode = exitCode
  }
}

/**
 * Runs a command in the project's root with the terminal passed through.
 *
 * @param {string} step what the person reads when it fails
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{quiet?: boolean}} [options] `quiet` holds the output back unless the command fails
 * @returns {Promise<void>} rejects with StepFailed on any exit code but 0
 */
export function run(step, command, args, { quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32',
    })
    const held = []
    child.stdout?.on('data', (chunk) => held.push(chunk))
    child.stderr?.on('data', (chunk) => held.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) return resolve()
      for (const chunk of held) process.stderr.write(chunk)
      reject(new StepFailed(step, code ?? (signal === 'SIGINT' ? 130 : 1)))
    })
  })
}

/** Runs a file of node_modules/.bin. */
export function runBin(step, bin, args) {
  return run(step, `${root}node_modules/.bin/${bin}`, args)
}

/** Runs a script's body; on failure names the step and ends with its exit code. */
export async function main(body) {
  requireSupportedNode()
  try {
    await body()
  } catch (error) {
    if (error instanceof StepFailed) console.error(`\nFailed: ${error.step}`)
    else console.error(error)
    process.exit(error instanceof StepFailed ? error.exitCode : 1)
  }
}
