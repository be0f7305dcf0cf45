import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from './testing/index.js'
import { Alarm, TimerWheel } from './timer-wheel.js'

class Bell extends Alarm {
  readonly rung: number[] = []
  dropped = false
  readonly #clock: VirtualClock
  afterwards: () => void = () => undefined

  constructor(clock: VirtualClock) {
    super()
    this.#clock = clock
  }

  override ring(): void {
    this.rung.push(this.#clock.monotonic())
    this.afterwards()
  }

  override drop(): void {
    this.dropped = true
  }
}

function wheelOn(clock: VirtualClock) {
  const errors: unknown[] = []
  return { wheel: new TimerWheel(clock, (error) => errors.push(error)), errors }
}

describe('a timer wheel', () => {
  test('rings every alarm once, never early and at most a tick late, whatever was set, moved and cancelled (W1)', async () => {
    const step = fc.record({
      alarm: fc.nat(4),
      act: fc.constantFrom('set', 'cancel'),
      delayMs: fc.oneof(fc.nat(100), fc.nat(60_000), fc.constant(0), fc.constant(10_240)),
      waitMs: fc.oneof(fc.nat(30), fc.nat(20_000)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const clock = new VirtualClock()
        const { wheel } = wheelOn(clock)
        const bells = Array.from({ length: 5 }, () => new Bell(clock))
        const due = new Map<Bell, number>()
        const expected = new Map<Bell, number[]>(bells.map((bell) => [bell, []]))
        const passTo = (nowMs: number) => {
          for (const [bell, dueMs] of due) {
            if (dueMs > nowMs) continue
            expected.get(bell)?.push(dueMs)
            due.delete(bell)
          }
        }
        for (const { alarm, act, delayMs, waitMs } of steps) {
          const bell = bells[alarm] as Bell
          if (act === 'cancel') {
            wheel.cancel(bell)
            due.delete(bell)
          } else {
            wheel.set(bell, delayMs)
            due.set(bell, Math.max(clock.monotonic() + delayMs))
          }
          // Past the end of a tick, so that what is due has rung.
          const endMs = Math.floor((clock.monotonic() + waitMs) / 10) * 10 + 15
          await clock.advance(endMs - clock.monotonic())
          passTo(Math.floor(clock.monotonic() / 10) * 10)
        }
        for (const bell of bells) {
          const wanted = expected.get(bell) as number[]
          expect(bell.rung).toHaveLength(wanted.length)
          for (const [i, rungMs] of bell.rung.entries()) {
            expect(rungMs).toBeGreaterThanOrEqual(wanted[i] as number)
            expect(rungMs).toBeLessThan((wanted[i] as number) + 21)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('arms one timer of the clock, and none when nothing waits (W2)', async () => {
    const clock = new VirtualClock()
    const { wheel } = wheelOn(clock)
    for (let i = 0; i < 50; i++) wheel.set(new Bell(clock), 1_000 - i * 10)
    expect(clock.armed).toBe(1)
    await clock.advance(1_100)
    expect(clock.armed).toBe(0)
  })

  test('an alarm that is cancelled by another of the same tick does not ring', async () => {
    const clock = new VirtualClock()
    const { wheel } = wheelOn(clock)
    const [one, other] = [new Bell(clock), new Bell(clock)]
    one.afterwards = () => wheel.cancel(other)
    other.afterwards = () => wheel.cancel(one)
    wheel.set(one, 5)
    wheel.set(other, 5)
    await clock.advance(50)
    expect(one.rung.length + other.rung.length).toBe(1)
  })

  test('goes on when an alarm throws, and tells', async () => {
    const clock = new VirtualClock()
    const { wheel, errors } = wheelOn(clock)
    const [bad, good] = [new Bell(clock), new Bell(clock)]
    bad.afterwards = () => {
      throw new Error('cracked')
    }
    wheel.set(bad, 5)
    wheel.set(good, 5)
    await clock.advance(50)
    expect(good.rung).toHaveLength(1)
    expect(errors).toEqual([new Error('cracked')])
  })

  test('drops what waits when it stops, and what is set later', () => {
    const clock = new VirtualClock()
    const { wheel } = wheelOn(clock)
    const [before, after] = [new Bell(clock), new Bell(clock)]
    wheel.set(before, 5)
    wheel.stop()
    wheel.set(after, 5)
    expect([before.dropped, after.dropped, clock.armed]).toEqual([true, true, 0])
  })

  test('does not spin where a fraction of a millisecond rounds down the tick that its timer was set for (W2)', async () => {
    class CountingClock extends VirtualClock {
      timers = 0
      override setTimer(delayMs: number, fire: () => void) {
        if (++this.timers > 20) throw new Error('the wheel spins')
        return super.setTimer(delayMs, fire)
      }
    }
    const fraction = (max: number) => fc.nat(max * 7919).map((value) => value / 7919)
    await fc.assert(
      fc.asyncProperty(fraction(50), fraction(50), async (beforeMs, delayMs) => {
        const clock = new CountingClock()
        // Numbers are coarser from a power of two on: there sums are rounded.
        await clock.advance(2 ** 17 - beforeMs)
        const { wheel, errors } = wheelOn(clock)
        const bell = new Bell(clock)
        wheel.set(bell, delayMs)
        await clock.advance(delayMs + 21)
        expect(bell.rung).toHaveLength(1)
        expect(errors).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
