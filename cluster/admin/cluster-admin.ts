/**
 * What operators ask, answered by any node for all.
 *
 * A1. A node that does not answer in time is told as such; the others' answers are told without it.
 * A2. What travels between nodes is plain data, bounded by `limit` of what asked for it; a question that a node does not
 *     know is answered as if it had nothing.
 * A3. Nothing is decided here: what changes the cluster goes to its register.
 */
import {
  decode,
  encode,
  errorCode,
  type NodeId,
  type NodeIncarnation,
  type OwnershipView,
  shardOf,
} from '../../runtime/index.js'
import type { ClusterEvent, ClusterEventKind } from '../membership/cluster-event.js'
import type { Heartbeat } from '../membership/heartbeat.js'
import type {
  ActivationReport,
  ActorQuery,
  ActorRow,
  ActorStatus,
  ClusterReport,
  HotActor,
  NodeReport,
  NodeStatus,
  ShardMap,
  TracedHop,
} from './reports.js'

/** What the admin asks of the cluster; a ClusterNode fits, and a node that is alone can say it too. */
export interface ClusterSource {
  readonly cluster: string
  readonly self: NodeId
  /** Undefined: this node has not read the register yet. */
  view(): OwnershipView | undefined
  isAlive(node: NodeId): boolean
  /** Whether it has said last that it has no lease. */
  isHalted(node: NodeIncarnation): boolean
  heartbeatOf(node: NodeId): Heartbeat | undefined
  /** A question of another node's admin. Rejects with an ActorError. */
  ask(node: NodeId, question: Uint8Array, withinMs: number): Promise<Uint8Array>
  /** Takes other nodes' questions from now on. */
  answer(answer: (question: Uint8Array) => Promise<Uint8Array>): void
  /** Rejects with REFUSED (reason NO_CLUSTER, NO_SUCH_NODE), STORE_UNAVAILABLE and OUTCOME_UNKNOWN. */
  setDraining(node: NodeId, isDraining: boolean): Promise<void>
  rebalance(): Promise<void>
  readonly events: {
    say(kind: ClusterEventKind, text: string, about?: { readonly node?: NodeId }): void
    recent(): readonly ClusterEvent[]
    onEvent(listener: (event: ClusterEvent) => void): () => void
  }
}

/** What this node knows of itself. */
export interface NodeSource {
  report(): NodeReport
  /** The busiest of a kind first. */
  actors(query: ActorQuery): readonly HotActor[]
  /** Undefined: there is no such kind. */
  activation(kind: string, key: string): ActivationReport | undefined
  trace(traceId: string, most: number): readonly TracedHop[]
  turnsOf(actor: string, most: number): readonly TracedHop[]
}

const askMs = 1_000
const mostHops = 200
const mostActors = 1_000

export class ClusterAdmin {
  readonly #cluster: ClusterSource
  readonly #now: () => number
  readonly #questions: ReadonlyMap<string, (...args: readonly unknown[]) => unknown>

  constructor(cluster: ClusterSource, local: NodeSource, now: () => number) {
    this.#cluster = cluster
    this.#now = now
    this.#questions = new Map<string, (...args: readonly unknown[]) => unknown>([
      ['report', () => local.report()],
      ['actors', (kind, limit) => local.actors({ kind: String(kind), limit: bounded(limit, mostActors) })],
      ['activation', (kind, key) => local.activation(String(kind), String(key)) ?? null],
      ['trace', (traceId) => local.trace(String(traceId), mostHops)],
      ['turns', (actor) => local.turnsOf(String(actor), mostHops)],
      ['events', () => cluster.events.recent()],
    ])
    cluster.answer(async (question) => {
      const [name, ...args] = decode(question) as readonly unknown[]
      return encode((await this.#questions.get(String(name))?.(...args)) ?? null)
    })
  }

  get self(): NodeId {
    return this.#cluster.self
  }

  async report(): Promise<ClusterReport> {
    const view = this.#cluster.view()
    const reports = await this.#askAll<NodeReport>('report')
    const { cluster, self } = this.#cluster
    const nodes = (view?.members ?? []).map((member) => this.#status(member, view, reports.get(member.node)))
    return { cluster, atMs: this.#now(), self, view: view?.view ?? 0, shardCount: view?.shardCount ?? 0, nodes }
  }

  shards(): ShardMap {
    const { view = 0, shardCount = 0, shards = [] } = this.#cluster.view() ?? {}
    return { view, shardCount, shards }
  }

  /** Of a kind, the busiest first, of all nodes. */
  async actors(query: ActorQuery): Promise<ActorRow[]> {
    const { kind, limit } = query
    const answers = await this.#askAll<readonly HotActor[]>('actors', kind, limit)
    const rows = [...answers].flatMap(([node, found]) => found.map((each) => ({ ...each, node })))
    return rows.sort((one, other) => other.busy - one.busy).slice(0, limit)
  }

  async actor(kind: string, key: string): Promise<ActorStatus> {
    const view = this.#cluster.view()
    const shard = shardOf(kind, key, view?.shardCount || 1)
    const run = view?.shards.find(({ from, to }) => from <= shard && shard <= to)
    const owner = run?.owner?.node
    const [activation, turns] = await Promise.all([
      owner === undefined ? undefined : this.#askOne<ActivationReport | null>(owner, 'activation', kind, key),
      this.#merged('turns', `${kind}/${key}`),
    ])
    const { epoch = 0, next } = run ?? {}
    return { kind, key, shard, owner, epoch, next: next?.node, activation: activation ?? undefined, turns }
  }

  /** The turns of one request on all nodes, as far as these remember, in the order in which they ended. */
  trace(traceId: string): Promise<TracedHop[]> {
    return this.#merged('trace', traceId)
  }

  /** The last turns of one actor on all nodes. */
  turnsOf(actor: string): Promise<TracedHop[]> {
    return this.#merged('turns', actor)
  }

  /** What happened of late, as far as any node remembers, oldest first, each once. */
  async events(): Promise<ClusterEvent[]> {
    const all = new Map<string, ClusterEvent>()
    for (const events of (await this.#askAll<readonly ClusterEvent[]>('events')).values()) {
      for (const event of events) all.set(eventId(event), event)
    }
    return [...all.values()].sort((one, other) => one.atMs - other.atMs)
  }

  /** As far as this node remembers. */
  recentEvents(): readonly ClusterEvent[] {
    return this.#cluster.events.recent()
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    return this.#cluster.events.onEvent(listener)
  }

  setDraining(node: NodeId, isDraining: boolean): Promise<void> {
    return this.#cluster.setDraining(node, isDraining)
  }

  rebalance(): Promise<void> {
    return this.#cluster.rebalance()
  }

  #status(
    member: OwnershipView['members'][number],
    view: OwnershipView | undefined,
    report: NodeReport | undefined,
  ): NodeStatus {
    const count = { shards: 0, coming: 0, going: 0 }
    for (const { from, to, owner, next } of view?.shards ?? []) {
      const size = to - from + 1
      if (owner?.node === member.node) {
        count.shards += size
        if (next !== undefined) count.going += size
      }
      if (next?.node === member.node) count.coming += size
    }
    const load = this.#cluster.heartbeatOf(member.node)?.load
    const isAlive = this.#cluster.isAlive(member.node)
    const isHalted = this.#cluster.isHalted(member)
    return { ...member, isAlive, isHalted, ...count, ...(load && { load }), ...(report && { report }) }
  }

  async #merged(question: string, about: string): Promise<TracedHop[]> {
    const answers = await this.#askAll<readonly TracedHop[]>(question, about)
    return [...answers.values()].flat().sort((one, other) => one.atMs - other.atMs)
  }

  async #askAll<T>(question: string, ...args: readonly unknown[]): Promise<Map<NodeId, T>> {
    const { self } = this.#cluster
    const nodes = new Set([self, ...(this.#cluster.view()?.members ?? []).map(({ node }) => node)])
    const answers = new Map<NodeId, T>()
    await Promise.all(
      [...nodes].map(async (node) => {
        const answer = await this.#askOne<T>(node, question, ...args)
        if (answer !== undefined && answer !== null) answers.set(node, answer)
      }),
    )
    return answers
  }

  async #askOne<T>(node: NodeId, question: string, ...args: readonly unknown[]): Promise<T | undefined> {
    if (node === this.#cluster.self) return this.#questions.get(question)?.(...args) as T
    try {
      return decode(await this.#cluster.ask(node, encode([question, ...args]), askMs)) as T
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      return undefined
    }
  }
}

function eventId({ by, incarnation, number }: ClusterEvent): string {
  return `${by} ${incarnation} ${number}`
}

function bounded(value: unknown, most: number): number {
  const number = Number(value)
  return number >= 0 && number <= most ? Math.floor(number) : most
}
