import { expect, test } from 'vitest'
import { SealTurns } from './seal-turns.js'

const GIVERS = ['a', 'b', 'c']
const waits = (turns: ReadonlyMap<string, SealTurns>, givers: readonly string[], nowMs: number) =>
  givers.map((giver) => turns.get(giver)!.waitMs(givers, nowMs))
const all = () => new Map(GIVERS.map((giver) => [giver, new SealTurns(giver, 300)]))
const sealed = (turns: ReadonlyMap<string, SealTurns>, by: string, nowMs: number) => {
  for (const each of turns.values()) each.sealed(by, nowMs)
}

test('each has its turn after the seal of the one before it, round and round', () => {
  const turns = all()
  expect(waits(turns, GIVERS, 1_000)).toEqual([0, 300, 600])
  for (const [nth, by] of ['a', 'b', 'c', 'a'].entries()) {
    sealed(turns, by, 1_050 + nth)
    const next = (GIVERS.indexOf(by) + 1) % 3
    expect(waits(turns, GIVERS, 1_050 + nth)).toEqual(GIVERS.map((_, at) => ((at - next + 3) % 3) * 300))
  }
})

test('who does not come to its seal is waited for so long, and who has nothing left is not', () => {
  const turns = all()
  waits(turns, GIVERS, 0)
  sealed(turns, 'a', 100)
  expect(waits(turns, GIVERS, 399)).toEqual([301, 0, 1])
  expect(waits(turns, GIVERS, 400)).toEqual([300, 0, 0])
  expect(waits(turns, ['a', 'c'], 150)).toEqual([250, 0])
})

test('who gives alone waits for nobody, and a later giving begins anew', () => {
  const turns = all()
  waits(turns, GIVERS, 0)
  sealed(turns, 'b', 100)
  expect(turns.get('a')!.waitMs(['a'], 200)).toBe(0)
  expect(turns.get('b')!.waitMs(['a', 'c'], 200), 'what it gives nobody is to get').toBe(0)
  for (const each of turns.values()) each.waitMs([], 5_000)
  expect(waits(turns, GIVERS, 9_000)).toEqual([0, 300, 600])
})
