import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Run } from '../scenario.js'
import type { ProbeDuties } from './probe.js'
import { Worker } from './worker-port.js'

const START_WITHIN_MS = 20_000

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** The server as it runs in production, in a process of its own, with a probe beside it. */
export interface BenchServer {
  readonly mtproto: Endpoint
  readonly http: Endpoint
  readonly pid: number
  readonly probe: Worker<ProbeDuties>
  /** The sums of /metrics by name, over all labels; events of the protocol also by `name{event="..."}`. */
  metrics(): Promise<Map<string, number>>
  stop(): Promise<void>
}

export interface BenchServerOptions {
  readonly dataDir: string
  /** Take these ports instead of free ones. */
  readonly ports?: { readonly mtproto: number; readonly http: number }
}

/** Starts dist/server/main.js and waits until everything listens. Ended with the scenario. */
export async function startBenchServer(run: Run, { dataDir, ports }: BenchServerOptions): Promise<BenchServer> {
  const listening = join(dataDir, 'listening.json')
  rmSync(listening, { force: true })
  const logPath = join(run.scratch, 'server.log')
  const log = openSync(logPath, 'a')
  const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'server', 'main.js')
  const probePath = new URL('./probe.js', import.meta.url).href
  const child = spawn(process.execPath, [...nodeFlags(), '--import', probePath, main], {
    stdio: ['ignore', log, log, 'ipc'],
    serialization: 'advanced',
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HELIOGRAPH_DATA_DIR: dataDir,
      HELIOGRAPH_HOST: '127.0.0.1',
      HELIOGRAPH_MTPROTO_PORT: String(ports?.mtproto ?? 0),
      HELIOGRAPH_HTTP_PORT: String(ports?.http ?? 0),
      HELIOGRAPH_TEST_NUMBERS: 'on',
      HELIOGRAPH_LOG_LEVEL: 'warn',
      // The clients of a bench share an address and write more than people do.
      HELIOGRAPH_FLOOD_LIMIT_PERCENT: '100000',
      HELIOGRAPH_MAX_CONNECTIONS_PER_ADDRESS: '100000',
    },
  })
  closeSync(log)
  const probe = new Worker<ProbeDuties>(child)
  run.onEnd(() => probe.end())
  const startedMs = performance.now()
  while (!existsSync(listening)) {
    const isOver = child.exitCode !== null || performance.now() - startedMs > START_WITHIN_MS
    if (isOver) throw new Error(`the server does not listen:\n${readFileSync(logPath, 'utf8').slice(-4_000)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { mtproto, http } = JSON.parse(readFileSync(listening, 'utf8')) as { mtproto: Endpoint; http: Endpoint }
  return {
    mtproto,
    http,
    pid: child.pid!,
    probe,
    async metrics() {
      const response = await fetch(`http://${http.host}:${http.port}/metrics`)
      return sums(await response.text())
    },
    stop: () => probe.end('SIGTERM'),
  }
}

/** Those of `npm start`, or what BENCH_NODE_OPTIONS says in their place. */
function nodeFlags(): string[] {
  const given = process.env.BENCH_NODE_OPTIONS
  if (given !== undefined) return given.split(' ').filter(Boolean)
  const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const { scripts } = JSON.parse(description) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

/** The sums of a /metrics by name, over all labels; events of the protocol also by `name{event="..."}`. */
export function sums(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-z_:]+)(?:\{(event="[a-z_]+")?.*\})? (\S+)$/.exec(line)
    if (!match) continue
    const [, name, event, value] = match
    found.set(name!, (found.get(name!) ?? 0) + Number(value))
    if (event) found.set(`${name}{${event}}`, (found.get(`${name}{${event}}`) ?? 0) + Number(value))
  }
  return found
}
