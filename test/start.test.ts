/** The server as a process: what it says when it cannot start, and how it starts, stops and survives. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ServerProcess, startServer, waitUntil } from './harness/index.js'

const mainPath = fileURLToPath(new URL('../dist/server/main.js', import.meta.url))
let folder: string
const servers: ServerProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.dispose()
  rmSync(folder, { recursive: true, force: true })
})

async function started(options: Parameters<typeof startServer>[0] = {}): Promise<ServerProcess> {
  const server = await startServer({ dataDir: join(folder, 'data'), ...options })
  servers.push(server)
  return server
}

/** A start that should not succeed. */
function start(env: Record<string, string>) {
  const ports = { HELIOGRAPH_MTPROTO_PORT: '0', HELIOGRAPH_HTTP_PORT: '0', HELIOGRAPH_DATA_DIR: join(folder, 'data') }
  const { status, stderr } = spawnSync(process.execPath, [mainPath], {
    env: { PATH: process.env.PATH, ...ports, ...env },
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, stderr }
}

describe('a start that is refused ends with code 1 and a line that names the cure', () => {
  test('a wrong value', () => {
    const { status, stderr } = start({ HELIOGRAPH_SIGN_UP: 'maybe' })
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'HELIOGRAPH_SIGN_UP=maybe: give one of: automatic, explicit\n',
    })
  })

  test('an unknown name', () => {
    const { status, stderr } = start({ HELIOGRAPH_DATADIR: folder })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^HELIOGRAPH_DATADIR=.*did you mean HELIOGRAPH_DATA_DIR\?\n$/)
  })

  test('a port that is in use', async () => {
    const { mtproto } = await started()
    const { status, stderr } = start({
      HELIOGRAPH_DATA_DIR: join(folder, 'other'),
      HELIOGRAPH_MTPROTO_PORT: String(mtproto.port),
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(new RegExp(`^HELIOGRAPH_MTPROTO_PORT=${mtproto.port}: something else listens there.*\n$`))
  })

  test('an HTTP port that is in use', async () => {
    const { http } = await started()
    const { status, stderr } = start({
      HELIOGRAPH_DATA_DIR: join(folder, 'other'),
      HELIOGRAPH_HTTP_PORT: String(http.port),
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(new RegExp(`^HELIOGRAPH_HTTP_PORT=${http.port}: something else listens there.*\n$`))
  })

  test('a data directory that another process uses, which goes on undisturbed', async () => {
    const server = await started()
    const { status, stderr } = start({})
    expect(status).toBe(1)
    expect(stderr).toContain(join(folder, 'data'))
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(server.isRunning()).toBe(true)
    expect(existsSync(join(folder, 'data', 'listening.json'))).toBe(true)
  })
})

describe('a server', () => {
  test('says where it listens, and answers there', async () => {
    const { http, dataDir, log } = await started()
    const get = (path: string) => fetch(`http://${http.host}:${http.port}${path}`)
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(200)
    expect((await get('/metrics')).status).toBe(200)
    expect(await (await get('/')).text()).toContain(readFileSync(join(dataDir, 'server-key.pub.pem'), 'utf8').trim())
    expect(log()).toContain(`http://${http.host}:${http.port}/`)
  })

  test('keeps its keys to its owner', async () => {
    const { dataDir } = await started()
    expect(statSync(join(dataDir, 'server-key.pem')).mode & 0o077).toBe(0)
    expect(statSync(dataDir).mode & 0o077).toBe(0)
  })

  test('stops on a signal with code 0 and takes listening.json with it', async () => {
    const server = await started()
    expect(await server.stop()).toBe(0)
    expect(existsSync(join(server.dataDir, 'listening.json'))).toBe(false)
  })

  test('stops in order when a signal comes twice, as through npm', async () => {
    const server = await started()
    process.kill(server.pid, 'SIGINT')
    process.kill(server.pid, 'SIGINT')
    expect(await server.stop()).toBe(0)
  })

  test('starts again after kill -9 with the same key', async () => {
    const server = await started()
    const key = readFileSync(join(server.dataDir, 'server-key.pub.pem'), 'utf8')
    await server.kill9()
    await server.restart()
    expect(readFileSync(join(server.dataDir, 'server-key.pub.pem'), 'utf8')).toBe(key)
    expect(await server.stop()).toBe(0)
  })

  test('goes on when nobody reads what it prints any more', async () => {
    await listensWith('pipe')
  })

  // Linux has a disk that is always full.
  const full = '/dev/full'
  if (existsSync(full)) {
    test('goes on when the disk that its output goes to is full', async () => {
      const fd = openSync(full, 'w')
      await listensWith(fd)
      closeSync(fd)
    })
  }
})

/** Starts a server whose output cannot be written, and holds that it listens, serves and stops as any other. */
async function listensWith(stdout: 'pipe' | number): Promise<void> {
  const listening = join(folder, 'data', 'listening.json')
  const server = spawn(process.execPath, [mainPath], {
    env: {
      PATH: process.env.PATH,
      HELIOGRAPH_MTPROTO_PORT: '0',
      HELIOGRAPH_HTTP_PORT: '0',
      HELIOGRAPH_DATA_DIR: join(folder, 'data'),
      HELIOGRAPH_LOG_LEVEL: 'trace',
    },
    stdio: ['ignore', stdout, 'ignore'],
  })
  server.stdout?.destroy()
  try {
    await waitUntil('it listens, or has ended', () => existsSync(listening) || server.exitCode !== null, 45_000)
    expect(server.exitCode).toBeNull()
    const { http } = JSON.parse(readFileSync(listening, 'utf8')) as ServerProcess
    expect((await fetch(`http://${http.host}:${http.port}/readyz`)).status).toBe(200)
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  } finally {
    server.kill('SIGKILL')
  }
}
