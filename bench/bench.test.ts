/** Every scenario runs from end to end, at sizes at which its figures mean nothing, and leaves a result and a report. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import type { Result } from './report/result.js'
import { scenarios } from './scenarios.js'

const main = fileURLToPath(new URL('../dist/bench/main.js', import.meta.url))
const results = mkdtempSync(join(tmpdir(), 'heliograph-bench-test-'))
afterAll(() => rmSync(results, { recursive: true, force: true }))

const bench = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args, '--results', results])

test('--list names every scenario', async () => {
  const { stdout } = await bench('--list')
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
  ).toEqual(scenarios.map(({ name }) => name))
})

test('an unknown scenario is refused with the list', async () => {
  await expect(bench('no-such-thing')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('local-call') })
})

test.each(scenarios.map(({ name }) => name))(
  '%s finds figures, and writes them as JSON and as a page',
  async (name) => {
    await bench(name, '--quick')
    const files = readdirSync(results).filter((file) => file.startsWith(`${name}-2`))
    expect(files.map((file) => file.split('.').at(-1)).sort()).toEqual(['html', 'json'])
    const [page = '', json = ''] = files.sort().map((file) => readFileSync(join(results, file), 'utf8'))
    const result = JSON.parse(json) as Result
    expect(result).toMatchObject({ format: 1, scenario: name, scale: 'quick' })
    expect(result.figures.length).toBeGreaterThan(0)
    for (const { name: figure, value } of result.figures)
      expect([figure, Number.isFinite(value)]).toEqual([figure, true])
    expect(page).toContain('<svg')
    expect(page).not.toMatch(/(src|href)=|@import|url\(/)
  },
  120_000,
)
