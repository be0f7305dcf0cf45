/**
 * Nodes that are cut off from Cassandra alone. They are heard and answer as before; what they own is open elsewhere soon,
 * if anybody can take it, and nothing moves if nobody can.
 */
import { describe, expect, test } from 'vitest'
import { simulate } from '../simulate.js'
import { noTroubles, smallCluster } from './cluster-settings.js'
import type { ClusterWorld } from './cluster-world.js'

/** All have joined, and had their leases for a while. */
const CUT_AT_MS = 7_000
const SEEDS = 3

interface Seen {
  /** From the cut until every shard of those cut off was open at others; undefined: some never was. */
  takenOverMs: number | undefined
  /** Whom anybody suspected. */
  readonly suspected: Set<string>
  epochsBefore: readonly number[]
  epochsAfter: readonly number[]
  /** Changes of the register from the cut to the end. */
  views: number
}

/** Cuts these off for so long, while people go on writing; the checker looks at what came of it. */
async function cutOff(seed: number, nodes: number, away: readonly string[], forMs: number): Promise<Seen> {
  const calm = { nodes, shardCount: 4 * nodes, troubles: noTroubles, ring: {}, clockDrift: 0.01 }
  const settings = smallCluster(seed, calm, { crashesAtEnd: false, longestThoughtMs: 2_500, actionsPerDevice: 20 })
  const seen: Seen = { takenOverMs: undefined, suspected: new Set(), epochsBefore: [], epochsAfter: [], views: 0 }
  const { violations } = await simulate({
    kind: 'cluster',
    seed,
    settings,
    clusterFaults: (world) => {
      const cutting = cut(world, away, forMs, seen)
      world.spawn(cutting)
      return { heal: () => undefined }
    },
  })
  expect(violations, `seed ${seed}`).toEqual([])
  return seen
}

async function cut(world: ClusterWorld, away: readonly string[], forMs: number, seen: Seen): Promise<void> {
  const { time, machines } = world
  await time.pause(CUT_AT_MS)
  for (const { cluster } of world.living) {
    cluster.announcements.onEvent(({ kind, node }) => kind === 'suspicion' && seen.suspected.add(node))
  }
  const view = () => Math.max(...world.living.map(({ ownership }) => ownership.view?.view ?? 0))
  const before = view()
  seen.epochsBefore = epochs(world)
  const cutOffs = machines.filter(({ name }) => away.includes(name))
  const theirs = shardsOf(world).filter(({ owner }) => away.includes(owner ?? ''))
  expect(theirs.length).toBeGreaterThan(0)
  for (const machine of cutOffs) world.cutStorage(machine, true)
  const untilMs = time.monotonic() + forMs
  while (time.monotonic() < untilMs) {
    const open = new Map(shardsOf(world).map(({ shard, owner }) => [shard, owner]))
    const isTaken = theirs.every(({ shard }) => open.get(shard) !== undefined && !away.includes(open.get(shard)!))
    if (isTaken) seen.takenOverMs ??= time.monotonic() - (untilMs - forMs)
    await time.pause(20)
  }
  for (const machine of cutOffs) world.cutStorage(machine, false)
  await time.pause(10_000)
  seen.epochsAfter = epochs(world)
  seen.views = view() - before
}

/** Who answers for each shard. */
function shardsOf(world: ClusterWorld): { readonly shard: number; readonly owner: string | undefined }[] {
  return Array.from({ length: world.clusterSettings.shardCount }, (_, shard) => ({
    shard,
    owner: world.living.find(({ believed }) => believed.holds(shard, believed.newestEpochOf(shard)))?.name,
  }))
}

function epochs(world: ClusterWorld): number[] {
  const { shardCount } = world.clusterSettings
  return Array.from({ length: shardCount }, (_, shard) =>
    Math.max(...world.living.map(({ believed }) => believed.newestEpochOf(shard))),
  )
}

const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1)

describe('away from Cassandra', { timeout: 120_000 }, () => {
  test.for([2, 3, 4])('one of %i nodes: others answer for its shards within 5 seconds', async (nodes) => {
    for (const seed of seeds) {
      const { takenOverMs, suspected } = await cutOff(seed, nodes, ['n1'], 10_000)
      expect(takenOverMs, `seed ${seed}`).toBeLessThan(5_000)
      expect([...suspected]).toEqual(['n1'])
    }
  })

  test('half of four: the other half has everything within 5 seconds', async () => {
    for (const seed of seeds) {
      const { takenOverMs, suspected } = await cutOff(seed, 4, ['n1', 'n3'], 10_000)
      expect(takenOverMs, `seed ${seed}`).toBeLessThan(5_000)
      expect([...suspected].sort()).toEqual(['n1', 'n3'])
    }
  })

  test.for([1_000, 4_000, 20_000])(
    'all for %i ms: nobody suspects anybody, and all have what they had',
    async (forMs) => {
      for (const seed of seeds) {
        const { suspected, epochsBefore, epochsAfter, views } = await cutOff(seed, 3, ['n1', 'n2', 'n3'], forMs)
        expect([...suspected]).toEqual([])
        expect(epochsAfter).toEqual(epochsBefore)
        expect(views).toBe(0)
      }
    },
  )
})
