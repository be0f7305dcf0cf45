/**
 * What the register should say next: a pure function of what it says and of who is gone, so that two coordinators at once
 * plan the same.
 *
 * A1. A shard whose owner lives changes its `next` alone: only the owner gives it away.
 * A2. A shard whose owner is gone (its lease is revoked) goes to another at once, its epoch rises, and the new owner must
 *     wait. One that nobody owns has been sealed: nobody waits.
 * A3. Nobody who is gone stays a member, unless what it owned can go to nobody.
 */
import type { NodeId, NodeIncarnation, NodeMember, OwnershipView } from '../../runtime/index.js'
import { propose } from '../placement/placement.js'
import { isSame, isSameNode, runsOf, type ShardState, statesOf } from './shard-states.js'

/** Undefined: the view is as it should be. */
export function planned(view: OwnershipView, isGone: (member: NodeIncarnation) => boolean): OwnershipView | undefined {
  const staying = new Map<NodeId, NodeMember>()
  for (const member of view.members) if (!isGone(member)) staying.set(member.node, member)
  const stays = (of: NodeIncarnation | undefined) => of !== undefined && isSameNode(staying.get(of.node), of)

  const states = statesOf(view)
  const wanted = propose(
    states.map(({ owner, next }) => (stays(next) ? next!.node : stays(owner) ? owner!.node : undefined)),
    [...staying.values()].filter(isPlace),
  )
  let isChanged = staying.size !== view.members.length
  const after = states.map((state, shard) => {
    const to = staying.get(wanted[shard] ?? '')
    const changed = stays(state.owner) ? given(state, to) : taken(state, to)
    isChanged ||= changed !== state
    return changed
  })
  if (!isChanged) return undefined
  const members = view.members.filter((member) => stays(member) || after.some(({ owner }) => isSameNode(owner, member)))
  if (members.length === view.members.length && after.every((state, shard) => isSame(state, states[shard]!))) {
    return undefined
  }
  return { view: view.view + 1, shardCount: view.shardCount, members, shards: runsOf(after) }
}

/** One that may get shards. */
export function isPlace({ roles, isDraining }: NodeMember): boolean {
  return roles.includes('actors') && !isDraining
}

function given(state: ShardState, to: NodeMember | undefined): ShardState {
  const next = to === undefined || isSameNode(to, state.owner) ? undefined : incarnationOf(to)
  return isSameNode(next, state.next) ? state : { ...state, next }
}

function taken(state: ShardState, to: NodeMember | undefined): ShardState {
  if (to === undefined) return state.next === undefined ? state : { ...state, next: undefined }
  return {
    epoch: state.epoch + 1,
    owner: incarnationOf(to),
    next: undefined,
    mustWait: state.owner !== undefined,
  }
}

export function incarnationOf({ node, incarnation }: NodeIncarnation): NodeIncarnation {
  return { node, incarnation }
}
