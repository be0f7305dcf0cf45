import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCode, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { testCertificate } from '../../test/harness/index.js'
import { type PrivateService, startPrivateService } from '../../test/services.js'
import { openCassandraStorage } from './cassandra-storage.js'
import { readCassandra } from './connection-text.js'

/** A server that asks who comes, and speaks TLS. What it says in the clear is for the harness, which asks if it is up. */
const longMs = 300_000
const certificate = testCertificate()
const otherCertificate = testCertificate()
const nameless = testCertificate('DNS:elsewhere.example')
let server: PrivateService
let place: string

async function startWith({ storeFile, storePassword }: typeof certificate): Promise<void> {
  const store = { keystore: storeFile, keystore_password: storePassword, store_type: 'PKCS12' }
  const encryption = JSON.stringify({ enabled: true, optional: true, ...store })
  const settings = { authenticator: 'PasswordAuthenticator', client_encryption_options: encryption }
  server = await startPrivateService('cassandra', { settings })
  place = `${server.members[0]!.host}:${server.members[0]!.port}`
}

beforeAll(() => startWith(certificate), longMs)
afterAll(async () => {
  await server?.dispose()
  for (const each of [certificate, otherCertificate, nameless]) each.dispose()
}, longMs)

/** Whoever is let in is told that there are no tables yet. */
const letIn = /^REFUSED: .*have version 0/

/** What becomes of a start with this login and these options; with `ca`, the authority is named. */
async function start(login: string, options: string, ca?: string): Promise<string> {
  const address = readCassandra(`cassandra://${login}@${place}/secrets?replication=1&${options}`)
  const limits = { startWithinMs: 1, requestTimeoutMs: 20_000 }
  const tls = address.tls && { tls: { ...address.tls, ...(ca && { ca }) } }
  try {
    const base = { ...address, ...tls, limits, clock: systemClock, log: noLog }
    await (await openCassandraStorage({ ...base, schema: 'check' })).close()
    return 'opened'
  } catch (error) {
    return `${errorCode(error)}: ${(error as Error).message}`
  }
}

test('with the password, over TLS, from the authority that is named', async () => {
  expect(await start('cassandra:cassandra', 'tls=on', certificate.pem)).toMatch(letIn)
}, 60_000)

test('a wrong password, or an unknown user, is refused at once with the cure', async () => {
  expect(await start('cassandra:wrong', 'tls=on', certificate.pem)).toMatch(
    /^REFUSED: .*incorrect: check .*HELIOGRAPH_CASSANDRA/,
  )
  expect(await start('nobody:cassandra', 'tls=off')).toMatch(/^REFUSED: .*incorrect: check .*HELIOGRAPH_CASSANDRA/)
}, 60_000)

test('a certificate of somebody else gets no password', async () => {
  expect(await start('cassandra:cassandra', 'tls=on')).toMatch(/^STORE_UNAVAILABLE: .*self-signed certificate/)
  expect(await start('cassandra:cassandra', 'tls=on', otherCertificate.pem)).toMatch(
    /^STORE_UNAVAILABLE: .*self-signed/,
  )
}, 60_000)

test('a certificate without the address is refused by tls=on, and taken by tls=ca', async () => {
  await server.dispose()
  await startWith(nameless)
  expect(await start('cassandra:cassandra', 'tls=on', nameless.pem)).toMatch(/^STORE_UNAVAILABLE: .*does not match/)
  expect(await start('cassandra:cassandra', 'tls=ca', nameless.pem)).toMatch(letIn)
  expect(await start('cassandra:cassandra', 'tls=ca', otherCertificate.pem)).toMatch(
    /^STORE_UNAVAILABLE: .*self-signed/,
  )
}, 120_000)
