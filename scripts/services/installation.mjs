// What the servers are made of: how each piece is found, and how it gets there when it is missing.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir } from './places.mjs'
import { versions } from './versions.mjs'

const pomPath = fileURLToPath(new URL('cassandra-pom.xml', import.meta.url))
/** Where Debian puts what is not on the search path. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/go/bin']

function onPath(command) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders]
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

function outputOf(path, args) {
  const { stdout, stderr } = spawnSync(path, args, { encoding: 'utf8', timeout: 30_000 })
  return `${stdout}${stderr}`
}

/**
 * A piece that a server needs. `find` gives its path or undefined; `debian` are the packages that bring it; `fetch`
 * brings it by other means. `cure` is the command that a person types.
 *
 * @typedef {{title: string, find: () => string | undefined, debian?: readonly string[], fetch?: () => void, cure: string}}
 *   Requirement
 */

function fromDebian(title, find, ...packages) {
  return { title, find: remembered(find), debian: packages, cure: `apt-get install -y ${packages.join(' ')}` }
}

/** A path that was found stays; one that was not is looked for again, after an installation. */
function remembered(find) {
  let known
  return () => {
    known ??= find()
    return known
  }
}

function findJava() {
  const isRight = (path) => outputOf(path, ['-version']).includes(`version "${versions.java.series}.`)
  const home = process.env.JAVA_HOME
  const installed = existsSync('/usr/lib/jvm') ? readdirSync('/usr/lib/jvm').map((name) => `/usr/lib/jvm/${name}`) : []
  const candidates = [...(home ? [home] : []), ...installed].map((folder) => join(folder, 'bin', 'java'))
  return [...candidates, onPath('java')].find((path) => path && existsSync(path) && isRight(path))
}

/** @type {Requirement} */
export const java = fromDebian(`Java ${versions.java.series}`, findJava, `openjdk-${versions.java.series}-jre-headless`)

const findMaven = () => onPath('mvn')

/** Needed only until the jars are there. @type {Requirement} */
export const maven = fromDebian('Maven', () => (findJars() ? 'not needed' : findMaven()), 'maven')

const jarsPath = () => join(cacheDir(), `cassandra-${versions.cassandra.exact}`)
const findJars = () => (existsSync(jarsPath()) ? jarsPath() : undefined)

/** The jars are put in place in one step, so that a folder that is there is whole. */
function fetchJars() {
  const partial = `${jarsPath()}.${process.pid}.partial`
  mkdirSync(dirname(partial), { recursive: true })
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`]
  const { status } = spawnSync(findMaven(), ['-q', '-B', '--strict-checksums', '-f', pomPath, ...goal], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new NotInstalled([cassandraJars])
  try {
    renameSync(partial, jarsPath())
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    if (findJars() === undefined) throw error // else another checkout was faster
  }
}

/** @type {Requirement & {path: () => string}} */
export const cassandraJars = {
  title: `Cassandra ${versions.cassandra.exact}`,
  find: remembered(findJars),
  path: jarsPath,
  fetch: fetchJars,
  cure: 'npm run services -- install cassandra',
}

/** A folder of programs. @type {Requirement} */
export const postgresServer = fromDebian(
  `PostgreSQL ${versions.postgres.series}`,
  () => {
    const isRight = (folder) =>
      outputOf(join(folder, 'postgres'), ['--version']).includes(`(PostgreSQL) ${versions.postgres.series}.`)
    const onSearchPath = onPath('postgres')
    const candidates = [`/usr/lib/postgresql/${versions.postgres.series}/bin`, onSearchPath && dirname(onSearchPath)]
    return candidates.find((folder) => folder && existsSync(join(folder, 'initdb')) && isRight(folder))
  },
  `postgresql-${versions.postgres.series}`,
)

/** @type {Requirement} */
export const redisServer = fromDebian(
  `Redis ${versions.redis.series}`,
  () => {
    const path = onPath('redis-server')
    return path && outputOf(path, ['--version']).includes(`v=${versions.redis.series}.`) ? path : undefined
  },
  'redis-server',
)

/** Stands in front of the program; tests start it themselves. @type {Requirement} */
export const haproxy = fromDebian(
  `HAProxy ${versions.haproxy.series}`,
  () => {
    const path = onPath('haproxy')
    return path && outputOf(path, ['-v']).includes(`version ${versions.haproxy.series}.`) ? path : undefined
  },
  'haproxy',
)

/** The browser in which tests look at pages. @type {Requirement} */
export const chromium = fromDebian(
  'Chromium',
  () => onPath('chromium') ?? onPath('chromium-browser') ?? onPath('google-chrome'),
  'chromium',
)

/** Watches the program; tests start it themselves. @type {Requirement} */
export const prometheus = fromDebian(
  `Prometheus ${versions.prometheus.series}`,
  () => {
    const path = onPath('prometheus')
    return path && outputOf(path, ['--version']).includes(`version ${versions.prometheus.series}.`) ? path : undefined
  },
  'prometheus',
)

const natsPath = () => join(cacheDir(), `nats-server-${versions.nats.exact}`, 'nats-server')

/** The one that is built here, or any that is new enough for what the program uses of it. */
function findNats() {
  if (existsSync(natsPath())) return natsPath()
  const path = onPath('nats-server')
  return path && /v2\.(9|\d\d)\.\d+/.test(outputOf(path, ['--version'])) ? path : undefined
}

const findGo = () => onPath('go')

/** Built where there is Go, else Debian's. @type {Requirement} */
export const natsServer = {
  title: `nats-server ${versions.nats.exact}`,
  find: remembered(findNats),
  get debian() {
    return findGo() ? undefined : ['nats-server']
  },
  fetch() {
    if (findGo() === undefined) return
    const folder = dirname(natsPath())
    mkdirSync(folder, { recursive: true })
    const module = `github.com/nats-io/nats-server/v2@v${versions.nats.exact}`
    spawnSync(findGo(), ['install', module], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, GOBIN: folder },
    })
  },
  cure: 'npm run services -- install nats',
}

/** What is not there, each piece once. @param {readonly {requirements: readonly Requirement[]}[]} services */
export function missingFor(services) {
  return [...new Set(services.flatMap(({ requirements }) => requirements))].filter((each) => each.find() === undefined)
}

/** Something that a server needs is missing. The message is one line with the command that brings it. */
export class NotInstalled extends Error {
  /** @param {readonly Requirement[]} missing */
  constructor(missing) {
    super(`${missing.map(({ title }) => title).join(', ')} missing: run ${cureFor(missing)}`)
  }
}

function cureFor(missing) {
  const packages = missing.flatMap(({ debian }) => debian ?? [])
  const others = missing.filter(({ debian }) => debian === undefined).map(({ cure }) => cure)
  const commands = packages.length > 0 ? [`apt-get install -y ${packages.join(' ')}`] : []
  return [...commands, ...new Set(others)].join(' && ')
}

/**
 * Brings what is missing: packages by apt-get, where this user may; then the rest.
 *
 * @param {readonly {requirements: readonly Requirement[]}[]} services
 * @throws NotInstalled when something is missing afterwards
 */
export function install(services) {
  const packages = missingFor(services).flatMap(({ debian }) => debian ?? [])
  if (packages.length > 0) installPackages(packages)
  for (const each of missingFor(services)) each.fetch?.()
  const missing = missingFor(services)
  if (missing.length > 0) throw new NotInstalled(missing)
}

function installPackages(packages) {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const apt = (...args) => {
    const [command, ...rest] = [...asRoot, 'apt-get', ...args]
    // At this run level the packages' own servers are not started beside ours.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    return spawnSync(command, rest, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0
  }
  apt('update', '-qq')
  apt('install', '-y', '-qq', '--no-install-recommends', ...packages)
}
