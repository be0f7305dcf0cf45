import { ActorError } from '../../runtime/index.js'
import type { ClusterNode } from '../cluster-node.js'
import type { ClusterSource } from './cluster-admin.js'

/** On the nodes' control lane. */
const topic = 'admin'

/** What a member of a cluster says of it. */
export function memberCluster(cluster: string, node: ClusterNode): ClusterSource {
  const { ownership, transport, heartbeats, announcements } = node
  return {
    cluster,
    self: ownership.self,
    view: () => ownership.view,
    isAlive: (of) => node.isAlive(of),
    isHalted({ node: of, incarnation }) {
      if (of === ownership.self) return ownership.heldForMs === undefined
      const last = heartbeats.lastOf(of)
      return last?.incarnation === incarnation && last.isHalted
    },
    heartbeatOf: (of) => heartbeats.lastOf(of),
    ask: (of, question, withinMs) => transport.ask(of, topic, question, withinMs),
    answer: (answer) => transport.answer(topic, answer),
    async setDraining(of, isDraining) {
      if (ownership.view?.members.some((member) => member.node === of) !== true) {
        throw new ActorError('REFUSED', `There is no node ${of}.`, { reason: 'NO_SUCH_NODE' })
      }
      await node.setDraining(of, isDraining)
    },
    rebalance: () => node.rebalance(),
    events: announcements,
  }
}
