/** U1, U2 and U4 of scripts/services/service.mjs and S1-S3 of test/services.ts, on a real Cassandra. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type PrivateService, serviceUrl, sharedService, startPrivateService } from './services.js'

const startMs = 240_000

let server: PrivateService
beforeAll(async () => {
  server = await startPrivateService('cassandra', { settings: { commitlog_sync: 'batch' } })
}, startMs)
afterAll(() => server.dispose(), startMs)

/** The first byte of what Cassandra says to an OPTIONS frame; undefined when nothing comes in time. */
function answer(withinMs: number): Promise<number | undefined> {
  const { host, port } = server.members[0]!
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write(Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0])))
    const end = (value: number | undefined) => {
      socket.destroy()
      resolve(value)
    }
    socket.setTimeout(withinMs, () => end(undefined))
    socket.once('error', () => end(undefined))
    socket.once('data', (chunk: Buffer) => end(chunk[0]))
  })
}
const supported = 0x84

test('a private server answers, apart from the shared one', async () => {
  expect(await answer(5_000)).toBe(supported)
  expect(sharedService('cassandra').members[0]!.pid).not.toBe(server.members[0]!.pid)
})

test('U1: a second `up` changes nothing', async () => {
  const before = server.members
  await server.restart()
  expect(server.members).toEqual(before)
})

test('a frozen server is silent and answers once thawed', async () => {
  server.freeze()
  expect(await answer(500)).toBe(undefined)
  server.thaw()
  expect(await answer(5_000)).toBe(supported)
})

test(
  'a killed server comes back at the same address',
  async () => {
    const { host, port, pid } = server.members[0]!
    await server.kill9()
    expect(await answer(500)).toBe(undefined)
    await server.restart()
    expect(await answer(5_000)).toBe(supported)
    expect(server.members[0]).toMatchObject({ host, port })
    expect(server.members[0]!.pid).not.toBe(pid)
  },
  startMs,
)

test('U4: `down` leaves no process', async () => {
  await server.stop()
  expect(await answer(500)).toBe(undefined)
  expect(() => server.freeze()).toThrow('ESRCH')
})

test('S1: a server that does not run is named with the command that starts it', () => {
  vi.stubEnv('HELIOGRAPH_SERVICES_DIR', '/nonexistent')
  expect(() => serviceUrl('cassandra')).toThrow('cassandra does not run: npm run services -- up cassandra')
  vi.unstubAllEnvs()
})
