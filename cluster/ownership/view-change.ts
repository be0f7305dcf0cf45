import type { NodeId, OwnershipView } from '../../runtime/index.js'
import { statesOf } from './shard-states.js'

/** What one change of the register does, as an operator sees it. */
export type ViewChange = MemberChange | ShardMove

export interface MemberChange {
  readonly kind: 'joined' | 'left' | 'draining'
  readonly node: NodeId
}

export interface ShardMove {
  /** `moved`: sealed by its former owner. `taken-over`: its former owner was revoked. `planned`: the move is to come. */
  readonly kind: 'moved' | 'taken-over' | 'planned'
  readonly from: NodeId | undefined
  readonly to: NodeId | undefined
  readonly shards: number
}

export function changesBetween(before: OwnershipView, after: OwnershipView): ViewChange[] {
  return [...memberChanges(before, after), ...moves(before, after)]
}

function memberChanges(before: OwnershipView, after: OwnershipView): MemberChange[] {
  const changes: MemberChange[] = []
  const former = new Map(before.members.map((member) => [member.node, member]))
  for (const { node, incarnation, isDraining } of after.members) {
    const was = former.get(node)
    if (was?.incarnation !== incarnation) changes.push({ kind: 'joined', node })
    if (isDraining && was?.isDraining !== true) changes.push({ kind: 'draining', node })
    former.delete(node)
  }
  for (const node of former.keys()) changes.push({ kind: 'left', node })
  return changes
}

function moves(before: OwnershipView, after: OwnershipView): ShardMove[] {
  const counted = new Map<string, ShardMove>()
  const former = statesOf(before)
  for (const [shard, { owner, next, epoch, mustWait }] of statesOf(after).entries()) {
    const was = former[shard]
    const isMoved = was?.epoch !== epoch
    if (!isMoved && (next === undefined || was?.next?.node === next.node)) continue
    const kind = !isMoved ? 'planned' : mustWait ? 'taken-over' : 'moved'
    const from = isMoved ? was?.owner?.node : owner?.node
    const to = isMoved ? owner?.node : next?.node
    const key = `${kind} ${from} ${to}`
    counted.set(key, { kind, from, to, shards: (counted.get(key)?.shards ?? 0) + 1 })
  }
  return [...counted.values()]
}
