import { afterAll, beforeAll, expect, test } from 'vitest'
import { KeptLog } from '../../runtime/testing/index.js'
import { testCertificate } from '../../test/harness/certificate.js'
import { freePort, type RedisServer, startRedis } from '../../test/harness/redis-server.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { cachesAt, startCachesAt } from '../testing/redis-caches.js'

const certificate = testCertificate()
let redis: RedisServer
let tlsPort: number

beforeAll(async () => {
  tlsPort = await freePort()
  const { certFile, keyFile } = certificate
  const tls = ['--tls-port', `${tlsPort}`, '--tls-cert-file', certFile, '--tls-key-file', keyFile]
  redis = await startRedis({ settings: [...tls, '--tls-ca-cert-file', certFile, '--tls-auth-clients', 'no'] })
  await redis.ask('CONFIG', 'SET', 'requirepass', 'a word: @/')
})
afterAll(async () => {
  await redis?.dispose()
  certificate.dispose()
})

test('over TLS, with a password of its own or in the URL', async () => {
  const tlsCa = certificate.pem
  const url = `rediss://127.0.0.1:${tlsPort}`
  for (const options of [
    { url, password: 'a word: @/' },
    { url: `rediss://:a%20word%3A%20%40%2F@127.0.0.1:${tlsPort}` },
  ]) {
    const caches = await cachesAt(options.url, { tlsCa, ...options })
    await waitUntil('it is put', () => caches.counts.put([{ channel: 1, count: 5 }]))
    await caches.close()
  }
})

test.each([
  ['a wrong password', () => `redis://:wrong@127.0.0.1:${redis.port}`, /WRONGPASS/],
  ['no password', () => redis.url, /NOAUTH/],
  ['a certificate that nobody vouches for', () => `rediss://127.0.0.1:${tlsPort}`, /self-signed certificate/],
])('%s: the caches are without answers, and the log says why', async (_, url, reason) => {
  const log = new KeptLog()
  const caches = startCachesAt(url(), { log })
  await waitUntil('the log says why', async () => {
    await caches.counts.of([1])
    return log.lines.some(({ fields }) => reason.test(String((fields.err as Error | undefined)?.message)))
  })
  expect(await caches.counts.of([1])).toEqual([undefined])
  expect(caches.figures().answers).toBe(false)
  await caches.close()
})
