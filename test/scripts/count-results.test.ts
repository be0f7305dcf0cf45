import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/count-results.mjs', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function count(tests: object | undefined, steps: readonly boolean[] | undefined) {
  const paths = [join(folder, 'tests.json'), join(folder, 'steps.json')] as const
  if (tests) writeFileSync(paths[0], JSON.stringify(tests))
  if (steps) writeFileSync(paths[1], JSON.stringify({ steps: steps.map((passed) => ({ name: 'x', passed })) }))
  const { stdout, status } = spawnSync(process.execPath, [script, ...paths], { encoding: 'utf8' })
  return { last: stdout.trimEnd().split('\n').at(-1), status }
}

const file = (...statuses: string[]) => ({
  status: statuses.every((status) => status === 'passed') && statuses.length > 0 ? 'passed' : 'failed',
  assertionResults: statuses.map((status) => ({ status })),
})
const report = (...testResults: ReturnType<typeof file>[]) => ({
  success: testResults.every(({ status }) => status === 'passed'),
  testResults,
})

test.each([
  ['all well', report(file('passed', 'passed'), file('passed')), [true], '4 passed, 0 failed', 0],
  ['a test failed', report(file('passed', 'failed')), [true], '2 passed, 1 failed', 1],
  ['a test did not run', report(file('passed', 'skipped')), [true], '2 passed, 1 failed', 1],
  ['a file could not be loaded', report(file('passed'), file()), [true], '2 passed, 1 failed', 1],
  ['a check failed', report(file('passed')), [true, false], '2 passed, 1 failed', 1],
  ['an error outside of tests', { ...report(file('passed')), success: false }, [true], '2 passed, 1 failed', 1],
  ['no test at all', report(), [true], '1 passed, 1 failed', 1],
  ['no report of tests', undefined, [true], '1 passed, 1 failed', 1],
  ['no report of checks', report(file('passed')), undefined, '1 passed, 1 failed', 1],
])('%s', (_, tests, steps, last, status) => {
  expect(count(tests, steps)).toEqual({ last, status })
})
