/** A slow kind of actor leaves room for others (dispatcher.ts, X2). */
import { expect, test } from 'vitest'
import { actorType, errorCode, implement, numberKey } from './index.js'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { settled, testSystem } from './testing/index.js'

interface Echo {
  echo(n: number): Promise<number>
  late(n: number): Promise<number>
}
const Echo = actorType<Echo, number>('echo', { methods: { echo: 'turn', late: 'turn' }, ...numberKey })

function world(inFlightCalls: number) {
  const gates = new Gates()
  const echo = implement<{ contract: Echo; id: number; state: null; entry: never; memory: undefined }>({
    type: Echo,
    state: { version: 1, initial: () => null, apply: (state) => state },
    methods: {
      echo: (_turn, n) => n,
      async late(_turn, n) {
        await gates.pass(`late ${n}`)
        return n
      },
    },
  })
  const { system, clock } = testSystem([counterActor(gates), echo], { limits: { inFlightCalls } })
  return { system, clock, gates }
}

test('a slow kind is refused with OVERLOADED once it has three quarters of the node; others go on', async () => {
  const { system, clock } = world(100)
  const slow = Array.from({ length: 100 }, (_, id) => system.ref(Counter, id).waitFor('never').catch(errorCode))
  await settled()
  const others = Array.from({ length: 15 }, (_, id) => system.ref(Echo, id).echo(id))
  expect(await Promise.all(others)).toEqual(others.map((_, id) => id))
  await clock.advance(20_000)
  const ends = await Promise.all(slow)
  expect(ends.filter((end) => end === 'OVERLOADED')).toHaveLength(25)
  expect(ends.filter((end) => end === 'OUTCOME_UNKNOWN')).toHaveLength(75)
})

test('two slow kinds leave room still, and what has ended counts no more', async () => {
  const { system, clock } = world(70)
  const refused: unknown[] = []
  const note = (error: unknown) => refused.push(errorCode(error))
  for (let n = 0; n < 70; n++) {
    system.ref(Counter, n).waitFor('never').catch(note)
    system.ref(Echo, n).late(n).catch(note)
  }
  await settled()
  // Each has three times of the room that is left: 30 + 30 + 10.
  expect(refused).toEqual(Array.from({ length: 80 }, () => 'OVERLOADED'))
  await clock.advance(20_000)
  expect(await system.ref(Echo, 1_000).echo(7)).toBe(7)
})
