/**
 * Who should own which shard: a proposal to the register, which decides (CORE O1).
 *
 * P1. It depends on its arguments alone: two coordinators that read the same register propose the same.
 * P2. No node gets more than its share, rounded up; a node's share is its weight's part of all shards.
 * P3. A shard moves only if its owner is gone or has more than its share. So one join or leave moves no more shards than
 *     the joining node gets or the leaving one had: about 1/N.
 * P4. A shard that moves goes to the first node clockwise on the ring that has room.
 */
import type { NodeId } from '../../runtime/index.js'
import { Ring, type RingMember } from './ring.js'

/** The owner of each shard, by its number; undefined: nobody. */
export type Placement = readonly (NodeId | undefined)[]

/** `members` are those that may own shards: a node that drains is not among them. Without any, nothing moves. */
export function propose(current: Placement, members: readonly RingMember[]): Placement {
  if (members.length === 0) return current
  const ring = new Ring(members)
  const room = roomOf(current, members)
  const proposed = [...current]
  const place = (shard: number) => {
    for (const node of ring.preference(shard)) {
      const left = room.get(node)!
      if (left <= 0) continue
      room.set(node, left - 1)
      proposed[shard] = node
      return
    }
  }
  for (const shard of toMove(current, ring, room)) place(shard)
  return proposed
}

/** Shards that each member may still take; below 0 it has too many. */
function roomOf(current: Placement, members: readonly RingMember[]): Map<NodeId, number> {
  let total = 0
  for (const { weight } of members) total += weight
  const room = new Map<NodeId, number>()
  for (const { node, weight } of members) room.set(node, Math.ceil((current.length * weight) / total))
  for (const owner of current) {
    const left = owner === undefined ? undefined : room.get(owner)
    if (left !== undefined) room.set(owner!, left - 1)
  }
  return room
}

/** Shards without an owner, and what owners have too much of: first what prefers a node with room most. */
function toMove(current: Placement, ring: Ring, room: ReadonlyMap<NodeId, number>): number[] {
  const orphans: number[] = []
  const spare = new Map<NodeId, { readonly shard: number; readonly rank: number }[]>()
  for (const [shard, owner] of current.entries()) {
    const left = owner === undefined ? undefined : room.get(owner)
    if (left === undefined) orphans.push(shard)
    else if (left < 0) {
      const shards = spare.get(owner!) ?? []
      spare.set(owner!, shards)
      shards.push({ shard, rank: rankOfRoom(ring.preference(shard), room) })
    }
  }
  const surplus = [...spare].flatMap(([owner, shards]) =>
    shards
      .sort((a, b) => a.rank - b.rank || a.shard - b.shard)
      .slice(0, -room.get(owner)!)
      .map(({ shard }) => shard),
  )
  return [...orphans, ...surplus]
}

/** How many nodes a shard prefers to the first one that has room. */
function rankOfRoom(preference: Iterable<NodeId>, room: ReadonlyMap<NodeId, number>): number {
  let rank = 0
  for (const node of preference) {
    if (room.get(node)! > 0) break
    rank++
  }
  return rank
}
