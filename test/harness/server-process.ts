import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFailed } from 'vitest'
import { parseSamples, type Samples } from './samples.js'
import { waitUntil } from './wait-until.js'

/** Where something listens: a literal address and a port. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface ServerOptions {
  /** Settings by their full names (`HELIOGRAPH_...`), over those of the harness: loopback, free ports, a new folder. */
  readonly env?: Readonly<Record<string, string>>
  /** A data directory to start on; it is left alone at the end. Without it: a new one, removed by `dispose`. */
  readonly dataDir?: string
  /** How long the server may take until it listens; a minute unless told. */
  readonly startWithinMs?: number
}

/** A server in a process of its own, running dist/, which the test may treat as badly as it likes. */
export interface ServerProcess {
  readonly mtproto: Address
  readonly http: Address
  readonly dataDir: string
  /** The server's public key as PKCS#1 PEM, as clients take it. */
  readonly publicKeyPem: string
  readonly pid: number
  /** True from a start until the process has ended, for whatever reason. */
  isRunning(): boolean
  /** Stops it as Ctrl-C does and waits for its end; gives the exit code. */
  stop(): Promise<number | null>
  /** Kills it with SIGKILL and waits for its end. */
  kill9(): Promise<void>
  /** Starts it again on the same data directory and the same ports; stops it first when it runs. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>
  /** Halts the process with SIGSTOP; its sockets stay open and silent. */
  freeze(): void
  /** Lets a frozen process go on. */
  thaw(): void
  /** The samples of /metrics, now. */
  metrics(): Promise<Samples>
  /** All that the process has printed, over all its starts. */
  log(): string
  /** Ends the process if it runs and removes the data directory that the harness made. Call it in `afterEach`. */
  dispose(): Promise<void>
}

const mainPath = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))
const logTailCharacters = 6_000

/** Servers that a test leaves behind, however it ends, do not outlive the test's process. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a server and waits until everything listens. When the test fails, the end of the server's log is printed. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const scratch = mkdtempSync(join(tmpdir(), 'heliograph-'))
  const dataDir = options.dataDir ?? join(scratch, 'data')
  const logPath = join(scratch, 'server.log')
  const log = () => (existsSync(logPath) ? readFileSync(logPath, 'utf8') : '')
  const spawnServer = (env: Readonly<Record<string, string>>) => {
    rmSync(listeningPath(dataDir), { force: true }) // what a killed server left would be taken for the new one's
    return launch(logPath, { ...environment(dataDir), ...env })
  }
  const startWithinMs = options.startWithinMs ?? 60_000
  printOnFailure(log)

  let env = { ...options.env }
  let child = spawnServer(env)
  let addresses: Addresses
  try {
    addresses = await untilListening(child, dataDir, log, startWithinMs)
  } catch (error) {
    await end(child, 'SIGKILL')
    rmSync(scratch, { recursive: true, force: true })
    throw error
  }

  const server: ServerProcess = {
    get mtproto() {
      if (!addresses.mtproto) throw new Error('This node takes no clients')
      return addresses.mtproto
    },
    get http() {
      return addresses.http
    },
    get pid() {
      return child.pid ?? -1
    },
    dataDir,
    get publicKeyPem() {
      return readFileSync(join(dataDir, 'server-key.pub.pem'), 'utf8')
    },
    isRunning: () => running.has(child),
    stop: () => end(child, 'SIGTERM'),
    async kill9() {
      await end(child, 'SIGKILL')
    },
    async restart(changes = {}) {
      await end(child, 'SIGTERM')
      env = { ...env, ...samePorts(addresses), ...changes }
      child = spawnServer(env)
      addresses = await untilListening(child, dataDir, log, startWithinMs)
    },
    freeze() {
      child.kill('SIGSTOP')
    },
    thaw() {
      child.kill('SIGCONT')
    },
    async metrics() {
      const response = await fetch(`http://${addresses.http.host}:${addresses.http.port}/metrics`)
      return parseSamples(await response.text())
    },
    log,
    async dispose() {
      child.kill('SIGCONT')
      await end(child, 'SIGKILL')
      rmSync(scratch, { recursive: true, force: true })
    },
  }
  return server
}

interface Addresses {
  /** Missing on a node that takes no clients. */
  readonly mtproto?: Address
  readonly http: Address
}

/** Only what a process needs to run at all is taken over: a setting in the developer's shell must not bend a test. */
function environment(dataDir: string): Record<string, string> {
  const inherited = ['PATH', 'HOME', 'TMPDIR', 'SystemRoot'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(inherited),
    HELIOGRAPH_DATA_DIR: dataDir,
    HELIOGRAPH_HOST: '127.0.0.1',
    HELIOGRAPH_MTPROTO_PORT: '0',
    HELIOGRAPH_HTTP_PORT: '0',
    HELIOGRAPH_TEST_NUMBERS: 'on',
  }
}

function samePorts({ mtproto, http }: Addresses): Record<string, string> {
  return {
    HELIOGRAPH_HTTP_PORT: String(http.port),
    ...(mtproto && { HELIOGRAPH_MTPROTO_PORT: String(mtproto.port) }),
  }
}

function launch(logPath: string, env: Record<string, string>): ChildProcess {
  const logFile = openSync(logPath, 'a')
  const child = spawn(process.execPath, ['--enable-source-maps', mainPath], {
    env,
    stdio: ['ignore', logFile, logFile],
  })
  closeSync(logFile)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

function listeningPath(dataDir: string): string {
  return join(dataDir, 'listening.json')
}

async function untilListening(
  child: ChildProcess,
  dataDir: string,
  log: () => string,
  withinMs: number,
): Promise<Addresses> {
  const hasEnded = () => !running.has(child)
  const failed = (what: string) => new Error(`${what}; its log ends:\n${log().slice(-logTailCharacters)}`)
  const isDecided = () => hasEnded() || existsSync(listeningPath(dataDir))
  await waitUntil('the server listens', isDecided, withinMs).catch(() => {
    throw failed(`The server did not listen within ${withinMs} ms`)
  })
  if (hasEnded()) throw failed(`The server ended with code ${child.exitCode}`)
  return JSON.parse(readFileSync(listeningPath(dataDir), 'utf8')) as Addresses
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  if (running.has(child)) {
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return child.exitCode
}

function printOnFailure(log: () => string): void {
  try {
    onTestFailed(() => console.error(`The server's log ends:\n${log().slice(-logTailCharacters)}`))
  } catch {
    // Started outside a test, in a hook: there is no test yet whose failure it could belong to.
  }
}
