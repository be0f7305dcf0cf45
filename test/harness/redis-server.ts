import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { waitUntil } from './wait-until.js'

/** A redis-server of the test's own, in a process that the test may treat as badly as it likes. Nothing of it is saved. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Any command, as redis-cli takes it, over a connection of the test's own. */
  ask(name: string, ...args: readonly (string | number)[]): Promise<unknown>
  isRunning(): boolean
  kill9(): Promise<void>
  /** SIGSTOP: its sockets stay open and silent. */
  freeze(): void
  thaw(): void
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>
  dispose(): Promise<void>
}

export interface RedisServerOptions {
  /** A free one unless told. */
  readonly port?: number
  /** More of its settings: `['--maxmemory', '3mb']`. */
  readonly settings?: readonly string[]
  /** A program's first argument that makes it another kind of server: a file with a Sentinel's settings. */
  readonly sentinelFile?: string
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** @throws Error with the command that installs it, when there is no redis-server on this machine */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const file = options.sentinelFile === undefined ? [] : [options.sentinelFile, '--sentinel']
  const args = [...file, ...settings, '--logfile', join(folder, 'log'), ...(options.settings ?? [])]
  const admin = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 50, protocol: 2 })
  admin.on('error', () => {})

  async function launch(): Promise<ChildProcess> {
    const child = spawn('redis-server', args, { stdio: 'ignore' })
    await once(child, 'spawn').catch((cause: unknown) => {
      throw new Error('redis-server does not start here; install it with: apt-get install redis-server', { cause })
    })
    running.add(child)
    child.once('exit', () => running.delete(child))
    try {
      await waitUntil('redis-server answers', async () => {
        if (!running.has(child)) throw new Error('it ended')
        return (await admin.ping()) === 'PONG'
      })
    } catch (error) {
      throw new Error(`redis-server did not start: ${readFileSync(join(folder, 'log'), 'utf8')}`, { cause: error })
    }
    return child
  }

  async function end(child: ChildProcess): Promise<void> {
    if (!running.has(child)) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  let child = await launch().catch((error: unknown) => {
    admin.disconnect()
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    ask: (name, ...more) => admin.call(name, ...more),
    isRunning: () => running.has(child),
    kill9: () => end(child),
    freeze() {
      child.kill('SIGSTOP')
    },
    thaw() {
      child.kill('SIGCONT')
    },
    async restart() {
      await end(child)
      child = await launch()
    },
    async dispose() {
      admin.disconnect()
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A port that was free a moment ago; a cluster's second one, ten thousand above it, is in range. */
export async function freePort(): Promise<number> {
  for (;;) {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    if (port < 55_000) return port
  }
}
