import type { NodeId } from '../../runtime/index.js'

/** A node as the ring sees it. */
export interface RingMember {
  readonly node: NodeId
  /** Share of the shards beside the other members: a node with half of the cores has half of the weight. Above 0. */
  readonly weight: number
}

interface Point {
  readonly at: number
  readonly node: NodeId
}

/** Points of a node of weight 1: enough that what a node leaves behind falls to all others and not to a neighbour. */
const POINTS_PER_WEIGHT = 64
const MOST_POINTS = 1024

/**
 * Consistent hashing: shards and nodes stand on one circle of 32 bits, and a shard prefers the nodes in the order in
 * which they are met clockwise from it. The order depends on names alone, so every node computes the same one.
 */
export class Ring {
  readonly #points: readonly Point[]
  readonly #nodes: number

  constructor(members: readonly RingMember[]) {
    this.#nodes = members.length
    this.#points = members
      .flatMap(({ node, weight }) => {
        const points = Math.max(1, Math.min(MOST_POINTS, Math.round(POINTS_PER_WEIGHT * weight)))
        return Array.from({ length: points }, (_, index) => ({ at: hash(`${node}#${index}`), node }))
      })
      .sort((a, b) => a.at - b.at || (a.node < b.node ? -1 : 1))
  }

  /** All nodes, the most preferred first. */
  *preference(shard: number): Generator<NodeId> {
    const points = this.#points
    const met = new Set<NodeId>()
    const first = this.#firstFrom(positionOf(shard))
    for (let step = 0; step < points.length && met.size < this.#nodes; step++) {
      const { node } = points[(first + step) % points.length]!
      if (met.has(node)) continue
      met.add(node)
      yield node
    }
  }

  #firstFrom(at: number): number {
    let low = 0
    let high = this.#points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#points[middle]!.at < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Where a shard stands on the circle, from 0 to 2^32 - 1. */
function positionOf(shard: number): number {
  return hash(`shard ${shard}`)
}

/** FNV-1a with a finisher: names that differ in one digit land far apart. */
function hash(name: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193)
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2ae35)
  value ^= value >>> 16
  return value >>> 0
}
