import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Long, longFromInts, longHigh } from './long.js'
import { SeenMessages, type Settled } from './seen-messages.js'

type Step =
  | { readonly do: 'set'; readonly at: number; readonly state: Settled }
  | { readonly do: 'erase'; readonly at: number }
  | { readonly do: 'trim'; readonly most: number; readonly since: number }

/** Some share their seconds, as ids do. */
const idAt = (at: number): Long => longFromInts((at % 4) * 4, 1000 + Math.floor(at / 4))

const at = fc.nat(60)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('set' as const), at, state: fc.constantFrom('done', 'failed') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trim' as const), most: fc.nat(40), since: fc.nat(1015) }) },
)

test('1, 2: in whatever order ids come, each is known as a map would know it, or is at or below the floor', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const seen = new SeenMessages()
      const model = new Map<Long, Settled>()
      for (const each of steps) {
        if (each.do === 'set') {
          seen.set(idAt(each.at), each.state)
          model.set(idAt(each.at), each.state)
        } else if (each.do === 'erase') {
          seen.erase(idAt(each.at))
          model.delete(idAt(each.at))
        } else {
          seen.trim(each.most, each.since)
          expect(seen.size).toBeLessThanOrEqual(each.most)
          for (const id of [...model.keys()]) {
            if (seen.get(id) !== undefined) continue
            expect(seen.isForgotten(id)).toBe(true)
            model.delete(id)
          }
          for (const id of model.keys()) expect(longHigh(id)).toBeGreaterThanOrEqual(each.since)
        }
        expect(seen.size).toBe(model.size)
        for (let i = 0; i <= 60; i++) expect(seen.get(idAt(i))).toBe(model.get(idAt(i)))
      }
    }),
  )
})
