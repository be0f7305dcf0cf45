import type { ClusterWorld } from './cluster-world.js'

/**
 * Looks, between events, whether two nodes may answer for one shard at the same moment (invariant 6). A machine that is
 * halted answers nobody; it looks at its clocks first when it goes on.
 */
export class OwnershipWatch {
  readonly #world: ClusterWorld
  readonly #told = new Set<number>()
  #looks = 0

  constructor(world: ClusterWorld) {
    this.#world = world
  }

  look(): void {
    // Owners change seldom: each look costs more than most events.
    if (++this.#looks % 4 !== 0) return
    const { machines, nodes, clusterSettings } = this.#world
    for (let shard = 0; shard < clusterSettings.shardCount; shard++) {
      let owner: string | undefined
      for (const { name, isHalted } of machines) {
        const node = nodes.get(name)
        if (isHalted || node?.isAlive !== true) continue
        const { believed } = node
        if (!believed.holds(shard, believed.newestEpochOf(shard))) continue
        if (owner !== undefined) this.#both(shard, owner, name)
        owner = name
      }
    }
  }

  #both(shard: number, one: string, other: string): void {
    if (this.#told.has(shard)) return
    this.#told.add(shard)
    this.#world.ledger.violated('invariant 6 (one writer)', `${one} and ${other} both answer for shard ${shard}`)
  }
}
