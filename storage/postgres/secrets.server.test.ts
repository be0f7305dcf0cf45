import { chmodSync, chownSync, copyFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusalReason, systemClock } from '../../runtime/index.js'
import { KeptLog } from '../../runtime/testing/index.js'
import { testCertificate } from '../../test/harness/certificate.js'
import { type PrivateService, startPrivateService } from '../../test/services.js'
import { asAdministrator } from '../testing/private-postgres.js'
import { openPostgresStorage } from './open.js'

/** A server that asks who comes, and speaks TLS. */
const certificate = testCertificate()
const other = testCertificate()
let server: PrivateService

beforeAll(async () => {
  server = await startPrivateService('postgres')
  // The server wants a key that is its own user's.
  const [member] = server.members
  const data = join(member!.dataDir, 'data')
  for (const [from, name] of [
    [certificate.certFile, 'server.crt'],
    [certificate.keyFile, 'server.key'],
  ] as const) {
    const { uid, gid } = statSync(data)
    copyFileSync(from, join(data, name))
    chownSync(join(data, name), uid, gid)
    chmodSync(join(data, name), 0o600)
  }
  await sql(`ALTER SYSTEM SET ssl = on`)
  await sql('SELECT pg_reload_conf()')
}, 120_000)
afterAll(async () => {
  await server?.dispose()
  certificate.dispose()
  other.dispose()
}, 60_000)

async function sql<T extends pg.QueryResultRow>(text: string): Promise<readonly T[]> {
  const client = new pg.Client({ connectionString: asAdministrator(server.url) })
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

/** The server's address with this password and these parameters. */
function address(password: string | undefined, parameters = ''): string {
  const url = new URL(server.url)
  if (password !== undefined) url.password = password
  return `${url.href}${parameters}`
}

/** What becomes of a start there. */
async function start(url: string): Promise<string> {
  const log = new KeptLog()
  const limits = { connectWithinMs: 5_000, statementWithinMs: 10_000 }
  try {
    const servers = [{ name: 'one', url }]
    const storage = await openPostgresStorage({ servers, clock: systemClock, log, limits, schema: 'apply' })
    await storage.answers()
    const [{ encrypted } = { encrypted: undefined }] = await sql<{ encrypted: boolean }>(
      `SELECT bool_and(ssl) AS encrypted FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
       WHERE application_name = 'heliograph'`,
    )
    await storage.close()
    return encrypted ? 'answers, encrypted' : 'answers'
  } catch (error) {
    return `${refusalReason(error)}: ${(error as Error).message}`
  }
}

const over = (pem: string) => `?sslmode=verify-full&sslrootcert=${encodeURIComponent(pem)}`

test('with the password, and over TLS from the authority that the address names', async () => {
  expect(await start(address(undefined))).toBe('answers')
  expect(await start(address(undefined, over(certificate.certFile)))).toBe('answers, encrypted')
})

test('a start with a wrong password, on no database, or on a certificate of somebody else is refused, and says so', async () => {
  expect(await start(address('wrong'))).toMatch(/^BAD_LOGIN: one cannot be reached: password authentication failed/)
  const nowhere = address(undefined).replace(/[^/]*$/, 'nowhere')
  expect(await start(nowhere)).toMatch(/^BAD_LOGIN: .*database "nowhere" does not exist/)
  expect(await start(address(undefined, over(other.certFile)))).toMatch(/^BAD_LOGIN: .*self-signed certificate/)
})
