import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { KindReport, Waits } from '../cluster/index.js'
import type { HandoverMetrics, RuntimeMetrics } from '../runtime/index.js'
import { Distribution } from './distribution.js'
import { Tally } from './tally.js'

/** What the protocol tells about itself; shaped as the gateway's own interface, which it is handed to. */
interface ProtocolMetrics {
  count(counter: string, by?: number, label?: string): void
  rpc(method: string, tookMs: number, code: number): void
}

/** What API handlers tell; shaped as the gateway's own interface. `method` is one of the schema. */
interface ApiMetrics {
  notImplemented(method: string): void
  floodWait(method: string): void
}

/** Sums for the status page. */
export interface Totals {
  readonly calls: number
  readonly turns: number
  readonly commits: number
  readonly pushes: number
}

/**
 * All figures of one server. Parts are handed the small interfaces; only this file and its tallies know the metrics
 * library.
 */
export interface Metrics {
  readonly runtime: RuntimeMetrics
  readonly handovers: HandoverMetrics
  readonly protocol: ProtocolMetrics
  readonly api: ApiMetrics
  /** A figure that is read when somebody looks: connections, residents, bytes held. */
  gauge(name: string, help: string, read: () => number): void
  /** A sum that only grows and is kept elsewhere: flushes, bytes written. `name` ends in `_total`. */
  counter(name: string, help: string, read: () => number): void
  totals(): Totals
  /** What the dashboard shows of actors. */
  actorFigures(): ActorFigures
  /** Calls that were refused so far, by why: the runtime's error code, or `gateway` for those that never got to it. */
  refused(): ReadonlyMap<string, number>
  /** The Prometheus text form of everything. */
  text(): Promise<string>
}

export interface ActorFigures {
  readonly kinds: readonly KindReport[]
  readonly waits: Waits
  /** Calls that wait for a shard without an owner. */
  readonly parked: number
}

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE

/** Figures of the process itself (CPU, memory, event loop, garbage collection) included. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const runtime = runtimeFigures(registry)
  const protocol = protocolFigures(registry)
  const handovers = handoverFigures(registry)
  const distributions = [...runtime.distributions, protocol.latency, handovers.drains]

  return {
    runtime: runtime.metrics,
    handovers: handovers.metrics,
    protocol: protocol.metrics,
    api: {
      notImplemented: (method) => protocol.notImplemented.add(method),
      floodWait: (method) => protocol.floodWaits.add(method),
    },
    gauge(name, help, read) {
      new Gauge({
        name: `heliograph_${name}`,
        help,
        registers: [registry],
        collect() {
          this.set(read())
        },
      })
    },
    counter(name, help, read) {
      new Counter({
        name: `heliograph_${name}`,
        help,
        registers: [registry],
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    },
    totals: () => ({
      calls: protocol.answers.total(),
      turns: runtime.turns.total(),
      commits: runtime.commits.total(),
      pushes: protocol.events.total('pushes'),
    }),
    refused: () => new Map([...runtime.refused(), ['gateway', protocol.events.total('rpc_overloads')]]),
    actorFigures: () => ({ ...runtime.figures(), parked: handovers.parked() }),
    async text() {
      const counted = await registry.metrics()
      return `${counted}\n${distributions.map((distribution) => distribution.text()).join('\n\n')}\n`
    },
  }
}

function runtimeFigures(registry: Registry) {
  const tally = (name: string, help: string, second?: string) =>
    new Tally(registry, `heliograph_actor_${name}`, help, ['kind', second])
  const calls = tally('calls_total', 'Calls that arrived for actors', 'method')
  const turns = tally('turns_total', 'Turns that ran')
  const activations = tally('activations_total', 'Activations')
  const refusals = tally('refusals_total', 'Calls refused by the runtime, by error code', 'code')
  const commits = tally('commits_total', 'Commits made durable')
  const entries = tally('committed_entries_total', 'Journal entries made durable')
  const bytes = tally('committed_bytes_total', 'Bytes of journal entries made durable')
  const wait = new Distribution('heliograph_actor_wait_seconds', "From a call's arrival to its turn's start", 'kind')
  const run = new Distribution('heliograph_actor_turn_seconds', "From a turn's start to its end", 'kind')
  const commit = new Distribution(
    'heliograph_actor_commit_seconds',
    'From sending a commit to its being durable',
    'kind',
  )
  const queued = new Level(registry, 'heliograph_actor_queued', 'Calls that wait for their turn')
  const active = new Level(registry, 'heliograph_actor_resident', 'Actors in memory')

  const metrics: RuntimeMetrics = {
    call: (kind, method) => calls.add(kind, method),
    turn(kind, waitMs, runMs) {
      turns.add(kind)
      wait.observe(kind, waitMs)
      run.observe(kind, runMs)
    },
    queueDepth: (kind, change) => queued.change(kind, change),
    activation(kind, change) {
      active.change(kind, change)
      if (change === 1) activations.add(kind)
    },
    refusal: (kind, code) => refusals.add(kind, code),
    commit(kind, count, byteCount, tookMs) {
      commits.add(kind)
      entries.add(kind, '', count)
      bytes.add(kind, '', byteCount)
      commit.observe(kind, tookMs)
    },
  }
  const figures = () => ({
    kinds: active.labels().map((kind) => {
      return { kind, residents: active.of(kind), queued: queued.of(kind), turns: turns.total(kind) }
    }),
    waits: wait.counts(),
  })
  const refused = () => {
    const byCode = new Map<string, number>()
    refusals.forEach((_, code, count) => {
      byCode.set(code, (byCode.get(code) ?? 0) + count)
    })
    return byCode
  }
  return { metrics, turns, commits, distributions: [wait, run, commit], figures, refused }
}

function handoverFigures(registry: Registry) {
  const parked = new Level(registry, 'heliograph_calls_parked', 'Calls that wait for a shard without an owner')
  const drains = new Distribution(
    'heliograph_shard_drain_seconds',
    'From the order to give a shard away to its being quiet',
    'node',
  )
  const gaveUp = new Tally(registry, 'heliograph_actor_drains_given_up_total', 'Actors that were not quiet in time', [
    'kind',
  ])
  const overtaken = new Tally(registry, 'heliograph_overtaken_frames_total', 'Frames of overtaken actors, dropped', [
    'sink',
  ])
  const metrics: HandoverMetrics = {
    parked: (kind, change) => parked.change(kind, change),
    released: (tookMs) => drains.observe('this', tookMs),
    gaveUp: (kind) => gaveUp.add(kind),
    overtakenFrame: (sink) => overtaken.add(sink),
  }
  const sum = () => parked.labels().reduce((calls, kind) => calls + parked.of(kind), 0)
  return { metrics, drains, parked: sum }
}

function protocolFigures(registry: Registry) {
  const events = new Tally(registry, 'heliograph_mtproto_events_total', 'Events of the protocol', ['event', 'which'])
  const answers = new Tally(registry, 'heliograph_rpc_answers_total', 'API calls answered; code 0 is a result', [
    'method',
    'code',
  ])
  const byMethod = (name: string, help: string) => new Tally(registry, `heliograph_rpc_${name}`, help, ['method'])
  const notImplemented = byMethod('not_implemented_total', 'Calls of methods of the schema that are not served')
  const floodWaits = byMethod('flood_waits_total', 'Calls over the limits of an account, by method')
  const latency = new Distribution('heliograph_rpc_seconds', "From a call's arrival to its answer", 'method')
  const metrics: ProtocolMetrics = {
    count: (counter, by = 1, label = '') => events.add(counter, label, by),
    rpc(method, tookMs, code) {
      answers.add(method, String(code))
      latency.observe(method, tookMs)
    },
  }
  return { metrics, events, answers, notImplemented, floodWaits, latency }
}

/** A gauge by actor kind that goes up and down by one. */
class Level {
  readonly #levels = new Map<string, number>()

  constructor(registry: Registry, name: string, help: string) {
    const levels = this.#levels
    new Gauge({
      name,
      help,
      labelNames: ['kind'],
      registers: [registry],
      collect() {
        for (const [kind, value] of levels) this.set({ kind }, value)
      },
    })
  }

  change(kind: string, change: 1 | -1): void {
    this.#levels.set(kind, this.of(kind) + change)
  }

  of(kind: string): number {
    return this.#levels.get(kind) ?? 0
  }

  labels(): string[] {
    return [...this.#levels.keys()]
  }
}
