/** Invariant 7 is watched: a queue or cache beyond its limit is named, and one within it is not. */
import { describe, expect, test } from 'vitest'
import type { ActorSystem } from '../runtime/index.js'
import { Bounds } from './bounds.js'
import { Dice } from './dice.js'
import { drawSettings } from './settings.js'
import { simulate } from './simulate.js'

const BUSY = 40

function bounds(limits: { residentActors: number; inFlightCalls: number }, health = { waitMs: 0, residents: 0 }) {
  const watched = new Bounds({ ...drawSettings(new Dice(1, 'settings')), ...limits })
  const { waitMs, residents } = health
  watched.startsAnew({ health: { oldestWaitMs: () => waitMs, residents: () => residents } } as unknown as ActorSystem)
  return watched
}

const small = { residentActors: 2, inFlightCalls: 3 }

describe('the bounds of a node', () => {
  test('hold while queues and caches are as large as they may be', () => {
    const watched = bounds(small, { waitMs: 0, residents: 2 })
    for (let i = 0; i < small.inFlightCalls + BUSY; i++) watched.queueDepth('user', 1)
    for (let i = 0; i < small.residentActors + BUSY; i++) watched.activation('user', 1)
    for (let i = 0; i < small.inFlightCalls + BUSY; i++) watched.queueDepth('user', -1)
    watched.checkQuiet()
    expect(watched.broken).toEqual([])
  })

  test('are broken by one call, or one actor, too many', () => {
    const calls = bounds(small)
    for (let i = 0; i <= small.inFlightCalls + BUSY; i++) calls.queueDepth('user', 1)
    expect(calls.broken).toEqual([expect.stringContaining('44 calls wait on the node, 43 may')])
    const actors = bounds(small)
    for (let i = 0; i <= small.residentActors + BUSY; i++) actors.activation('user', 1)
    expect(actors.broken).toEqual([expect.stringContaining('43 actors are in memory, 42 may be')])
  })

  test('count each call back out, once', () => {
    const watched = bounds(small)
    watched.queueDepth('user', -1)
    expect(watched.broken).toEqual([expect.stringContaining('-1 calls')])
  })

  test('tell what is left when nothing goes on any more', () => {
    const watched = bounds(small, { waitMs: 7, residents: 3 })
    watched.queueDepth('user', 1)
    watched.checkQuiet()
    expect(watched.broken).toHaveLength(3)
  })

  test('begin anew with each process: what waited in the one before is gone with it', () => {
    const watched = bounds(small)
    watched.queueDepth('user', 1)
    watched.startsAnew({ health: { oldestWaitMs: () => 0, residents: () => 0 } } as unknown as ActorSystem)
    watched.checkQuiet()
    expect(watched.broken).toEqual([])
  })
})

/** Worlds in which every limit is small enough to be met. */
const tight = {
  residentActors: 1,
  mailboxCalls: 5,
  inFlightCalls: 8,
  unflushedBatches: 2,
  pendingChanges: 1,
  appendItems: 1,
  keptEntries: 1,
  totalLimit: 5,
  crashes: 1,
}

test('a world whose limits are all tiny keeps every invariant', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const { violations } = await simulate({ seed, settings: tight })
    expect(violations, `seed ${seed}`).toEqual([])
  }
})
