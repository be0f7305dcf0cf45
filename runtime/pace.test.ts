import { expect, test } from 'vitest'
import { Pace } from './pace.js'
import { VirtualClock } from './testing/index.js'

/** Reads pieces until it has read `entries`; notes each piece in `log`. */
async function read(pace: Pace, name: string, entries: number, log: string[]): Promise<void> {
  const reading = pace.reading()
  for (let done = 0; done < entries; done += 128) {
    const mustWait = reading.mayRead()
    if (mustWait) await mustWait
    reading.hasRead(128)
    log.push(name)
  }
}

test('a short read waits for nobody, however many long ones wait (E1, E2)', async () => {
  const clock = new VirtualClock()
  const pace = new Pace(clock)
  const log: string[] = []
  const long = ['a', 'b', 'c'].map((name) => read(pace, name, 128 * 6, log))
  expect(log.join('')).toBe('aabbcc')
  await read(pace, 's', 256, log)
  expect(log.join('')).toBe('aabbccss')
  await clock.advance(10)
  await Promise.all(long)
  // One after the other, in the order in which they came, each a piece at a time.
  expect(log.join('').slice(8)).toBe('aabbccaabbcc')
})

test('between two pieces everything else has its turn (E2)', async () => {
  const clock = new VirtualClock()
  const pace = new Pace(clock)
  const log: string[] = []
  const done = Promise.all([read(pace, 'a', 128 * 4, log), read(pace, 'b', 128 * 4, log)])
  clock.setTimer(0, () => log.push('|'))
  await clock.advance(5)
  await done
  expect(log.join('')).toBe('aabbaa|bb')
})
