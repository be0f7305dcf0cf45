import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../runtime/testing/index.js'
import { FloodGate } from './flood.js'

test('a client test of 1,000 calls in 5 s from one account passes', async () => {
  const clock = new VirtualClock()
  const gate = new FloodGate(clock)
  for (let call = 0; call < 1000; call++) {
    expect(gate.take('1', 'help.getConfig')).toBe(0)
    await clock.advance(5)
  }
})

test('the wait that is told is enough, and one second less is not', async () => {
  const clock = new VirtualClock()
  const gate = new FloodGate(clock)
  const rule = { burst: 1, perSecond: 0.25 }
  expect(gate.take('1', 'm', rule)).toBe(0)
  const wait = gate.take('1', 'm', rule)
  expect(wait).toBe(4)
  await clock.advance((wait - 1) * 1000)
  expect(gate.take('1', 'm', rule)).toBe(1)
  await clock.advance(1000)
  expect(gate.take('1', 'm', rule)).toBe(0)
})

test('whoever calls when, no more than burst + rate x time pass', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 20, maxLength: 200, size: 'max' }),
      async (pauses) => {
        const clock = new VirtualClock()
        const gate = new FloodGate(clock)
        let passed = 0
        for (const pauseMs of pauses) {
          if (gate.take('1', 'm', { burst: 5, perSecond: 2 }) === 0) passed++
          await clock.advance(pauseMs)
        }
        expect(passed).toBeLessThanOrEqual(5 + (clock.monotonic() / 1000) * 2)
      },
    ),
    { numRuns: 30 },
  )
})

test('accounts and methods do not share a limit', () => {
  const gate = new FloodGate(new VirtualClock())
  const rule = { burst: 1, perSecond: 1 }
  expect(gate.take('1', 'a', rule)).toBe(0)
  expect(gate.take('1', 'b', rule)).toBe(0)
  expect(gate.take('2', 'a', rule)).toBe(0)
  expect(gate.take('1', 'a', rule)).toBe(1)
})

test('the table is bounded, and forgets who was idle longest', () => {
  const gate = new FloodGate(new VirtualClock(), { buckets: 2 })
  const rule = { burst: 1, perSecond: 0.001 }
  gate.take('idle', 'm', rule)
  gate.take('busy', 'm', rule)
  gate.take('busy', 'm', rule)
  gate.take('new', 'm', rule)
  expect(gate.size).toBe(2)
  expect(gate.take('busy', 'm', rule)).toBeGreaterThan(0)
  expect(gate.take('idle', 'm', rule)).toBe(0)
})

test('one setting scales every rule', () => {
  const gate = new FloodGate(new VirtualClock(), { percent: 200 })
  const rule = { burst: 2, perSecond: 1 }
  const passed = Array.from({ length: 10 }, () => gate.take('1', 'm', rule)).filter((wait) => wait === 0)
  expect(passed).toHaveLength(4)
})

test('a call that cost as much as several is waited for by later ones, and for no longer than clients wait', async () => {
  const clock = new VirtualClock()
  const gate = new FloodGate(clock)
  const rule = { burst: 10, perSecond: 1 }
  const take = () => gate.take('1', 'm', rule)
  expect(take()).toBe(0)
  gate.spend('1', 'm', 4.9, rule)
  // Five are left.
  expect(Array.from({ length: 6 }, take)).toEqual([0, 0, 0, 0, 0, 1])
  await clock.advance(1_000)
  expect(take()).toBe(0)
  gate.spend('1', 'm', 1_000_000, rule)
  expect(take()).toBeLessThanOrEqual(11)
  gate.spend('1', 'm', 1_000_000, rule)
  await clock.advance(11_000)
  expect(take()).toBe(0)
  expect(gate.take('2', 'm', rule)).toBe(0)
})
