import { expect, test } from 'vitest'
import { waitUntil } from './wait-until.js'

test('gives what the condition gave, as soon as it gives something', async () => {
  let asked = 0
  expect(await waitUntil('it comes', () => (++asked < 3 ? undefined : { asked }))).toEqual({ asked: 3 })
})

test('what is thrown counts as not yet, and is told when it never comes', async () => {
  const failure = await waitUntil('it works', () => Promise.reject(new Error('refused')), 30).catch((error) => error)
  expect(failure.message).toBe('Not within 30 ms: it works')
  expect(failure.cause.message).toBe('refused')
  expect(failure.stack).toContain('wait-until.test.ts')
})
