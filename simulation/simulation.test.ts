import { describe, expect, test } from 'vitest'
import { type ClusterMutation, clusterMutations } from './cluster/cluster-mutations.js'
import { noTroubles, smallCluster } from './cluster/cluster-settings.js'
import { crashEverywhere } from './crash-everywhere.js'
import { type MutationName, mutations, type SecondLine, secondLines } from './mutations.js'
import { simulate, type WorldKind } from './simulate.js'

/** CI's share of seeds; `npm run sim` runs as many as you like. */
const SEEDS: Readonly<Record<WorldKind, number>> = { single: 200, cluster: 100 }
const CHUNK = 50
/** Within so many seeds a world without the rule must break. */
const SEEDS_TO_NOTICE = 400
const CLUSTERS_TO_NOTICE = 100

const replay = (kind: WorldKind, seed: number) => `replay with: npm run sim -- --world ${kind} --seed ${seed} --trace`

describe('invariants 1 to 7 hold, whatever crashes', () => {
  const chunks = (['single', 'cluster'] as const).flatMap((kind) =>
    Array.from({ length: SEEDS[kind] / CHUNK }, (_, index) => ({ kind, first: 1 + index * CHUNK })),
  )
  test.for(chunks)('in $kind worlds $first and following', { timeout: 300_000 }, async ({ kind, first }) => {
    for (let seed = first; seed < first + CHUNK; seed++) {
      const { violations } = await simulate({ kind, seed })
      expect(violations, replay(kind, seed)).toEqual([])
    }
  })

  test('in one small world, crashed before each of its events and after each of its writes', {
    timeout: 120_000,
  }, async () => {
    const { events, writes, failures } = await crashEverywhere(1)
    expect(failures.map(({ where, result }) => `${where}: ${result.violations.join('; ')}`)).toEqual([])
    expect(events).toBeGreaterThan(100)
    expect(writes).toBeGreaterThan(20)
  })
})

describe('a seed', () => {
  test.for(['single', 'cluster'] as const)('of a %s world replays exactly, and another one does not', async (kind) => {
    const [once, again, other] = [
      await simulate({ kind, seed: 3 }),
      await simulate({ kind, seed: 3, trace: true }),
      await simulate({ kind, seed: 4 }),
    ]
    expect(again.hash).toBe(once.hash)
    expect(again.figures).toEqual(once.figures)
    expect(other.hash).not.toBe(once.hash)
    expect(again.trace.length).toBeGreaterThan(50)
    expect(again.figures.crashes).toBeGreaterThan(0)
  })
})

describe('a single world breaks without', () => {
  test.for(Object.keys(mutations) as MutationName[])('%s', { timeout: 300_000 }, async (name) => {
    for (let seed = 1; seed <= SEEDS_TO_NOTICE; seed++) {
      const { violations } = await simulate({ seed, mutation: mutations[name] })
      if (violations.some((violation) => violation.startsWith('invariant'))) return
    }
    expect.fail(`${SEEDS_TO_NOTICE} seeds did not notice`)
  })
})

describe('a second line of defence', () => {
  test.for(Object.keys(secondLines) as SecondLine[])(
    '%s holds where the first is off, and is needed there',
    {
      timeout: 300_000,
    },
    async (name) => {
      const { without, mutation } = secondLines[name]
      let noticedBy: number | undefined
      for (let seed = 1; seed <= SEEDS_TO_NOTICE && noticedBy === undefined; seed++) {
        const { violations } = await simulate({ seed, mutation })
        if (violations.some((violation) => violation.startsWith('invariant'))) noticedBy = seed
      }
      expect(noticedBy, 'the seed that noticed').toBeDefined()
      for (let seed = 1; seed <= noticedBy! + 10; seed++) {
        expect((await simulate({ seed, mutation: without })).violations, `seed ${seed}`).toEqual([])
      }
    },
  )
})

describe('a cluster breaks without', () => {
  const names = Object.keys(clusterMutations) as (keyof typeof clusterMutations)[]
  const named = (name: (typeof names)[number]): ClusterMutation => clusterMutations[name]
  test.for(names)('%s', { timeout: 300_000 }, async (name) => {
    const { mutation, where, besides } = named(name)
    for (let seed = 1; seed <= CLUSTERS_TO_NOTICE; seed++) {
      const settings = smallCluster(seed, where, besides)
      const { violations } = await simulate({ kind: 'cluster', seed, settings, mutation })
      if (violations.some((violation) => violation.startsWith('invariant'))) return
    }
    expect.fail(`${CLUSTERS_TO_NOTICE} seeds did not notice`)
  })

  test('and holds with all rules in such worlds', { timeout: 300_000 }, async () => {
    for (const name of names) {
      for (let seed = 1; seed <= 2; seed++) {
        const settings = smallCluster(seed, named(name).where, named(name).besides)
        const { violations } = await simulate({ kind: 'cluster', seed, settings })
        expect(violations, `${name}, seed ${seed}`).toEqual([])
      }
    }
  })
})

describe('nodes that are restarted in order', () => {
  test('fail no request: none has to be asked again by who stays connected', { timeout: 300_000 }, async () => {
    const calm = { troubles: { ...noTroubles, restart: 1 }, troubleCount: 5, ring: {} }
    const roomy = { crashesAtEnd: false, residentActors: 1_000, mailboxCalls: 1_000, inFlightCalls: 10_000 }
    for (let seed = 1; seed <= 8; seed++) {
      const settings = smallCluster(seed, calm, roomy)
      const { violations, figures } = await simulate({ kind: 'cluster', seed, settings })
      expect([violations, figures.unanswered], `seed ${seed}`).toEqual([[], 0])
    }
  })
})
