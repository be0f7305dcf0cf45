// `npm run services -- up|down|status|settings|install [names] [options]`: the servers that the program and its tests use, on
// loopback, each with a data directory of its own. Without names: those that `npm test` needs.

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { main } from './project.mjs'
import { catalog, testServices } from './services/catalog.mjs'
import { DaemonFailed } from './services/daemon.mjs'
import { chromium, haproxy, install, NotInstalled, prometheus } from './services/installation.mjs'
import { defaultServicesDir, readRecord, withoutPassword } from './services/places.mjs'
import { programSettings } from './services/program-settings.mjs'
import { down, status, up } from './services/service.mjs'

const storeServices = ['cassandra', 'postgres', 'redis']

const usage = `npm run services -- <command> [names] [options]

  up        start what is named and wait until it answers; what runs already is left alone
  down      stop what is named, or everything; data stays
  status    what runs, where
  settings  lines for a shell, with passwords, by which the program runs on what is named
  install   fetch what is missing (packages by apt-get, Cassandra's jars by Maven)
  nodetool  <cassandra|cassandra-3> ARGS...: Cassandra's own tool, against the first node

  --json          status as JSON
  --install       up: install what is missing first
  --wipe          down: remove the data too
  --dir DIR       another services directory than HELIOGRAPH_SERVICES_DIR or .heliograph/services
  --slot N        up: look for free ports from slot N on (see docs/operations.md)
  --set KEY=VALUE up: a setting of the server, over ours (once each, a block as JSON; Cassandra: cassandra.yaml, PostgreSQL: -c, Redis: --)

Names: ${[...catalog.values()].map(({ name, summary }) => `${name} (${summary})`).join(', ')}.
Without names: ${testServices.join(', ')} for up and install, everything for down and status,
${storeServices.join(', ')} for settings (with NATS, too, a process is a node of a cluster).`

/** A wrong command line; the message is all that the person needs. */
class WrongUse extends Error {}

function servicesNamed(names, whenNone) {
  return (names.length > 0 ? names : whenNone).map((name) => {
    const service = catalog.get(name)
    if (service === undefined)
      throw new WrongUse(`There is no server ${name}; there are ${[...catalog.keys()].join(', ')}`)
    return service
  })
}

function settingsOf(list) {
  if (list === undefined) return undefined
  return Object.fromEntries(
    list.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new WrongUse(`--set ${text}: give KEY=VALUE`)
      return [text.slice(0, at), settingOf(text.slice(at + 1))]
    }),
  )
}

/** A setting that is a block is given as JSON: `--set 'authorization={"token": "..."}'`. */
function settingOf(text) {
  return text.startsWith('{') ? JSON.parse(text) : text
}

function startSlotOf(text) {
  if (text === undefined) return 0
  if (!/^\d+$/.test(text)) throw new WrongUse(`--slot ${text}: give a number`)
  return Number(text)
}

async function upAll(dir, names, values) {
  const services = servicesNamed(names, testServices)
  if (values.install) install(services)
  const options = { overrides: settingsOf(values.set), startSlot: startSlotOf(values.slot) }
  for (const service of services) {
    const since = performance.now()
    const { record, started } = await up(dir, service, options)
    const seconds = ((performance.now() - since) / 1000).toFixed(1)
    if (!values.json)
      console.log(
        `${service.name}: ${withoutPassword(record.url)} ${started ? `(up in ${seconds} s)` : '(ran already)'}`,
      )
  }
  if (values.json) await printStatus(dir, services, values)
}

async function printStatus(dir, services, { json }) {
  const lines = (await Promise.all(services.map((service) => status(dir, service)))).flat()
  if (json) {
    const urls = services.map(({ name }) => [name, readRecord(dir, name)?.url]).filter(([, url]) => url)
    console.log(JSON.stringify({ dir, urls: Object.fromEntries(urls), members: lines }, null, 2))
  } else if (lines.length === 0) console.log(`Nothing was started in ${dir}`)
  else printTable(lines)
}

function printTable(lines) {
  const head = ['server', 'member', 'state', 'address', 'pid', 'data']
  const rows = lines.map(({ service, role, state, host, port, pid, dataDir }) => [
    service,
    role,
    state,
    `${host}:${port}`,
    String(pid ?? '-'),
    dataDir,
  ])
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)))
  for (const row of [head, ...rows])
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
}

async function downAll(dir, names, { wipe }) {
  for (const service of servicesNamed(names, [...catalog.keys()]).toReversed()) {
    const stopped = await down(dir, service, { wipe })
    if (stopped > 0) console.log(`${service.name}: down`)
  }
}

async function printSettings(dir, names) {
  const services = servicesNamed(names, storeServices)
  for (const service of services) {
    const members = await status(dir, service)
    if (members.length > 0 && members.every(({ state }) => state === 'up')) continue
    throw new WrongUse(`${service.name} does not run: npm run services -- up ${service.name}`)
  }
  const settings = programSettings(services.map(({ name }) => readRecord(dir, name)))
  for (const [name, value] of Object.entries(settings)) console.log(`export ${name}='${value}'`)
}

function nodetool(dir, [name, ...args]) {
  const [service] = servicesNamed(name ? [name] : [], [])
  const record = service?.tool && readRecord(dir, service.name)
  if (!record) throw new WrongUse('nodetool: name a Cassandra that runs')
  process.exitCode = service.tool(record.members[0], args)
}

const options = {
  json: { type: 'boolean' },
  install: { type: 'boolean' },
  wipe: { type: 'boolean' },
  help: { type: 'boolean' },
  dir: { type: 'string' },
  slot: { type: 'string' },
  set: { type: 'string', multiple: true },
}

async function runCommand() {
  if (process.argv[2] === 'nodetool') return nodetool(defaultServicesDir(), process.argv.slice(3))
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [command, ...names] = positionals
  const dir = values.dir ? resolve(values.dir) : defaultServicesDir()
  if (values.help || command === undefined) return console.log(usage)
  if (command === 'up') return upAll(dir, names, values)
  if (command === 'down') return downAll(dir, names, values)
  if (command === 'settings') return printSettings(dir, names)
  if (command === 'status') return printStatus(dir, servicesNamed(names, [...catalog.keys()]), values)
  const programsOfTests = names.length > 0 ? [] : [{ requirements: [haproxy, chromium, prometheus] }]
  if (command === 'install') return install([...servicesNamed(names, testServices), ...programsOfTests])
  throw new WrongUse(`There is no command ${command}\n\n${usage}`)
}

await main(async () => {
  try {
    await runCommand()
  } catch (error) {
    const isPlain = [WrongUse, NotInstalled, DaemonFailed].some((type) => error instanceof type)
    if (!isPlain && error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error
    console.error(error.message)
    process.exitCode = 1
  }
})
