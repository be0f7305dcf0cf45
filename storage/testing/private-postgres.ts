/** A PostgreSQL server of a test's own, on a free port of the loopback and a temporary directory. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

/** The series that the project is tested with. */
const SERIES = '15'
const ANSWERS_WITHIN_MS = 60_000

function binary(name: string): string {
  const path = `/usr/lib/postgresql/${SERIES}/bin/${name}`
  if (existsSync(path)) return path
  throw new Error(`PostgreSQL ${SERIES} is missing: apt-get install -y postgresql-${SERIES}`)
}

/** The server does not run as root: then it is the packaged user's. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

/** Children of a process; the server's are in sessions of their own. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid
      } catch {
        return false
      }
    })
    .map(Number)
}

export class PrivatePostgres {
  readonly port: number
  readonly directory: string
  readonly #settings: readonly string[]
  readonly #dispose: () => void
  #process: ChildProcess | undefined

  private constructor(port: number, directory: string, settings: readonly string[], dispose: () => void) {
    this.port = port
    this.directory = directory
    this.#settings = settings
    this.#dispose = dispose
  }

  /**
   * A new cluster, started. `diskMb`: its data lie on a file system of this size (needs root).
   * `settings`: of the server, each `name=value`.
   */
  static async start(options: { diskMb?: number; settings?: readonly string[] } = {}): Promise<PrivatePostgres> {
    const { diskMb, settings = [] } = options
    const parent = mkdtempSync(join(tmpdir(), 'postgres-heliograph-'))
    if (diskMb) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMb}m`, 'tmpfs', parent])
    const dispose = () => {
      if (diskMb) execFileSync('umount', [parent])
      rmSync(parent, { recursive: true, force: true })
    }
    chmodSync(parent, 0o755)
    const directory = join(parent, 'data')
    mkdirSync(directory, { mode: 0o700 })
    const { uid, gid } = serverUser()
    if (uid !== undefined) execFileSync('chown', [`${uid}:${gid}`, directory])
    const flags = ['-D', directory, '-U', 'heliograph', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    execFileSync(binary('initdb'), [...flags, '--wal-segsize=1'], { cwd: parent, stdio: 'pipe', ...serverUser() })
    writeFileSync(join(parent, 'log'), '')
    const server = new PrivatePostgres(await freePort(), directory, settings, dispose)
    await server.start()
    return server
  }

  /** Whether the process is there; a server that has no room for its log may end. */
  get runs(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** A standby that follows this server. */
  async standby(): Promise<PrivatePostgres> {
    const parent = mkdtempSync(join(tmpdir(), 'postgres-heliograph-'))
    chmodSync(parent, 0o777)
    const directory = join(parent, 'data')
    const from = ['-d', this.url(), '-D', directory, '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
    execFileSync(binary('pg_basebackup'), from, { cwd: parent, stdio: 'pipe', ...serverUser() })
    const dispose = () => rmSync(parent, { recursive: true, force: true })
    const server = new PrivatePostgres(await freePort(), directory, this.#settings, dispose)
    await server.start()
    return server
  }

  url(database = 'postgres', port = this.port): string {
    return `postgres://heliograph@127.0.0.1:${port}/${database}`
  }

  /** Starts a server that was stopped or killed; resolves when it answers. */
  async start(): Promise<void> {
    const small = ['shared_buffers=8MB', 'max_connections=60', 'min_wal_size=2MB', 'max_wal_size=8MB']
    const place = ['listen_addresses=127.0.0.1', `port=${this.port}`, 'unix_socket_directories=']
    const args = [...small, ...place, ...this.#settings].flatMap((setting) => ['-c', setting])
    this.#process = spawn(binary('postgres'), ['-D', this.directory, ...args], {
      cwd: this.directory,
      stdio: 'ignore',
      ...serverUser(),
    })
    const { pid } = this.#process
    process.once('exit', () => pid !== undefined && this.#process?.pid === pid && send(pid, 'SIGKILL'))
    await this.answers()
  }

  async answers(): Promise<void> {
    const endMs = Date.now() + ANSWERS_WITHIN_MS
    for (;;) {
      const client = new pg.Client({ connectionString: this.url(), connectionTimeoutMillis: 1_000 })
      client.on('error', () => undefined)
      try {
        await client.connect()
        await client.query('SELECT 1')
        return
      } catch (error) {
        if (Date.now() > endMs) throw error
        await pause(30)
      } finally {
        await client.end().catch(() => undefined)
      }
    }
  }

  /** kill -9 of every process of the server. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** In order: sessions end, everything is written out. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** SIGSTOP of every process: connections stay open and nothing answers. */
  freeze(): void {
    this.#signalAll('SIGSTOP')
  }

  thaw(): void {
    this.#signalAll('SIGCONT')
  }

  async dispose(): Promise<void> {
    if (this.#process) await this.kill()
    this.#dispose()
  }

  /** Runs SQL as the server's own user; the rows of the last statement. */
  async sql<T extends pg.QueryResultRow>(text: string, database = 'postgres'): Promise<readonly T[]> {
    const client = new pg.Client({ connectionString: this.url(database) })
    await client.connect()
    try {
      const result = (await client.query<T>(text)) as pg.QueryResult<T> | pg.QueryResult<T>[]
      return Array.isArray(result) ? (result[result.length - 1]?.rows ?? []) : result.rows
    } finally {
      await client.end()
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    const children = signal === 'SIGKILL' ? childrenOf(running.pid) : []
    for (const pid of [running.pid, ...children]) send(pid, signal)
    await ended
    // Its memory is shared with its children: the next one starts once all are gone.
    while (children.some((pid) => existsSync(`/proc/${pid}`))) await pause(5)
  }

  #signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('the server does not run')
    // The one that makes new processes first when it stops, last when it goes on.
    const children = childrenOf(pid)
    for (const each of signal === 'SIGSTOP' ? [pid, ...children, ...childrenOf(pid)] : [...children, pid]) {
      send(each, signal)
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
