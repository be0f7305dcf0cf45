/** `npm run services -- settings`: the program takes what it prints. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { serviceUrl } from '../test/services.js'
import { readSettings } from './settings.js'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the lines are for a shell, and send the program to the servers that run here', () => {
  const script = 'eval "$(node scripts/services.mjs settings)" && env'
  const lines = execFileSync('sh', ['-c', script], { cwd: root, encoding: 'utf8' }).split('\n')
  const env = lines.map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)] as const)
  const printed = env.filter(([name]) => /^HELIOGRAPH_(CASSANDRA|POSTGRES_SERVERS|REDIS_URL)$/.test(name))
  const { cassandra, postgres, redis } = readSettings(Object.fromEntries(printed))
  expect(cassandra?.address).toBe(`cassandra://${serviceUrl('cassandra')}/heliograph?dc=dc1&replication=1`)
  expect(postgres?.address).toBe(`main=${serviceUrl('postgres')}`)
  expect(redis?.url).toBe(serviceUrl('redis'))
})

test('every kind of Redis is named as the program wants it', async () => {
  const { catalog } = (await import(`${root}scripts/services/catalog.mjs`)) as {
    catalog: Map<string, { url(record: object): string }>
  }
  const members = ['primary', 'sentinel-1', 'sentinel-2'].map((role) => ({
    role,
    host: '127.0.0.1',
    ports: { client: 1 },
  }))
  const urlOf = (name: string) => readSettings({ HELIOGRAPH_REDIS_URL: catalog.get(name)!.url({ members }) }).redis?.url
  expect(urlOf('redis')).toBe('redis://127.0.0.1:1')
  expect(urlOf('redis-sentinel')).toBe('redis+sentinel://127.0.0.1:1,127.0.0.1:1/heliograph')
  expect(urlOf('redis-cluster')).toBe('redis+cluster://127.0.0.1:1,127.0.0.1:1,127.0.0.1:1')
})
