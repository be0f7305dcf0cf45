import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { clusterScripts } from '../bench/index.js'
import { realStores } from '../test/harness/real-stores.js'
import { waitUntil } from '../test/harness/wait-until.js'
import { startPrivateService } from '../test/services.js'
import { checkHistories, type Violations } from './check/histories.js'
import { ChaosCluster } from './cluster/chaos-cluster.js'
import { Front } from './cluster/front.js'
import { RegisterWatch } from './cluster/register-watch.js'
import type { Experiment, World } from './experiment.js'
import { Crowd } from './load/crowd.js'
import { type Crash, movedCalls, quietCalls, recoveries, type Waits, waits, waitsOf } from './measure.js'
import { type Bound, crashP99Ms, movedP99Ms, type Result } from './result.js'

export interface RunOptions {
  readonly isFull: boolean
  /** People with mtcute; one more has GramJS. */
  readonly people: number
  readonly everyMs: number
  /** Keeps logs and data, and says where. */
  readonly keep: boolean
  /** Of the nodes. */
  readonly logLevel: string
  /** What the previous minor version is built from; default: the newest tag of it, else these sources. */
  readonly previousRef?: string
  progress(text: string): void
}

const gateways = 2
const settledWithinMs = 120_000

/** Runs an experiment on a cluster of its own; what it started is ended, whatever happens. */
export async function run(experiment: Experiment, options: RunOptions): Promise<Result> {
  const ends: (() => unknown)[] = []
  const dir = mkdtempSync(join(tmpdir(), 'heliograph-chaos-'))
  if (!options.keep) ends.push(() => rmSync(dir, { recursive: true, force: true }))
  try {
    return await lived(experiment, options, dir, (end) => void ends.push(end))
  } finally {
    if (options.keep) options.progress(`logs: ${dir}`)
    for (const end of ends.reverse()) await end()
  }
}

type OnEnd = (end: () => unknown) => void

async function lived(experiment: Experiment, options: RunOptions, dir: string, onEnd: OnEnd): Promise<Result> {
  const { progress } = options
  const startedAt = new Date()
  const began = performance.now()
  progress('servers')
  const nats = await startPrivateService('nats')
  onEnd(() => nats.dispose())
  const redis = await startPrivateService('redis')
  onEnd(() => redis.dispose())
  const cassandra = experiment.needsCassandraRing ? await startPrivateService('cassandra-3') : undefined
  onEnd(() => cassandra?.dispose())
  const stores = await realStores(cassandra && { cassandra: cassandra.url, replication: 3 })
  onEnd(() => stores.dispose())

  const builds = await buildsFor(experiment, options, dir)
  const program = experiment.startsWith === undefined ? undefined : builds[experiment.startsWith]

  progress('cluster')
  const cluster = await ChaosCluster.open(dir, {
    ...stores.env,
    HELIOGRAPH_REDIS_URL: redis.url,
    HELIOGRAPH_NATS: nats.url.replaceAll(',nats://', ','),
    HELIOGRAPH_MIGRATE_AT_START: 'on',
    HELIOGRAPH_TEST_NUMBERS: 'on',
    HELIOGRAPH_FLOOD_LIMIT_PERCENT: '10000',
    // A witness asks for all that ever happened to an account.
    HELIOGRAPH_MAX_DIFFERENCE_ENTRIES: '100000',
    HELIOGRAPH_LOG_LEVEL: options.logLevel,
  })
  onEnd(() => cluster.close())
  await cluster.start('node-1', 'actors', { program }) // it makes the tables
  const register = await RegisterWatch.open(stores.env.HELIOGRAPH_CASSANDRA!)
  onEnd(() => register.close())
  const nodes = Array.from({ length: experiment.nodes }, (_, nth) => `node-${nth + 1}`)
  await Promise.all([
    ...nodes.slice(1).map((name) => cluster.start(name, 'actors', { program })),
    ...Array.from({ length: gateways }, (_, nth) => cluster.start(`gateway-${nth + 1}`, 'gateway', { program })),
  ])
  const settledOn = (names: readonly string[]) =>
    waitUntil(`all shards are at ${names}`, () => register.isSettledOn(names), settledWithinMs).then(() => undefined)
  await settledOn(nodes)

  progress('clients')
  const front = new Front(() => cluster.live('gateway'))
  onEnd(() => front.close())
  const crowd = await Crowd.gather({ front, publicKeyPem: cluster.publicKeyPem, ...options })
  onEnd(() => crowd.leave())
  await crowd.answered(2)

  const events: { atMs: number; text: string }[] = []
  const crashes: Crash[] = []
  const beganMs = crowd.calls.reduce((first, { startMs }) => Math.min(first, startMs), performance.now())
  const world: World = {
    ...{ isFull: options.isFull, cluster, register, crowd, nats, cassandra, builds, settledOn, onEnd },
    event(text) {
      events.push({ atMs: performance.now(), text })
      progress(text)
    },
    async crash(node, how) {
      const shards = register.shardsOf(node)
      crashes.push({ node, atMs: performance.now(), shards })
      await how()
    },
    answered: () => crowd.answered(1),
    during: (ms) => pause(ms),
  }
  const quietUntilMs = performance.now()
  const movesBefore = register.moves.length
  await experiment.run(world)
  await crowd.stop()
  const endedMs = performance.now()
  const reconnects = [...crowd.doors].map(([name, { connections }]) => {
    return { name, count: connections.filter(({ atMs }) => atMs > quietUntilMs).length }
  })

  progress('histories')
  const violations = await checkHistories(crowd, ({ name }) => {
    const door = crowd.doors.get(name)!
    return { mtproto: door, http: door, publicKeyPem: cluster.publicKeyPem }
  })
  const ended = cluster.ended()
  const calls = crowd.calls
  const shardsOf = crowd.shardsOf.bind(crowd)
  const found = {
    all: waits(calls),
    quiet: waits(quietCalls(calls, quietUntilMs)),
    moved: waits(movedCalls(calls, register.moves.slice(movesBefore), shardsOf)),
    recovered: waitsOf(recoveries(calls, crashes, shardsOf)),
  }
  const failures = calls.flatMap((call) => call.failures)
  const refusals = crowd.people.flatMap((person) => person.refusals).filter(({ atMs }) => atMs >= beganMs)
  return {
    format: 1,
    experiment: experiment.name,
    summary: experiment.summary,
    kind: experiment.kind,
    isFull: options.isFull,
    startedAt: startedAt.toISOString(),
    tookMs: performance.now() - began,
    loadAverage: loadavg()[0]!,
    bounds: boundsOf(experiment, { violations, found, failures: failures.length, crashes: crashes.length, reconnects }),
    waits: found,
    events: events.map(({ atMs, text }) => ({ atMs: Math.round(atMs - beganMs), text })),
    calls: calls.map(({ startMs, ackMs = endedMs, failures }) => ({
      startMs: Math.round(startMs - beganMs),
      tookMs: Math.round((ackMs - startMs) * 10) / 10,
      failures: failures.length,
    })),
    refusals: counted(refusals.map(({ method, error }) => `${method}: ${error}`)),
    failures: counted(failures.map(({ reason }) => reason)),
    violations,
    notes: [
      ...ended.map((name) => `${name} ended by itself`),
      ...reconnects.flatMap(({ name, count }) => (count > 0 ? [`${name} connected again, times: ${count}`] : [])),
    ],
  }
}

async function buildsFor({ builds = {} }: Experiment, options: RunOptions, dir: string) {
  const folders: Record<string, string> = {}
  const { otherMinor } = await clusterScripts()
  for (const [name, by] of Object.entries(builds)) {
    const ref = by === -1 ? options.previousRef : undefined
    const made = otherMinor(join(dir, name), { by, ...(ref !== undefined && { ref }) })
    options.progress(`${name}: ${made.version}, built from ${made.from}`)
    folders[name] = made.folder
  }
  return folders
}

interface Found {
  readonly violations: Violations
  readonly found: Readonly<Record<'all' | 'quiet' | 'moved' | 'recovered', Waits>>
  /** Calls that libraries gave up. */
  readonly failures: number
  readonly crashes: number
  readonly reconnects: readonly { readonly count: number }[]
}

function boundsOf({ kind, mostReconnects }: Experiment, what: Found): Bound[] {
  const { violations, found, failures, crashes, reconnects } = what
  const { lost, twice, disordered } = violations
  const { all, quiet, moved, recovered } = found
  return [
    { name: 'lost', value: lost.length, unit: 'messages', atMost: 0 },
    { name: 'twice', value: twice.length, unit: 'messages', atMost: 0 },
    { name: 'out of order', value: disordered.length, unit: 'messages', atMost: 0 },
    { name: 'calls', value: all.calls, unit: 'calls' },
    { name: 'failed calls', value: failures, unit: 'calls', ...(kind === 'planned' && { atMost: 0 }) },
    { name: 'before it: p50', value: quiet.p50Ms, unit: 'ms' },
    { name: 'before it: p99', value: quiet.p99Ms, unit: 'ms' },
    ...(kind === 'planned'
      ? [
          { name: 'calls to shards on their way', value: moved.calls, unit: 'calls' } as const,
          { name: 'their wait: p99', value: moved.p99Ms, unit: 'ms', atMost: movedP99Ms } as const,
        ]
      : []),
    ...(crashes > 0
      ? [
          // Without one, nothing was shown.
          { name: 'calls that the crash met', value: recovered.calls, unit: 'calls', atLeast: 1 } as const,
          { name: 'answered again: p50', value: recovered.p50Ms, unit: 'ms' } as const,
          { name: 'answered again: p99', value: recovered.p99Ms, unit: 'ms', atMost: crashP99Ms } as const,
        ]
      : []),
    {
      name: 'reconnects of a client',
      value: Math.max(...reconnects.map(({ count }) => count)),
      ...{ unit: 'connections', atMost: mostReconnects },
    },
    { name: 'longest wait', value: all.mostMs, unit: 'ms' },
  ]
}

function counted(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}
