import { expect, test } from 'vitest'
import { VirtualClock } from '../../runtime/testing/index.js'
import { TurnWatch } from './turn-watch.js'

const turn = (actor: string, more: { traceId?: string; method?: string; runMs?: number; waitMs?: number } = {}) => {
  return { actor, method: 'post', traceId: 't', waitMs: 1, runMs: 1, failed: false, ...more }
}

test('the turns of a request and of an actor are found, oldest first, with the time at which they ended', async () => {
  const clock = new VirtualClock(1_000)
  const watch = new TurnWatch(clock, 'n1')
  watch.saw(turn('chat/p1-2', { traceId: 'a' }))
  await clock.advance(5)
  watch.saw(turn('user/1', { traceId: 'a', method: 'deliver' }))
  watch.saw(turn('chat/p1-2', { traceId: 'b' }))
  expect(watch.trace('a', 10).map(({ actor, atMs, node }) => [actor, atMs, node])).toEqual([
    ['chat/p1-2', 1_000, 'n1'],
    ['user/1', 1_005, 'n1'],
  ])
  expect(watch.turnsOf('chat/p1-2', 1).map(({ traceId }) => traceId)).toEqual(['b'])
})

test('only the last turns are kept', () => {
  const watch = new TurnWatch(new VirtualClock(), 'n1', { keptTurns: 4 })
  for (let i = 0; i < 10; i++) watch.saw(turn(`user/${i}`, { traceId: String(i) }))
  expect(Array.from({ length: 10 }, (_, i) => watch.trace(String(i), 9).length)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
  expect(watch.hot(10).map(({ key }) => key)).toEqual(['9', '8', '7', '6'])
})

test('who is busiest comes first, as a share of the last seconds; who was busy before is forgotten', async () => {
  const clock = new VirtualClock()
  const watch = new TurnWatch(clock, 'n1')
  for (let ms = 0; ms < 10_000; ms += 100) {
    watch.saw(turn('chat/p1-2', { runMs: 50, waitMs: 4 }))
    watch.saw(turn('user/1', { runMs: 10 }))
    await clock.advance(100)
  }
  const [first, second] = watch.hot(5)
  expect([first?.kind, first?.key, second?.key]).toEqual(['chat', 'p1-2', '1'])
  expect(first?.busy).toBeCloseTo(0.5, 1)
  expect(first?.turnsPerSecond).toBeCloseTo(10, 0)
  expect(first?.waitMs).toBeCloseTo(4)
  expect(watch.hot(5, 'user').map(({ key }) => key)).toEqual(['1'])
  await clock.advance(20_000)
  expect(watch.hot(5)).toEqual([])
})
