// Single servers by Docker Compose, where an engine runs: the same versions and settings, published on loopback. Services
// of several members, and those that tests kill and freeze, are processes from packages everywhere.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const programs = [['docker', 'compose'], ['docker-compose']]

/** HELIOGRAPH_SERVICES_FROM: `packages` or `containers`; without it containers where an engine answers. */
export function comesInContainers(service, env = process.env) {
  const wish = env.HELIOGRAPH_SERVICES_FROM
  if (service.container === undefined || wish === 'packages') return false
  return wish === 'containers' || (succeeds('docker', ['info']) && composeProgram() !== undefined)
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0
}

function composeProgram() {
  return programs.find(([command, ...args]) => succeeds(command, [...args, 'version']))
}

const pathOf = (dir, service) => join(dir, service.name, 'compose.json')

/** The compose file of one service: JSON is YAML. It may hold a password, so that only its owner reads it. */
export function composeFile(service, record) {
  const [member] = record.members
  const { inside, keeps, mounts = [], ...container } = service.container(member)
  const published = Object.entries(inside).map(([name, port]) => `${member.host}:${member.ports[name]}:${port}`)
  const settings = { image: service.image, ...container, ports: published, volumes: [`data:${keeps}`, ...mounts] }
  return { services: { [member.role]: settings }, volumes: { data: {} } }
}

/** Containers of two checkouts are told apart by the folder of their records. */
function compose(dir, service, ...args) {
  const [command, ...first] = composeProgram() ?? programs[0]
  const project = `heliograph-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}-${service.name}`
  const place = ['--project-name', project, '--file', pathOf(dir, service)]
  const { status, stderr, error } = spawnSync(command, [...first, ...place, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new Error(`docker compose ${args[0]} of ${service.name} failed: ${stderr ?? error?.message}`)
}

/** Starts the container, or leaves it alone when it is as the file says. */
export function startContainer(dir, service, record) {
  for (const { dir: memberDir } of record.members) mkdirSync(memberDir, { recursive: true })
  writeFileSync(pathOf(dir, service), `${JSON.stringify(composeFile(service, record), null, 2)}\n`, { mode: 0o600 })
  compose(dir, service, 'up', '--detach')
}

/** Removes the container; its volume stays, unless `wipe`. */
export function removeContainer(dir, service, { wipe }) {
  compose(dir, service, 'down', ...(wipe ? ['--volumes'] : []))
}
