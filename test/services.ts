/**
 * Where tests find the real servers, and how they get one of their own that they may treat badly.
 *
 * S1. A test that needs a server fails without it, and the error is one line with the command that starts it.
 * S2. What a test does to a private server, nobody else sees: its own directory, its own ports.
 * S3. A private server does not outlive the test's process, unless that is killed too: not even one whose start had not
 *     ended when the test gave up.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { projectRoot } from './harness/project-root.js'
import { waitUntil } from './harness/wait-until.js'

const root = projectRoot()

/** Names that `npm run services` knows. */
export type ServiceName =
  | 'cassandra'
  | 'cassandra-3'
  | 'postgres'
  | 'postgres-standby'
  | 'redis'
  | 'redis-sentinel'
  | 'redis-cluster'
  | 'nats'
  | 'nats-3'

/** One process of a service. */
export interface ServiceMember {
  readonly role: string
  readonly host: string
  /** The port that clients dial. */
  readonly port: number
  /** All its ports, by their names: `cql`, `storage`, `jmx`. */
  readonly ports: Readonly<Record<string, number>>
  readonly pid: number
  readonly dataDir: string
  readonly logPath: string
}

/** A service that runs: its members in the order of their start, and its address as drivers take it. */
export interface Service {
  readonly url: string
  readonly members: readonly ServiceMember[]
}

/** A service that belongs to one test. `role` names a member; without it: the first. */
export interface PrivateService extends Service {
  /** What each member does now: it answers, it runs without answering, or it does not run. */
  states(): Promise<readonly State[]>
  /** SIGKILL to the process and its children; resolves when all are gone. */
  kill9(role?: string): Promise<void>
  /** SIGSTOP to the same: their sockets stay open and silent. */
  freeze(role?: string): void
  /** SIGCONT. */
  thaw(role?: string): void
  /** Starts again what does not run, on the same ports and data, and waits until it answers. */
  restart(): Promise<void>
  /** Stops all members in order; the data stays for `restart`. */
  stop(): Promise<void>
  /** Ends everything and removes the data. Call it in `afterEach` or `afterAll`. */
  dispose(): Promise<void>
}

interface PrivateServiceOptions {
  /** Settings of the server itself, over those of scripts/services: `{commitlog_sync: 'batch'}`. */
  readonly settings?: Readonly<Record<string, string>>
  /** An existing folder for data, such as a small file system that is to be filled. It is emptied by `dispose`. */
  readonly dir?: string
}

type State = 'up' | 'silent' | 'down'

/** As `npm run services -- status --json` prints it. */
interface Status {
  readonly urls: Readonly<Record<string, string>>
  readonly members: readonly (Omit<ServiceMember, 'pid'> & { readonly pid?: number; readonly state: State })[]
}

/**
 * The address that a shared server's driver dials, as its `url`: what HELIOGRAPH_TEST_<NAME> says (`host:port` for
 * Cassandra), or else what `npm run services -- up` has started in this checkout.
 *
 * @throws Error with the command that starts it
 */
export function serviceUrl(name: ServiceName): string {
  const given = process.env[`HELIOGRAPH_TEST_${name.toUpperCase().replaceAll('-', '_')}`]
  return given || sharedService(name).url
}

/** Host and port of a shared server's first member. @throws Error with the command that starts it */
export function serviceAddress(name: ServiceName): { readonly host: string; readonly port: number } {
  const url = serviceUrl(name)
  const [first = ''] = url.replace(/^[a-z]+:\/\/([^@/]*@)?/, '').split(/[,/?]/)
  const at = first.lastIndexOf(':')
  return { host: first.slice(0, at), port: Number(first.slice(at + 1)) }
}

/**
 * A shared server that `npm run services -- up` has started in this checkout. Tests share it: each works in a keyspace,
 * schema or prefix of its own and leaves the processes alone.
 *
 * @throws Error with the command that starts it
 */
export function sharedService(name: ServiceName): Service {
  const dir = resolve(root, process.env.HELIOGRAPH_SERVICES_DIR || '.heliograph/services')
  let record: { url: string; mainPort: string; inContainer?: boolean; members: (ServiceMember & { dir: string })[] }
  try {
    record = JSON.parse(readFileSync(join(dir, name, 'service.json'), 'utf8'))
  } catch {
    throw notUp(name)
  }
  if (!(record.inContainer || record.members.every(({ pid }) => isRunning(pid)))) throw notUp(name)
  const members = record.members.map((member) => ({
    ...member,
    port: member.ports[record.mainPort]!,
    dataDir: member.dir,
  }))
  return { url: record.url, members }
}

function notUp(name: ServiceName): Error {
  return new Error(`${name} does not run: npm run services -- up ${name}`)
}

const abandoned = new Set<PrivateProcesses>()
process.on('exit', killAbandoned)
// A worker of vitest whose hook took too long is ended by a signal, or left by its parent.
process.once('SIGTERM', () => {
  killAbandoned()
  process.kill(process.pid, 'SIGTERM')
})
process.once('disconnect', killAbandoned)

/** Kills every private server that was not disposed of, as the end of this process does. */
export function killAbandoned(): void {
  for (const each of abandoned) each.killAll()
}

/** Starts a server that nobody else uses, on free ports; takes as long as the server takes. */
export async function startPrivateService(
  name: ServiceName,
  options: PrivateServiceOptions = {},
): Promise<PrivateService> {
  const processes = new PrivateProcesses(name, options)
  abandoned.add(processes)
  try {
    await processes.restart()
  } catch (error) {
    await processes.dispose()
    throw error
  }
  return processes
}

class PrivateProcesses implements PrivateService {
  url = ''
  members: readonly ServiceMember[] = []
  readonly #name: ServiceName
  readonly #dir: string
  readonly #isGiven: boolean
  readonly #settings: readonly string[]
  /** `npm run services` commands that have not ended. */
  readonly #commands = new Set<ChildProcess>()

  constructor(name: ServiceName, { dir, settings = {} }: PrivateServiceOptions) {
    this.#name = name
    this.#isGiven = dir !== undefined
    this.#dir = dir ?? mkdtempSync(join(tmpdir(), `heliograph-${name}-`))
    chmodSync(this.#dir, 0o711) // PostgreSQL runs as a user of its own, who has to get through
    this.#settings = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  }

  async restart(): Promise<void> {
    const slot = String(10 + (process.pid % 60)) // the first slots are for the shared servers of several checkouts
    const printed = await this.#services('up', '--json', '--slot', slot, ...this.#settings)
    const status = JSON.parse(printed) as Status
    this.url = status.urls[this.#name] ?? ''
    this.members = status.members.map(({ state, ...member }) => ({ ...member, pid: member.pid ?? -1 }))
  }

  async states(): Promise<readonly State[]> {
    const status = JSON.parse(await this.#services('status', '--json')) as Status
    return status.members.map(({ state }) => state)
  }

  async kill9(role?: string): Promise<void> {
    const pids = this.#signal(role, 'SIGKILL')
    await waitUntil(`processes ${pids} are gone`, () => !pids.some(isRunning))
  }

  freeze(role?: string): void {
    this.#signal(role, 'SIGSTOP')
  }

  thaw(role?: string): void {
    this.#signal(role, 'SIGCONT')
  }

  async stop(): Promise<void> {
    await this.#services('down')
  }

  async dispose(): Promise<void> {
    this.killAll()
    abandoned.delete(this)
    await this.#services('down', '--wipe')
    for (const name of readdirSync(this.#dir)) rmSync(join(this.#dir, name), { recursive: true, force: true })
    if (!this.#isGiven) rmdirSync(this.#dir)
  }

  /** For data that nobody needs again there is no reason to wait for an orderly end. */
  killAll(): void {
    // First what would start more; what it has started so far, its record alone knows.
    for (const command of this.#commands) command.kill('SIGKILL')
    for (const { pid } of this.#recorded()) if (isRunning(pid)) send(pid, 'SIGKILL')
  }

  #recorded(): readonly Pick<ServiceMember, 'pid'>[] {
    try {
      const { members } = JSON.parse(readFileSync(join(this.#dir, this.#name, 'service.json'), 'utf8')) as Service
      return members.filter(({ pid }) => pid !== undefined)
    } catch {
      return this.members // nothing was started yet, or everything is removed
    }
  }

  #signal(role: string | undefined, signal: NodeJS.Signals): readonly number[] {
    const { pid, role: name } = this.#member(role)
    if (!isRunning(pid)) throw new Error(`${this.#name} ${name} does not run (ESRCH)`)
    const children = childrenOf(pid)
    // Who makes new children stops first, and goes on last; one that was made in between is caught, too.
    if (signal === 'SIGCONT') for (const child of children) send(child, signal)
    send(pid, signal)
    if (signal === 'SIGCONT') return [pid, ...children]
    const all = new Set([...children, ...childrenOf(pid)])
    for (const child of all) send(child, signal)
    return [pid, ...all]
  }

  #member(role: string | undefined): ServiceMember {
    const member = role === undefined ? this.members[0] : this.members.find((each) => each.role === role)
    if (member === undefined) throw new Error(`${this.#name} has no member ${role}`)
    return member
  }

  #services(command: string, ...options: string[]): Promise<string> {
    const args = ['scripts/services.mjs', command, this.#name, '--dir', this.#dir, ...options]
    // A process of its own can be killed and frozen by its id; a container's cannot.
    const env = { ...process.env, HELIOGRAPH_SERVICES_FROM: 'packages' }
    return new Promise((done, fail) => {
      const child = execFile(process.execPath, args, { cwd: root, env }, (error, stdout, stderr) => {
        this.#commands.delete(child)
        if (error) fail(new Error(stderr.trim() || error.message))
        else done(stdout)
      })
      this.#commands.add(child)
    })
  }
}

/** PostgreSQL serves each client by a child, in a session of its own. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid
      } catch {
        return false // it has ended
      }
    })
    .map(Number)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Not so for what is only left to be collected by its parent. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return true
  }
}
