import type { PrivateService } from '../test/services.js'
import type { ChaosCluster } from './cluster/chaos-cluster.js'
import type { RegisterWatch } from './cluster/register-watch.js'
import type { Crowd } from './load/crowd.js'

/**
 * What clients may notice: of a `planned` change nothing but a short wait, never a failed call; of a `crash` that calls to
 * the dead node's actors wait until others have them; of an `outage` that calls wait until it is over.
 */
export type Kind = 'planned' | 'crash' | 'outage'

/** A cluster under load, and what can be done to it. Verbs resolve when what they did is so. */
export interface World {
  readonly isFull: boolean
  readonly cluster: ChaosCluster
  readonly register: RegisterWatch
  readonly crowd: Crowd
  readonly nats: PrivateService
  /** A ring of three of one's own; only of experiments that ask for one. */
  readonly cassandra: PrivateService | undefined
  /** Something happens now: a line in the timeline. */
  event(text: string): void
  /** Nodes are about to be gone without a word: what they owned is to be answered again by others. */
  crash(node: string, how: () => void | Promise<void>): Promise<void>
  /** Folders of the builds that the experiment asked for. */
  readonly builds: Readonly<Record<string, string>>
  /** Waits until everybody had a message answered in each chat that was sent from now on. */
  answered(): Promise<void>
  /** Waits until every shard is open at one of these nodes and none is on its way. */
  settledOn(nodes: readonly string[]): Promise<void>
  /** Called once the histories have been looked at, before the cluster ends. */
  onEnd(end: () => unknown): void
  /** Waits, while the load goes on: only where time itself is the experiment. */
  during(ms: number): Promise<void>
}

export interface Experiment {
  readonly name: string
  /** One line for `list`. */
  readonly summary: string
  readonly kind: Kind
  /** Actor nodes at the start, `node-1` and so on; gateways are two. */
  readonly nodes: number
  readonly needsCassandraRing?: boolean
  /** Needs root, for network namespaces. */
  readonly needsRoot?: boolean
  /** Other builds of the program, by how many minor versions they are from this one: -1 is the previous one. */
  readonly builds?: Readonly<Record<string, number>>
  /** Which of these the first nodes and gateways are; without it: this one. */
  readonly startsWith?: string
  /** How often a client may have to connect again. */
  readonly mostReconnects: number
  run(world: World): Promise<void>
}
