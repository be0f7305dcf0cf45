import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Queue } from './queue.js'

test('a queue does what an array does', () => {
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('push' as const, 'shift' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('unshift' as const, 'drain' as const, 'retain' as const) }),
    },
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 400, size: 'max' }), (acts) => {
      const queue = new Queue<number>()
      let model: number[] = []
      for (const [i, step] of acts.entries()) {
        if (step.do === 'push') {
          queue.push(i)
          model.push(i)
        } else if (step.do === 'unshift') {
          queue.unshift(i)
          model.unshift(i)
        } else if (step.do === 'shift') expect(queue.shift()).toBe(model.shift())
        else if (step.do === 'drain') {
          expect(queue.drain()).toEqual(model)
          model = []
        } else {
          queue.retain((each) => each % 3 !== 0)
          model = model.filter((each) => each % 3 !== 0)
        }
        expect([queue.length, queue.peek()]).toEqual([model.length, model[0]])
      }
    }),
  )
})
