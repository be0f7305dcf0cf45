// `node scripts/previous.mjs [--ref REF] [--by N] [--out DIR]`: this program as another minor version, built beside this
// one, for rolling upgrades between two builds.
//
// P1. The previous minor version is the newest tag of an earlier minor (v1.4.2 while this is 1.5.x), or what --ref names:
//     its own sources, its own packages where they differ.
// P2. Without such a tag it is made from these sources: with the lower version number, and with the lower numbers of the
//     nodes' protocol, so that it says nothing that the previous minor version would not.
// P3. --by 2 makes one that is two minor versions newer in the same way: too far away to talk to.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { main, root } from './project.mjs'

const protocolPath = 'cluster/transport/protocol-versions.ts'
const protocolLine = /(PROTOCOL_VERSIONS = \{ oldest: )(\d+)(, newest: )(\d+)/
/** What is not the program's, or is made from it. */
const leftOut = new Set(['node_modules', 'dist', '.git', '.heliograph', 'data', 'secrets', 'docs', 'bench/results'])

/**
 * Makes the build in `folder`, which is emptied; `dist/server/main.js` in it is the program.
 *
 * @param {string} folder
 * @param {{by?: number, ref?: string}} [options] `by`: minor versions from this one; `ref`: a commit or tag
 * @returns {{folder: string, version: string, from: string}} `from`: what it was made of, for people
 */
export function otherMinor(folder, { by = -1, ref } = {}) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const named = ref ?? (by === -1 ? tagBefore(ownVersion()) : undefined)
  if (named === undefined) copySources(folder, by)
  else execFileSync('tar', ['-x', '-C', folder], { input: git('archive', named), maxBuffer: 1 << 30 })
  buildIn(folder)
  return {
    folder,
    version: versionIn(folder),
    from: named ?? `these sources, protocol ${by > 0 ? 'raised' : 'lowered'} by ${Math.abs(by)}`,
  }
}

/** The newest release of an earlier minor version. */
export function newestBefore(version, tags) {
  const own = partsOf(version)
  const before = tags
    .filter((tag) => /^v\d+\.\d+\.\d+$/.test(tag))
    .filter((tag) => compare(partsOf(tag).slice(0, 2), own.slice(0, 2)) < 0)
  return before.sort((one, other) => compare(partsOf(other), partsOf(one)))[0]
}

function tagBefore(version) {
  try {
    return newestBefore(version, git('tag', '--list', 'v*').toString().split('\n'))
  } catch {
    return undefined // these sources are no clone
  }
}

const partsOf = (version) => version.replace(/^v/, '').split('.').map(Number)

function compare(one, other) {
  const at = one.findIndex((part, index) => part !== other[index])
  return at < 0 ? 0 : one[at] - other[at]
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 30 })
}

function versionIn(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
}

const ownVersion = () => versionIn(root)

function copySources(folder, by) {
  const filter = (from) => !leftOut.has(relative(root, from))
  for (const entry of readdirSync(root)) {
    if (filter(join(root, entry))) cpSync(join(root, entry), join(folder, entry), { recursive: true, filter })
  }
  change(join(folder, 'package.json'), (text) => text.replace(ownVersion(), otherVersion(ownVersion(), by)))
  change(join(folder, protocolPath), (text) => otherProtocol(text, by))
}

function change(path, to) {
  writeFileSync(path, to(readFileSync(path, 'utf8')))
}

/** So many minor versions on; there is none before 0. */
export function otherVersion(version, by) {
  const [major, minor] = partsOf(version)
  return `${major}.${Math.max(0, minor + by)}.0`
}

export function otherProtocol(source, by) {
  if (!protocolLine.test(source)) throw new Error(`${protocolPath} does not hold the line that is to be changed`)
  return source.replace(protocolLine, (_, before, oldest, between, newest) => {
    return `${before}${Number(oldest) + by}${between}${Number(newest) + by}`
  })
}

/** Packages are those of this checkout where the lock says the same. */
function buildIn(folder) {
  const lock = (of) => readFileSync(join(of, 'package-lock.json'), 'utf8')
  const isSame = packagesOf(lock(folder)) === packagesOf(lock(root))
  if (isSame) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const step = isSame ? 'generateAndBuild()' : 'prepare({ dev: false })'
  const source = `const scripts = await import('./scripts/prepare.mjs'); await scripts.${step}`
  execFileSync(process.execPath, ['--input-type=module', '--eval', source], { cwd: folder, stdio: 'inherit' })
}

/** Without the project's own entry. */
function packagesOf(lock) {
  const { packages } = JSON.parse(lock)
  return JSON.stringify(Object.entries(packages).filter(([path]) => path !== ''))
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  await main(() => {
    const { values } = parseArgs({
      options: { ref: { type: 'string' }, by: { type: 'string', default: '-1' }, out: { type: 'string' } },
    })
    const { ref, by, out = join(root, '.heliograph/previous') } = values
    const made = otherMinor(resolve(out), { by: Number(by), ...(ref && { ref }) })
    console.log(`${made.version} in ${made.folder}, from ${made.from}`)
  })
}
