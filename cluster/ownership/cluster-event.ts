import type { NodeId, OwnershipView } from '../../runtime/index.js'
import { statesOf } from './shard-states.js'

/** Something that an operator may want to see happen. */
export type ClusterEvent =
  | { readonly event: 'joined' | 'joined-again' | 'left' | 'draining'; readonly view: number; readonly node: NodeId }
  | {
      /** `moved`: sealed by its former owner. `taken-over`: its former owner was revoked. `planned`: the move is to come. */
      readonly event: 'moved' | 'taken-over' | 'planned'
      readonly view: number
      readonly from: NodeId | undefined
      readonly to: NodeId | undefined
      readonly shards: number
    }

/** What happened from one view to the next one that was read. */
export function eventsBetween(before: OwnershipView, after: OwnershipView): ClusterEvent[] {
  const { view } = after
  const events: ClusterEvent[] = []
  const former = new Map(before.members.map((member) => [member.node, member]))
  for (const member of after.members) {
    const was = former.get(member.node)
    if (was?.incarnation !== member.incarnation) events.push({ event: 'joined', view, node: member.node })
    if (member.isDraining && was?.isDraining !== true) events.push({ event: 'draining', view, node: member.node })
    former.delete(member.node)
  }
  for (const node of former.keys()) events.push({ event: 'left', view, node })
  return [...events, ...movesBetween(before, after)]
}

function movesBetween(before: OwnershipView, after: OwnershipView): ClusterEvent[] {
  const moves = new Map<
    string,
    { event: 'moved' | 'taken-over' | 'planned'; from?: NodeId; to?: NodeId; shards: number }
  >()
  const former = statesOf(before)
  for (const [shard, { owner, next, epoch, mustWait }] of statesOf(after).entries()) {
    const was = former[shard]
    const isMoved = was?.epoch !== epoch
    if (!isMoved && (next === undefined || was?.next?.node === next.node)) continue
    const event = !isMoved ? 'planned' : mustWait ? 'taken-over' : 'moved'
    const from = isMoved ? was?.owner?.node : owner?.node
    const to = isMoved ? owner?.node : next?.node
    const key = `${event} ${from} ${to}`
    const move = moves.get(key) ?? {
      event,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      shards: 0,
    }
    move.shards++
    moves.set(key, move)
  }
  return [...moves.values()].map(({ event, from, to, shards }) => ({ event, view: after.view, from, to, shards }))
}
