import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Placement, propose } from './placement.js'
import type { RingMember } from './ring.js'

const SHARDS = 4096
const nobody: Placement = Array.from({ length: SHARDS }, () => undefined)

const equal = (...nodes: string[]): RingMember[] => nodes.map((node) => ({ node, weight: 1 }))
const moved = (from: Placement, to: Placement) => to.filter((owner, shard) => owner !== from[shard]).length
const loads = (placement: Placement) => {
  const load = new Map<string, number>()
  for (const owner of placement) if (owner !== undefined) load.set(owner, (load.get(owner) ?? 0) + 1)
  return load
}

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 40 })
const weights = fc.constantFrom(0.25, 0.5, 1, 2, 4)
const someMembers = names.chain((nodes) =>
  fc.tuple(...nodes.map((node) => weights.map((weight): RingMember => ({ node, weight })))),
)
/** Where a cluster stands after nodes came and went. */
const history = fc.array(someMembers, { minLength: 1, maxLength: 4 })
const placedAfter = (views: readonly (readonly RingMember[])[]) =>
  views.reduce((placement, view) => propose(placement, view), nobody)

describe('the proposed owners of shards', () => {
  test('P1, P2: every shard has one owner among the members, and nobody more than its share', () => {
    fc.assert(
      fc.property(history, (views) => {
        const placement = placedAfter(views)
        const members = views.at(-1)!
        const total = members.reduce((sum, { weight }) => sum + weight, 0)
        const load = loads(placement)
        expect([...load.values()].reduce((sum, each) => sum + each, 0)).toBe(SHARDS)
        for (const { node, weight } of members) {
          expect(load.get(node) ?? 0).toBeLessThanOrEqual(Math.ceil((SHARDS * weight) / total))
        }
        expect(propose(placement, [...members].reverse())).toEqual(placement)
      }),
      { numRuns: 60 },
    )
  })

  test('P3: one join moves at most 1.2/N of the shards, all of them to the node that joins', () => {
    fc.assert(
      fc.property(history, fc.constant('the new one'), (views, node) => {
        const before = views.at(-1)!.map((member) => ({ ...member, weight: 1 }))
        const settled = propose(placedAfter(views), before)
        const joined = propose(settled, [...before, { node, weight: 1 }])
        expect(moved(settled, joined)).toBeLessThanOrEqual((1.2 / (before.length + 1)) * SHARDS)
        expect(moved(settled, joined)).toBe(loads(joined).get(node))
        expect(loads(joined).get(node)!).toBeGreaterThan((0.5 / (before.length + 1)) * SHARDS)
      }),
      { numRuns: 60 },
    )
  })

  test('P3: one leave moves at most 1.2/N of the shards, all of them from the node that leaves', () => {
    fc.assert(
      fc.property(history, fc.nat(), (views, pick) => {
        const before = equal(...views.at(-1)!.map(({ node }) => node), 'one more')
        const settled = propose(placedAfter(views), before)
        const { node } = before[pick % before.length]!
        const left = propose(
          settled,
          before.filter((member) => member.node !== node),
        )
        expect(moved(settled, left)).toBe(loads(settled).get(node) ?? 0)
        expect(moved(settled, left)).toBeLessThanOrEqual((1.2 / before.length) * SHARDS)
      }),
      { numRuns: 60 },
    )
  })

  test('P4: what a node leaves behind falls to all others, not to one neighbour', () => {
    const settled = propose(nobody, equal('a', 'b', 'c', 'd', 'e'))
    const left = propose(settled, equal('a', 'b', 'c', 'd'))
    for (const [node, load] of loads(left)) expect(load - loads(settled).get(node)!, node).toBeGreaterThan(SHARDS / 40)
  })

  test('without members nothing moves, and the first one gets everything', () => {
    expect(propose(nobody, [])).toEqual(nobody)
    const alone = propose(nobody, equal('a'))
    expect(propose(alone, [])).toEqual(alone)
    expect(loads(alone)).toEqual(new Map([['a', SHARDS]]))
  })
})
