import { expect, test } from 'vitest'
import { SeededRandom, VirtualClock } from '../../runtime/testing/index.js'
import { openCaches } from '../../storage/index.js'
import { FloodGate } from './flood.js'
import type { RateStore } from './flood-sharing.js'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** The counter as it is, which a test can take away. */
function ratesOn(clock: VirtualClock) {
  const { rates } = openCaches({ clock, random: new SeededRandom(1), log })
  const store = {
    isAway: false,
    told: 0,
    add(uses: Parameters<RateStore['add']>[0]) {
      store.told += uses.length
      return store.isAway ? Promise.resolve(uses.map(() => undefined)) : rates.add(uses)
    },
  }
  return store
}

/** Calls as often as it can on each of several gateways, for so long; gives how many passed. */
async function hammer(clock: VirtualClock, gates: readonly FloodGate[], seconds: number, rule: typeof tenASecond) {
  let passed = 0
  for (let step = 0; step < seconds * 20; step++) {
    for (const gate of gates) for (let call = 0; call < 5; call++) if (gate.take('1', 'm', rule) === 0) passed++
    await clock.advance(50)
  }
  return passed
}

const tenASecond = { burst: 20, perSecond: 10 }

test('F1: a limit comes to hold over four gateways together', async () => {
  const clock = new VirtualClock()
  const rates = ratesOn(clock)
  const gates = [1, 2, 3, 4].map(() => new FloodGate(clock, {}, rates))
  await hammer(clock, gates, 10, tenASecond)
  const passed = await hammer(clock, gates, 60, tenASecond)
  expect(passed).toBeGreaterThan(0.8 * 600)
  expect(passed).toBeLessThan(1.2 * 600)
  for (const gate of gates) gate.stop()
})

test('F2: when the counter is away the limit holds on each by itself, and together again when it is back', async () => {
  const clock = new VirtualClock()
  const rates = ratesOn(clock)
  rates.isAway = true
  const gates = [1, 2].map(() => new FloodGate(clock, {}, rates))
  const apart = await hammer(clock, gates, 60, tenASecond)
  expect(apart).toBeGreaterThan(0.9 * 2 * 600)
  expect(apart).toBeLessThanOrEqual(2 * (20 + 600))
  rates.isAway = false
  await hammer(clock, gates, 10, tenASecond)
  expect(await hammer(clock, gates, 60, tenASecond)).toBeLessThan(1.2 * 600)
  for (const gate of gates) gate.stop()
})

test('F3: who is far below a limit is not told of; who makes one call that may be made once a minute is', async () => {
  const clock = new VirtualClock()
  const rates = ratesOn(clock)
  const gate = new FloodGate(clock, {}, rates)
  for (let second = 0; second < 10; second++) {
    gate.take('1', 'often')
    await clock.advance(1_000)
  }
  expect(rates.told).toBe(0)
  gate.take('1', 'seldom', { burst: 3, perSecond: 1 / 60 })
  await clock.advance(1_000)
  expect(rates.told).toBe(1)
  gate.stop()
})

test('a gateway that nobody else shares a limit with lets through what it would alone', async () => {
  const clock = new VirtualClock()
  const alone = new FloodGate(clock)
  const shared = new FloodGate(clock, {}, ratesOn(clock))
  expect(await hammer(clock, [shared], 30, tenASecond)).toBeCloseTo(await hammer(clock, [alone], 30, tenASecond), -1.5)
  shared.stop()
})
