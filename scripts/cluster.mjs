// `npm run cluster -- --nodes 3 --gateways 2`: a whole cluster on loopback, for development: the servers, nodes and
// gateways as processes of their own. Ctrl-C stops all, in order: gateways, then nodes, each of which gives its shards
// to the others first.

import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultClusterDir, forgetCluster, readCluster, writeCluster } from './cluster/places.mjs'
import { start, stop, untilReady } from './cluster/processes.mjs'
import { keysOf, settingsOf } from './cluster/settings.mjs'
import { openStores, storeNameOf } from './cluster/stores.mjs'
import { prepare } from './prepare.mjs'
import { main } from './project.mjs'
import { isAlive, startOf } from './services/daemon.mjs'
import { NotInstalled } from './services/installation.mjs'

const usage = `npm run cluster -- [options]

  --nodes N       nodes that hold actors (3)
  --gateways N    gateways that take clients (2)
  --base-port P   fixed ports: of each gateway MTProto and HTTP from P on, then HTTP of each node; else free ones
  --fresh         forget what was stored before
  --stop          stop the cluster that runs here
  --dir DIR       another folder than .heliograph/cluster

Ctrl-C stops it. What is stored stays for the next start.`

/** A wrong command line; the message is all that the person needs. */
class WrongUse extends Error {}

const options = {
  nodes: { type: 'string', default: '3' },
  gateways: { type: 'string', default: '2' },
  'base-port': { type: 'string' },
  fresh: { type: 'boolean', default: false },
  stop: { type: 'boolean', default: false },
  dir: { type: 'string' },
  help: { type: 'boolean', default: false },
}

function count(name, text, most) {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= most) return value
  throw new WrongUse(`--${name} ${text}: give a number from 1 to ${most}`)
}

const say = (line) => console.log(line)

/** Ends what a cluster here left running. True if there was anything. */
async function stopWhatRuns(dir) {
  const record = readCluster(dir)
  if (record === undefined) return false
  if (isAlive(record)) {
    process.kill(record.pid, 'SIGTERM')
    while (isAlive(record)) await new Promise((done) => setTimeout(done, 100))
  }
  await stopInOrder(record.processes)
  forgetCluster(dir)
  return true
}

/** Gateways together, then nodes one after the other: each gives its shards to those that are left. */
async function stopInOrder(processes) {
  await Promise.all(processes.filter(({ role }) => role === 'gateway').map(stop))
  for (const node of processes.filter(({ role }) => role === 'actors').toReversed()) await stop(node)
}

/** The processes to start: their names, roles and ports. */
function plan({ nodes, gateways, basePort }) {
  const port = (offset) => (basePort === undefined ? '0' : String(basePort + offset))
  const each = (number, make) => Array.from({ length: number }, (_, index) => make(index))
  return [
    ...each(nodes, (index) => ({
      name: `node-${index + 1}`,
      role: 'actors',
      ports: { HELIOGRAPH_HTTP_PORT: port(gateways * 2 + index) },
    })),
    ...each(gateways, (index) => ({
      name: `gateway-${index + 1}`,
      role: 'gateway',
      ports: { HELIOGRAPH_MTPROTO_PORT: port(index * 2), HELIOGRAPH_HTTP_PORT: port(index * 2 + 1) },
    })),
  ]
}

function tell(running, { keys, tokenFile }) {
  const rows = running.map(({ name, mtproto, http }) => [name, mtproto ?? '', http])
  console.log(`\n  A cluster of ${running.length} processes\n`)
  for (const [name, mtproto, http] of rows) say(`  ${name.padEnd(12)} ${mtproto.padEnd(18)} ${http}/`)
  const gateway = running.find(({ role }) => role === 'gateway')
  say(`\n  Page         ${gateway.http}/`)
  say(`  Dashboard    ${running[0].http}/admin/   (the secret: ${tokenFile})`)
  say(`  Key          ${join(keys, 'server-key.pub.pem')}`)
  say('  Operators    npx heliograph status')
  say('  Stop         Ctrl-C\n')
}

async function run(values) {
  const dir = resolve(values.dir ?? defaultClusterDir())
  if (values.stop) {
    say((await stopWhatRuns(dir)) ? 'The cluster is stopped.' : 'No cluster runs here.')
    return
  }
  const basePort = values['base-port'] === undefined ? undefined : count('base-port', values['base-port'], 65_000)
  const shape = { nodes: count('nodes', values.nodes, 64), gateways: count('gateways', values.gateways, 64), basePort }
  const before = readCluster(dir)
  if (before !== undefined && isAlive(before))
    throw new WrongUse('A cluster runs here already: npm run cluster -- --stop')
  await stopWhatRuns(dir)

  await prepare({ dev: false })
  const running = []
  const interruption = new AbortController()
  const { signal } = interruption
  const opening = openStores({ name: storeNameOf(dir), isFresh: values.fresh, say, signal })
  const end = async (code) => {
    if (signal.aborted) return
    interruption.abort()
    const order = running.length > 0 ? ': gateways, then nodes, which give their shards away first' : ''
    say(`\nStopping${order}.`)
    await stopInOrder(running)
    // What was started of it before it rejected, it has ended.
    const stores = await opening.catch(() => undefined)
    await stores?.close()
    forgetCluster(dir)
    process.exit(code)
  }
  for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(each, () => void end(0))
  try {
    await startAll({ dir, values, shape, stores: await opening, running, signal })
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof NotInstalled) throw error
    console.error(error.message)
    await end(1)
  }
}

/** Starts the processes, and puts each into `running` as soon as there is one; none once `signal` says to stop. */
async function startAll({ dir, values, shape, stores, running, signal }) {
  if (values.fresh) rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const secrets = await keysOf(dir)
  const env = await settingsOf(secrets, stores)
  const record = () =>
    writeCluster(dir, {
      pid: process.pid,
      startedAt: startOf(process.pid),
      processes: running.map(({ child: _, dataDir: __, ...each }) => each),
    })

  const launch = async ({ name, role, ports }) => {
    signal.throwIfAborted()
    const each = start({ dir, name, role, env: { ...env, ...ports } })
    running.push(each)
    record()
    each.child.on('exit', (code, killedBy) => {
      if (!signal.aborted) say(`${name} ended (${killedBy ?? code}); its log: ${join(each.dataDir, 'server.log')}`)
    })
    Object.assign(each, await untilReady(each))
    record()
  }
  const [first, ...others] = plan(shape)
  // It makes the tables.
  await launch(first)
  await Promise.all(others.map(launch))
  running.sort((a, b) => b.role.localeCompare(a.role) || a.name.localeCompare(b.name))
  tell(running, secrets)
}

await main(async () => {
  try {
    const { values } = parseArgs({ options })
    if (values.help) console.log(usage)
    else await run(values)
  } catch (error) {
    const isPlain = error instanceof WrongUse || error instanceof NotInstalled
    if (!isPlain && error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error
    console.error(`${error.message}\n`)
    if (!isPlain) console.error(usage)
    process.exitCode = 1
  }
})
