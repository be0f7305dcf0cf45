import { NodeTransport } from '../../cluster/index.js'
import {
  type ActorSystem,
  createActorSystem,
  type NodeId,
  type Ownership,
  systemClock,
  systemRandom,
} from '../../runtime/index.js'
import { MemoryStore, noLog, noMetrics } from '../../runtime/testing/index.js'
import { tallyActor } from './tally.js'

/** The node of the other process, which owns everything. */
export const OWNER: NodeId = 'owner'

/** A node of two, one of which owns every shard. `ownerAddress`: where the other one finds it. */
export function twoNodes(self: NodeId, ownerAddress?: string): { system: ActorSystem; transport: NodeTransport } {
  const transport = new NodeTransport({
    cluster: 'bench',
    self,
    incarnation: self,
    clock: systemClock,
    log: noLog,
    atTickEnd: setImmediate,
    peers: {
      addressOf: () => ownerAddress,
      others: () => [],
      view: () => 1,
      saw: () => undefined,
      refresh: async () => undefined,
    },
  })
  const ownership: Ownership = {
    self,
    shardCount: 64,
    ownerOf: () => OWNER,
    epochOf: () => (self === OWNER ? 1 : undefined),
    holds: () => self === OWNER,
    newestEpochOf: () => 1,
  }
  const store = new MemoryStore()
  const system = createActorSystem({
    actors: [tallyActor],
    clock: systemClock,
    random: systemRandom,
    journals: store,
    agenda: store,
    ownership,
    transport,
    metrics: noMetrics,
    log: noLog,
    localValues: 'pass',
  })
  transport.serve(system)
  return { system, transport }
}
