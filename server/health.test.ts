import { expect, test } from 'vitest'
import { createHealth, type HealthSources } from './health.js'

/** Time that moves only when told. */
function handClock() {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; fire: () => void }>()
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    setTimer(delayMs: number, fire: () => void) {
      const timer = { atMs: nowMs + delayMs, fire }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(byMs: number) {
      nowMs += byMs
      for (const timer of [...timers].filter(({ atMs }) => atMs <= nowMs)) {
        timers.delete(timer)
        timer.fire()
      }
    },
    pending: () => timers.size,
  }
}

function healthWith(changes: Partial<HealthSources> = {}) {
  const clock = handClock()
  return { clock, health: createHealth({ clock, oldestWaitMs: () => 0, storeAnswers: async () => {}, ...changes }) }
}

test('an idle server is alive, and ready only between listening and stopping', async () => {
  const { health } = healthWith()
  expect(health.live().ok).toBe(true)
  expect(await health.ready()).toMatchObject({ ok: false, checks: { listeners: 'starting' } })
  health.listening()
  expect((await health.ready()).ok).toBe(true)
  health.stopping()
  expect(await health.ready()).toMatchObject({ ok: false, checks: { listeners: 'stopping' } })
  expect(health.live().ok).toBe(true)
})

test('a stop that began before everything listened stays a stop', async () => {
  const { health } = healthWith()
  health.stopping()
  health.listening()
  expect((await health.ready()).ok).toBe(false)
})

test('turns that do not end make it unwell', () => {
  let oldestWaitMs = 20_000
  const { health } = healthWith({ oldestWaitMs: () => oldestWaitMs })
  expect(health.live().ok).toBe(true)
  oldestWaitMs = 70_000
  expect(health.live().checks.turns).toContain('70000 ms')
})

test('an event loop that stalled makes it unwell until it comes round in time again', () => {
  const { health, clock } = healthWith()
  clock.advance(30_000)
  expect(health.live().ok).toBe(false)
  clock.advance(1_000)
  expect(health.live().ok).toBe(true)
})

test('a store that fails or is silent makes it not ready', async () => {
  const failing = healthWith({ storeAnswers: () => Promise.reject(new Error('disk full')) })
  failing.health.listening()
  expect((await failing.health.ready()).checks.store).toBe('disk full')

  const silent = healthWith({ storeAnswers: () => new Promise(() => {}) })
  silent.health.listening()
  const ready = silent.health.ready()
  silent.clock.advance(2_000)
  expect((await ready).checks.store).toBe('no answer in 2000 ms')
})

test('closed, it keeps no timer', () => {
  const { health, clock } = healthWith()
  health.close()
  expect(clock.pending()).toBe(0)
})
