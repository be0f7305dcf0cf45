/** Views of the register made from others: who joins, who leaves, who gives away. */
import type { NodeId, NodeIncarnation, NodeMember, OwnershipView } from '../../runtime/index.js'
import { incarnationOf } from './plan.js'
import { isSameNode, runsOf, type ShardState, statesOf } from './shard-states.js'

/** The first view: nobody owns anything. */
export function emptyView(shardCount: number): OwnershipView {
  const shards = [{ from: 0, to: shardCount - 1, epoch: 0, owner: undefined, next: undefined, mustWait: false }]
  return { view: 1, shardCount, members: [], shards }
}

/** The member instead of its former incarnation, whose lease is gone: what that one owned is waited for. */
export function withMember(view: OwnershipView, member: NodeMember): OwnershipView {
  const isFormer = (of: NodeIncarnation | undefined) =>
    of !== undefined && of.node === member.node && of.incarnation !== member.incarnation
  const shards = statesOf(view).map((state): ShardState => {
    const next = isFormer(state.next) ? undefined : state.next
    if (!isFormer(state.owner)) return next === state.next ? state : { ...state, next }
    return { epoch: state.epoch + 1, owner: incarnationOf(member), next: undefined, mustWait: true }
  })
  const members = [...view.members.filter(({ node }) => node !== member.node), member]
  members.sort((a, b) => (a.node < b.node ? -1 : 1))
  return { ...view, view: view.view + 1, members, shards: runsOf(shards) }
}

/** Undefined: it is no member, or owns something. */
export function withoutMember(view: OwnershipView, of: NodeIncarnation): OwnershipView | undefined {
  if (!view.members.some((member) => isSameNode(member, of))) return undefined
  if (view.shards.some(({ owner }) => isSameNode(owner, of))) return undefined
  const shards = statesOf(view).map((state) => (isSameNode(state.next, of) ? { ...state, next: undefined } : state))
  const members = view.members.filter((member) => !isSameNode(member, of))
  return { ...view, view: view.view + 1, members, shards: runsOf(shards) }
}

/** Undefined: that is so already, or the node is no member. */
export function withDraining(view: OwnershipView, node: NodeId, isDraining: boolean): OwnershipView | undefined {
  if (view.members.every((member) => member.node !== node || member.isDraining === isDraining)) return undefined
  const members = view.members.map((member) => (member.node === node ? { ...member, isDraining } : member))
  return { ...view, view: view.view + 1, members }
}

/** The owners that are to give shards away, in order. */
export function giversOf(view: OwnershipView | undefined): readonly NodeId[] {
  const givers = new Set<NodeId>()
  for (const { owner, next } of view?.shards ?? []) if (owner && next) givers.add(owner.node)
  return [...givers].sort()
}
