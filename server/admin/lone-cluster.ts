import { Announcements, type ClusterSource } from '../../cluster/index.js'
import { ActorError, type Clock, type NodeId, type NodeMember, type Ownership } from '../../runtime/index.js'

/** What a node that runs alone says of its cluster: one member, which owns every shard. */
export function loneCluster(ownership: Ownership, clock: Clock): ClusterSource {
  const { self, shardCount } = ownership
  const me = { node: self, incarnation: 'alone' }
  const member: NodeMember = { ...me, address: '', roles: ['gateway', 'actors'], weight: 1, isDraining: false }
  const epoch = ownership.epochOf(0) ?? 0
  const run = { from: 0, to: shardCount - 1, epoch, owner: me, next: undefined, mustWait: false }
  const refuse = async () => {
    throw new ActorError('REFUSED', 'This node runs alone: there is no other to give its shards to.', {
      reason: 'NO_CLUSTER',
    })
  }
  return {
    cluster: 'alone',
    self,
    view: () => ({ view: 1, shardCount, members: [member], shards: [run] }),
    isAlive: (node) => node === self,
    isHalted: () => false,
    heartbeatOf: () => undefined,
    ask: refuse,
    answer: () => undefined,
    setDraining: refuse,
    rebalance: refuse,
    events: loneEvents(self, clock),
  }
}

/** Events that nobody else hears. */
function loneEvents(self: NodeId, clock: Clock): Announcements {
  const nothing = { end: () => undefined }
  const bus = {
    isConnected: false,
    publish: () => false,
    subscribe: () => nothing,
    answer: () => nothing,
    request: async () => ({ kind: 'nobody' }) as const,
    onChange: () => undefined,
  }
  return new Announcements({ cluster: 'alone', self: { node: self, incarnation: 'alone' }, bus, clock, view: () => 1 })
}
