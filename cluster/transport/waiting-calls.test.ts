import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CallOutcome } from '../../runtime/index.js'
import { WaitingCalls } from './waiting-calls.js'

const nobody = (): CallOutcome => ({ answered: () => undefined, failed: () => undefined })

test('N1: a number that was given up is never given again, and its late answer reaches nobody', () => {
  const waiting = new WaitingCalls()
  const late = waiting.add(nobody(), 10)!
  expect(waiting.overdue(10)).toEqual([late])
  expect(waiting.giveUp(late)).toBeDefined()
  const next = nobody()
  const id = waiting.add(next, 20)!
  expect(id).not.toBe(late)
  expect(waiting.take(late)).toBeUndefined()
  expect(waiting.take(id)).toBe(next)
})

test('N2: places of answered calls are used again', () => {
  const waiting = new WaitingCalls()
  for (let call = 0; call < 1_000; call++) expect(waiting.take(waiting.add(nobody(), 0)!)).toBeDefined()
  expect(waiting.add(nobody(), 0)).toBe(0)
})

test('every outcome is found by its number, once, in any order (against a model)', () => {
  const step = fc.record({ what: fc.constantFrom('add', 'take', 'giveUp', 'again'), at: fc.nat(), untilMs: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const waiting = new WaitingCalls()
      const model = new Map<number, { outcome: CallOutcome; untilMs: number }>()
      const over: number[] = []
      for (const { what, at, untilMs } of steps) {
        const id = [...model.keys()][at % model.size]
        if (what === 'add') {
          const outcome = nobody()
          const given = waiting.add(outcome, untilMs)!
          expect(model.has(given)).toBe(false)
          model.set(given, { outcome, untilMs })
        } else if (what === 'again') {
          const ended = over[at % over.length]
          if (ended !== undefined && !model.has(ended)) expect(waiting.take(ended)).toBeUndefined()
        } else if (id !== undefined) {
          expect(what === 'take' ? waiting.take(id) : waiting.giveUp(id)).toBe(model.get(id)?.outcome)
          model.delete(id)
          over.push(id)
        }
        expect(waiting.size).toBe(model.size)
      }
      const overdue = [...model].filter((each) => each[1].untilMs <= 25).map(([id]) => id)
      expect(waiting.overdue(25).sort()).toEqual(overdue.sort())
    }),
  )
})
