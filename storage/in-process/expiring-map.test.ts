import { expect, test } from 'vitest'
import { VirtualClock } from '../../runtime/testing/index.js'
import { ExpiringMap } from './expiring-map.js'

function mapOf(bounds: { entries: number; bytes: number }, clock = new VirtualClock()) {
  return new ExpiringMap<string, string>(clock, bounds, (_, value) => value.length)
}

test('E1: an entry is there until its time is over, and not at that moment', async () => {
  const clock = new VirtualClock()
  const map = mapOf({ entries: 10, bytes: 100 }, clock)
  map.set('k', 'v', 1_000)
  await clock.advance(999)
  expect(map.get('k')).toBe('v')
  expect([...map.values()]).toEqual(['v'])
  await clock.advance(1)
  expect([...map.values()]).toEqual([])
  expect(map.get('k')).toBeUndefined()
  expect([map.size, map.bytes]).toEqual([0, 0])
})

test('E2: over the entries or the bytes the one set longest ago goes', () => {
  const map = mapOf({ entries: 3, bytes: 10 })
  for (const key of ['a', 'b', 'c']) map.set(key, 'x', 1_000)
  map.set('a', 'xx', 1_000)
  map.set('d', 'x', 1_000)
  expect(['a', 'b', 'c', 'd'].map((key) => map.get(key))).toEqual(['xx', undefined, 'x', 'x'])
  map.set('e', 'xxxxxxxx', 1_000)
  expect(['a', 'c', 'd', 'e'].map((key) => map.get(key))).toEqual([undefined, undefined, 'x', 'xxxxxxxx'])
  expect(map.bytes).toBe(9)
  map.set('f', 'x'.repeat(11), 1_000)
  expect([map.size, map.bytes]).toEqual([0, 0])
})
