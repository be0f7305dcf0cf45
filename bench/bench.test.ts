/** Every scenario runs from end to end, at sizes at which its figures mean nothing, and leaves a result and a report. */
import { expect, test } from 'vitest'
import { scenarios } from './scenarios.js'
import { bench, findsFigures } from './testing/bench-process.js'

test('--list names every scenario', async () => {
  const { stdout } = await bench(['--list'])
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
  ).toEqual(scenarios.map(({ name }) => name))
})

test('an unknown scenario is refused with the list', async () => {
  await expect(bench(['no-such-thing'])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('local-call'),
  })
})

test.each(scenarios.filter(({ needs }) => needs === undefined).map(({ name }) => name))(
  '%s finds figures, and writes them as JSON and as a page',
  (name) => findsFigures(name),
  120_000,
)
