/** What deploy/ asks Prometheus, asked of a real one that has scraped a real cluster. */
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClusterProcesses } from '../cluster/cluster-processes.js'
import { mtcuteClient, testPhone, waitUntil } from '../harness/index.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const rules = `${root}deploy/prometheus/rules.yml`
/** Metrics that only show once what they count has happened: a healthy cluster need not have them. */
const rare = new Set([
  'heliograph_actor_refusals_total',
  'heliograph_actor_drains_given_up_total',
  'heliograph_overtaken_frames_total',
  'heliograph_rpc_flood_waits_total',
  'heliograph_calls_parked',
])

let directory: string
let cluster: ClusterProcesses
let prometheus: ChildProcess
let client: Awaited<ReturnType<typeof mtcuteClient>>
let url: string
let said = ''

beforeAll(async () => {
  const installation = `${root}scripts/services/installation.mjs`
  const { prometheus: program } = (await import(installation)) as {
    prometheus: { find(): string | undefined; cure: string }
  }
  const path = program.find()
  if (path === undefined) throw new Error(`Prometheus is missing: run ${program.cure}`)
  cluster = await ClusterProcesses.start(['node-1', 'node-2'], ['gateway-1'])
  await cluster.balanced()
  client = await mtcuteClient(cluster.target, { phone: testPhone(1), client: { logLevel: 0 } })
  directory = mkdtempSync(join(tmpdir(), 'heliograph-prometheus-'))
  copyFileSync(rules, join(directory, 'rules.yml'))
  writeFileSync(join(directory, 'prometheus.yml'), configuration())
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  prometheus = spawn(path, [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  for (const stream of [prometheus.stdout!, prometheus.stderr!]) stream.on('data', (text) => (said += text))
  await waitUntil(
    'Prometheus has scraped every process a few times',
    async () => {
      const counts = await ask('count_over_time(up{job="heliograph"}[5m])').catch(() => [])
      return counts.length === 3 && counts.every(({ value }) => Number(value[1]) >= 4)
    },
    60_000,
  ).catch((error) => {
    throw new Error(`${error}\n${said}`)
  })
}, 180_000)

afterAll(async () => {
  await client?.destroy()
  prometheus?.kill('SIGKILL')
  await cluster?.dispose()
  if (directory) rmSync(directory, { recursive: true, force: true })
})

/** That of deploy/, with the processes of this test, asked once a second. */
function configuration(): string {
  const targets = [...cluster.nodes.values(), ...cluster.gateways.values()].map(
    ({ http }) => `${http.host}:${http.port}`,
  )
  const given = readFileSync(`${root}deploy/prometheus/prometheus.yml`, 'utf8')
  const list = /( {10}- \S+\n)+/
  expect(given).toMatch(list)
  return given.replace(list, targets.map((target) => `          - ${target}\n`).join('')).replaceAll('15s', '1s')
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

/** The samples of an instant query. Rejects with what Prometheus has against it. */
async function ask(query: string): Promise<readonly Sample[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
  const answer = (await response.json()) as { status: string; error?: string; data: { result: readonly Sample[] } }
  if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`)
  return answer.data.result
}

/** A query of the dashboard, as Grafana would send it. */
const filled = (query: string) => query.replaceAll('$__rate_interval', '1m')

function dashboardQueries(): string[] {
  const { panels } = JSON.parse(readFileSync(`${root}deploy/grafana/heliograph.json`, 'utf8')) as {
    panels: readonly { title: string; targets?: readonly { expr: string }[] }[]
  }
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => filled(expr)))
}

async function loadedRules(): Promise<readonly { name: string; query: string; health: string; lastError?: string }[]> {
  const response = await fetch(`${url}/api/v1/rules`)
  const { data } = (await response.json()) as {
    data: { groups: readonly { rules: readonly { name: string; query: string; health: string }[] }[] }
  }
  return data.groups.flatMap((group) => group.rules)
}

const metricsOf = (query: string) =>
  [...query.matchAll(/\b(?:heliograph|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name)

test('every metric that a rule or a panel names is one that a cluster has', async () => {
  const queries = [...dashboardQueries(), ...(await loadedRules()).map(({ query }) => query)]
  expect(queries.length).toBeGreaterThan(50)
  const missing: string[] = []
  for (const metric of new Set(queries.flatMap(metricsOf))) {
    if (!rare.has(metric) && (await ask(`count({__name__="${metric}"})`)).length === 0) missing.push(metric)
  }
  expect(missing).toEqual([])
  const source = readFileSync(`${root}server/metrics.ts`, 'utf8')
  for (const metric of rare) expect(source).toContain(metric.replace(/^heliograph_(actor_|rpc_)?/, ''))
})

test('every panel of the dashboard has something to show', async () => {
  const empty: string[] = []
  for (const query of dashboardQueries()) {
    if (metricsOf(query).some((metric) => rare.has(metric))) expect(await ask(query)).toBeInstanceOf(Array)
    else if ((await ask(query)).length === 0) empty.push(query)
  }
  expect(empty).toEqual([])
})

test('every rule is evaluated, and in a healthy cluster none fires', async () => {
  const named = [...readFileSync(rules, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  const rulesNow = await waitUntil('the rules are evaluated', async () => {
    const loaded = await loadedRules()
    return loaded.length > 0 && loaded.every(({ health }) => health !== 'unknown') ? loaded : undefined
  })
  expect(rulesNow.map(({ name }) => name)).toEqual(named)
  expect(rulesNow.filter(({ health }) => health !== 'ok')).toEqual([])
  const firing = await ask('ALERTS{alertstate="firing"}')
  expect(firing.map(({ metric }) => metric.alertname)).toEqual([])
})

test('a node that is killed is told of: it does not answer, and its shards are open elsewhere', async () => {
  await cluster.kill('node-2')
  await waitUntil(
    'the alert stands',
    async () => (await ask('ALERTS{alertname="HeliographDown"}')).length === 1,
    60_000,
  )
  await waitUntil(
    'all shards are open again',
    async () =>
      Number((await ask('sum(heliograph_cluster_shards_open and on(instance) up == 1)'))[0]?.value[1]) === 4096,
    60_000,
  )
}, 120_000)

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
