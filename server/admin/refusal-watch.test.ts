import { expect, test } from 'vitest'
import { VirtualClock } from '../../runtime/testing/index.js'
import { RefusalWatch } from './refusal-watch.js'

test('what a node refused within five seconds is one event; what was refused before, or by a move, is none', async () => {
  const clock = new VirtualClock()
  const said: string[] = []
  const refused = new Map([['OVERLOADED', 7]])
  const events = {
    say: (_: string, text: string) => void said.push(text),
    recent: () => [],
    onEvent: () => () => undefined,
  }
  const watch = new RefusalWatch({ self: 'n1', events }, clock, () => new Map(refused))
  watch.start()
  await clock.advance(6_000)
  expect(said).toEqual([])
  refused.set('OVERLOADED', 10).set('gateway', 4).set('NOT_OWNER', 99)
  await clock.advance(20_000)
  expect(said).toEqual(['n1 refused calls within 5 s: 4 at the gateway, 3 OVERLOADED'])
  watch.stop()
})
