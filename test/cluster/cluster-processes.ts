import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadServerKey } from '../../gateway/index.js'
import {
  type Balancer,
  balancer,
  type ClientTarget,
  type ServerProcess,
  startServer,
  waitUntil,
} from '../harness/index.js'
import { type RealStores, realStores } from '../harness/real-stores.js'
import { serviceUrl } from '../services.js'

const SHARDS = 4096

/** A cluster of real processes on the servers that tests share. */
export class ClusterProcesses {
  readonly nodes = new Map<string, ServerProcess>()
  readonly gateways = new Map<string, ServerProcess>()
  readonly #env: Readonly<Record<string, string>>
  readonly #keys: string
  readonly #stores: RealStores
  readonly #front: Balancer
  readonly #fronts: Balancer[] = []

  private constructor(env: Readonly<Record<string, string>>, keys: string, stores: RealStores, front: Balancer) {
    this.#env = env
    this.#keys = keys
    this.#stores = stores
    this.#front = front
  }

  static async start(nodes: readonly string[], gateways: readonly string[]): Promise<ClusterProcesses> {
    const stores = await realStores()
    const keys = mkdtempSync(join(tmpdir(), 'heliograph-keys-'))
    loadServerKey(keys)
    writeFileSync(join(keys, 'access-hash.key'), randomBytes(32))
    const env = {
      ...stores.env,
      HELIOGRAPH_NATS: serviceUrl('nats'),
      // One of its databases: what two clusters of one database told each other would be wrong, and decide nothing.
      HELIOGRAPH_REDIS_URL: `${serviceUrl('redis')}/${1 + randomInt(15)}`,
      HELIOGRAPH_CLUSTER: keys
        .replace(/[^A-Za-z0-9]+/g, '-')
        .slice(-40)
        .replace(/^-+/, ''),
      HELIOGRAPH_NODE_PORT: '0',
      HELIOGRAPH_SERVER_KEY_FILE: join(keys, 'server-key.pem'),
      HELIOGRAPH_ACCESS_HASH_KEY_FILE: join(keys, 'access-hash.key'),
      HELIOGRAPH_FRESH_SESSION_MS: '0',
      HELIOGRAPH_MAX_DIFFERENCE_ENTRIES: '100000',
    }
    let cluster: ClusterProcesses | undefined
    const front = await balancer(() => [...(cluster?.gateways.values() ?? [])].map(({ mtproto }) => mtproto))
    cluster = new ClusterProcesses(env, keys, stores, front)
    try {
      for (const name of nodes) await cluster.addNode(name)
      for (const name of gateways) await cluster.addGateway(name)
      return cluster
    } catch (error) {
      await cluster.dispose()
      throw error
    }
  }

  /** What clients dial: a gateway that is there. */
  get target(): ClientTarget {
    const [gateway] = this.gateways.values()
    return { mtproto: this.#front.address, http: gateway!.http, publicKeyPem: gateway!.publicKeyPem }
  }

  /** What a client dials that is served by this gateway, and by another one when it is gone. */
  async preferring(name: string): Promise<ClientTarget> {
    const preferred = this.gateways.get(name)
    const inOrder = () => [...this.gateways.values()].sort((a, b) => Number(b === preferred) - Number(a === preferred))
    const front = await balancer(() => inOrder().map(({ mtproto }) => mtproto), 'the first')
    this.#fronts.push(front)
    return { ...this.target, mtproto: front.address }
  }

  async addNode(name: string): Promise<ServerProcess> {
    const process = await this.#start(name, 'actors')
    this.nodes.set(name, process)
    return process
  }

  async addGateway(name: string): Promise<ServerProcess> {
    const process = await this.#start(name, 'gateway')
    this.gateways.set(name, process)
    return process
  }

  /** Kills a process with SIGKILL; it is no more. */
  async kill(name: string): Promise<void> {
    await this.#take(name).kill9()
  }

  /** Ends a process in order; gives its exit code. */
  stop(name: string): Promise<number | null> {
    return this.#take(name).stop()
  }

  /** All shards are open, about evenly, at the nodes that are there. */
  async balanced(): Promise<void> {
    const most = Math.ceil((SHARDS / this.nodes.size) * 1.3)
    await waitUntil(
      'all shards are open, evenly',
      async () => {
        const open = await Promise.all([...this.nodes.values()].map(openShards))
        return open.reduce((sum, each) => sum + each, 0) === SHARDS && open.every((each) => each <= most)
      },
      90_000,
    )
  }

  /** What the processes have complained of, for a test that failed. */
  complaints(): string {
    const lines = this.#all().flatMap((process) => process.log().split('\n'))
    return lines.filter((line) => /"level":"(warn|error|fatal)"|^[^{]*Error/.test(line)).join('\n')
  }

  #all(): ServerProcess[] {
    return [...this.nodes.values(), ...this.gateways.values(), ...this.#gone]
  }

  async dispose(): Promise<void> {
    const all = this.#all()
    await Promise.all(all.map((process) => process.dispose()))
    await Promise.all([this.#front, ...this.#fronts].map((front) => front.close()))
    await this.#stores.dispose()
    rmSync(this.#keys, { recursive: true, force: true })
  }

  readonly #gone: ServerProcess[] = []

  #take(name: string): ServerProcess {
    const process = this.nodes.get(name) ?? this.gateways.get(name)
    if (!process) throw new Error(`There is no ${name}`)
    this.nodes.delete(name)
    this.gateways.delete(name)
    this.#gone.push(process)
    return process
  }

  #start(name: string, roles: 'actors' | 'gateway'): Promise<ServerProcess> {
    const env = { ...this.#env, HELIOGRAPH_NODE: name, HELIOGRAPH_ROLES: roles, HELIOGRAPH_WEIGHT: '1' }
    return startServer({ env, startWithinMs: 120_000 })
  }
}

async function openShards(process: ServerProcess): Promise<number> {
  const samples = await process.metrics()
  return samples.sum('heliograph_cluster_shards_open')
}
