// Installs the packages of package-lock.json when those on disk are not the ones it asks for.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { root, run } from './project.mjs'

const installedPath = `${root}node_modules/.package-lock.json`
const stampPath = `${root}node_modules/.heliograph-install.json`

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Some packages hold native code for one system and one Node version: another Node needs another install. */
function platform() {
  return `${process.platform}-${process.arch}-node${process.versions.node.split('.')[0]}`
}

function isWanted(entry, withDev) {
  return !entry.link && (withDev || !(entry.dev || entry.devOptional))
}

/**
 * True when every package that is needed here is there in the version of the lock. Packages that are optional count
 * only when nobody has tried to install them on this platform yet: one that cannot be had must not cost every start.
 */
function isInstalled(lock, lockHash, withDev) {
  const installed = readJson(installedPath)?.packages
  if (installed === undefined) return false
  const entries = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && isWanted(entry, withDev))
  if (entries.some(([path, entry]) => !entry.optional && installed[path]?.version !== entry.version)) return false
  const stamp = readJson(stampPath)
  if (stamp?.platform === platform() && stamp.lockHash === lockHash) return true
  const native = entries.filter(([, entry]) => entry.optional && suitsThisMachine(entry))
  return native.every(([path, entry]) => installed[path]?.version === entry.version)
}

function suitsThisMachine({ os, cpu, engines }) {
  if (os && !os.includes(process.platform)) return false
  if (cpu && !cpu.includes(process.arch)) return false
  const [, from, below] = /^>=(\d+)\S*(?: <(\d+)\S*)?$/.exec(engines?.node ?? '>=0') ?? []
  const major = Number(process.versions.node.split('.')[0])
  return major >= Number(from ?? 0) && major < Number(below ?? Number.POSITIVE_INFINITY)
}

/** Packages for development that are there already stay: npm would remove them if told to leave them out. */
function hasDevPackages(lock) {
  const installed = readJson(installedPath)?.packages ?? {}
  return Object.entries(lock.packages).some(([path, entry]) => entry.dev && path in installed)
}

/**
 * Brings node_modules in line with package-lock.json; returns at once when it already is.
 *
 * @param {{dev: boolean}} options `dev`: the packages of tests and checks too
 */
export async function ensureInstalled({ dev }) {
  const text = readFileSync(`${root}package-lock.json`)
  const lock = JSON.parse(text.toString('utf8'))
  const lockHash = createHash('sha256').update(text).digest('hex')
  const withDev = dev || hasDevPackages(lock)
  if (!isInstalled(lock, lockHash, withDev)) {
    console.log('Installing packages ...')
    const omit = withDev ? [] : ['--omit=dev']
    // Install scripts are not needed (native code comes ready-made) and are kept from running.
    const args = ['install', ...omit, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await run('install (npm install)', 'npm', args)
  }
  const stamp = JSON.stringify({ platform: platform(), lockHash: hashOfLock() })
  if (readText(stampPath) !== stamp) writeFileSync(stampPath, stamp)
}

function hashOfLock() {
  return createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex')
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
