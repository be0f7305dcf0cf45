import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect } from 'vitest'
import type { Result } from '../report/result.js'

const main = fileURLToPath(new URL('../../dist/bench/main.js', import.meta.url))
const results = mkdtempSync(join(tmpdir(), 'heliograph-bench-test-'))
afterAll(() => rmSync(results, { recursive: true, force: true }))

/** Runs the built harness; rejects with its exit code and what it said. */
export function bench(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const options = { env: { ...process.env, ...environment } }
  return promisify(execFile)(process.execPath, [main, ...args, '--results', results], options)
}

/** Runs a scenario at its quick size and holds its result and its page to what every scenario promises. */
export async function findsFigures(name: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  await bench([name, '--quick'], environment)
  const files = readdirSync(results).filter((file) => file.startsWith(`${name}-2`))
  expect(files.map((file) => file.split('.').at(-1)).sort()).toEqual(['html', 'json'])
  const [page = '', json = ''] = files.sort().map((file) => readFileSync(join(results, file), 'utf8'))
  const result = JSON.parse(json) as Result
  expect(result).toMatchObject({ format: 1, scenario: name, scale: 'quick' })
  expect(result.figures.length).toBeGreaterThan(0)
  for (const { name: figure, value } of result.figures) expect([figure, Number.isFinite(value)]).toEqual([figure, true])
  expect(page).toContain('<svg')
  expect(page).not.toMatch(/(src|href)=|@import|url\(/)
}
