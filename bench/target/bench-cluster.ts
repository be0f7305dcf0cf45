import { join } from 'node:path'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { openCassandraStorage, readCassandra } from '../../storage/index.js'
import { cpuTimeOf } from '../measure/process-cpu.js'
import type { Run } from '../scenario.js'
import { type ClusterScripts, type ClusterStores, clusterScripts, type Role, type Started } from './cluster-scripts.js'
import { type Endpoint, sums } from './server-process.js'

interface Live extends Started {
  readonly role: Role
  readonly http: string
  readonly mtproto: Endpoint | undefined
}

/** What a process has done since its start. */
export interface Done {
  readonly name: string
  readonly role: Role
  readonly cpuSeconds: number
  readonly metrics: ReadonlyMap<string, number>
}

/** Of the register: who owns how many shards, and what is still to move. */
export interface Owned {
  readonly view: number
  readonly shardsOf: ReadonlyMap<string, number>
  readonly toMove: number
}

const lookEveryMs = 50
const balancedWithinMs = 300_000

/** Nodes and gateways as `npm run cluster` starts them, on a keyspace and a database of this run's own. */
export class BenchCluster {
  readonly stores: ClusterStores
  readonly #scripts: ClusterScripts
  readonly #dir: string
  readonly #env: Readonly<Record<string, string>>
  readonly #live = new Map<string, Live>()
  readonly #register: () => Promise<Owned>

  private constructor(
    dir: string,
    scripts: ClusterScripts,
    stores: ClusterStores,
    env: Readonly<Record<string, string>>,
    register: () => Promise<Owned>,
  ) {
    this.#dir = dir
    this.#scripts = scripts
    this.stores = stores
    this.#env = env
    this.#register = register
  }

  /** Makes the tables; no node runs yet. Ended with the scenario. */
  static async open(run: Run): Promise<BenchCluster> {
    const scripts = await clusterScripts()
    const name = `bench_cluster_${process.pid}`
    const stores = await scripts.openStores({ name, isFresh: true, say: (line) => run.progress(line) })
    run.onEnd(() => stores.close())
    run.onEnd(() => stores.drop())
    const storage = await openCassandraStorage({
      ...readCassandra(stores.env.HELIOGRAPH_CASSANDRA!),
      ...{ clock: systemClock, log: noLog, schema: 'apply' },
    })
    run.onEnd(() => storage.close())
    const env = {
      ...(await scripts.settingsOf(await scripts.keysOf(run.scratch), stores)),
      HELIOGRAPH_CLUSTER: name.replaceAll('_', '-'),
      HELIOGRAPH_HTTP_PORT: '0',
      HELIOGRAPH_MTPROTO_PORT: '0',
      HELIOGRAPH_LOG_LEVEL: 'warn',
      HELIOGRAPH_WEIGHT: '1',
      // The clients of a bench share an address and write more than people do.
      HELIOGRAPH_FLOOD_LIMIT_PERCENT: '100000',
      HELIOGRAPH_MAX_CONNECTIONS_PER_ADDRESS: '100000',
    }
    const owned = async (): Promise<Owned> => {
      const view = await storage.register.glance()
      const shardsOf = new Map<string, number>()
      let toMove = 0
      for (const { from, to, owner, next } of view?.shards ?? []) {
        const name = owner?.node ?? ''
        shardsOf.set(name, (shardsOf.get(name) ?? 0) + to - from + 1)
        if (next !== undefined || owner === undefined) toMove += to - from + 1
      }
      return { view: view?.view ?? 0, shardsOf, toMove }
    }
    const cluster = new BenchCluster(run.scratch, scripts, stores, env, owned)
    // They are in groups of their own and would outlive a harness that is interrupted.
    process.on('exit', cluster.#killAll)
    run.onEnd(async () => {
      await cluster.stopAll()
      process.off('exit', cluster.#killAll)
    })
    return cluster
  }

  /** Where clients connect. */
  get mtproto(): Endpoint {
    for (const { mtproto } of this.#live.values()) if (mtproto !== undefined) return mtproto
    throw new Error('no gateway runs')
  }

  /** Resolves when it says that it is ready. */
  async start(name: string, role: Role): Promise<void> {
    const started = this.#scripts.start({ dir: this.#dir, name, role, env: this.#env })
    this.#live.set(name, { ...started, role, http: '', mtproto: undefined })
    const { http, mtproto } = await this.#scripts.untilReady(started)
    this.#live.set(name, { ...started, role, http, mtproto: mtproto === undefined ? undefined : endpointOf(mtproto) })
  }

  async stop(name: string): Promise<void> {
    const live = this.#live.get(name)!
    this.#live.delete(name)
    if (!(await this.#scripts.stop(live))) throw new Error(`${name} did not end in order: ${join(this.#dir, name)}`)
  }

  /** Gateways first, then nodes one after the other. */
  async stopAll(): Promise<void> {
    const isGateway = ({ role }: Live) => role === 'gateway'
    const live = [...this.#live.values()].sort((one, other) => Number(isGateway(other)) - Number(isGateway(one)))
    this.#live.clear()
    await Promise.all(live.map((each) => this.#scripts.stop(each)))
  }

  readonly #killAll = (): void => {
    for (const { pid } of this.#live.values()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it has ended by itself
      }
    }
  }

  owned(): Promise<Owned> {
    return this.#register()
  }

  /** Waits until each of these has its share and nothing is to move; gives the last look at the register. */
  async balancedOn(nodes: readonly string[]): Promise<Owned> {
    const untilMs = performance.now() + balancedWithinMs
    for (;;) {
      const owned = await this.#register()
      const shares = nodes.map((node) => owned.shardsOf.get(node) ?? 0)
      const all = [...owned.shardsOf.values()].reduce((sum, each) => sum + each, 0)
      const isEven = shares.every((share) => share > 0 && share <= Math.ceil(all / nodes.length) * 1.3)
      if (isEven && owned.toMove === 0 && owned.shardsOf.size === nodes.length) return owned
      if (performance.now() > untilMs) throw new Error(`not balanced: ${JSON.stringify([...owned.shardsOf])}`)
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  }

  /** Every process that runs: its CPU from /proc, and the sums of its /metrics. */
  async done(): Promise<readonly Done[]> {
    const live = [...this.#live.values()]
    const texts = await Promise.all(live.map(async ({ http }) => (await fetch(`${http}/metrics`)).text()))
    return live.map(({ name, role, pid }, at) => {
      const { userSeconds, systemSeconds } = cpuTimeOf(pid)
      return { name, role, cpuSeconds: userSeconds + systemSeconds, metrics: sums(texts[at]!) }
    })
  }
}

/** What the same processes did between two looks, by their names. */
export function doneBetween(before: readonly Done[], after: readonly Done[]): readonly Done[] {
  return after.map(({ name, role, cpuSeconds, metrics }) => {
    const was = before.find((each) => each.name === name)
    const grown = [...metrics].map(([key, value]) => [key, value - (was?.metrics.get(key) ?? 0)] as const)
    return { name, role, cpuSeconds: cpuSeconds - (was?.cpuSeconds ?? 0), metrics: new Map(grown) }
  })
}

function endpointOf(text: string): Endpoint {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}
