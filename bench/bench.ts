import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reportHtml } from './report/html.js'
import { type Result, resultOf } from './report/result.js'
import type { Run, Scale, Scenario } from './scenario.js'

export interface BenchOptions {
  readonly scale: Scale
  /** Where the JSON result and the HTML report go. */
  readonly resultsDir: string
  progress(text: string): void
}

export interface Finished {
  readonly result: Result
  readonly jsonPath: string
  readonly htmlPath: string
}

/** Runs a scenario and writes what it found; what it started is ended and what it wrote to disk removed, whatever happens. */
export async function bench(scenario: Scenario, { scale, resultsDir, progress }: BenchOptions): Promise<Finished> {
  const startedAt = new Date()
  const started = performance.now()
  const scratch = mkdtempSync(join(tmpdir(), 'heliograph-bench-'))
  const ends: (() => void | Promise<void>)[] = [() => rmSync(scratch, { recursive: true, force: true })]
  const run: Run = {
    scale,
    sized: (sizes) => (scale === 'full' ? (sizes.full ?? sizes.normal) : sizes[scale]),
    progress: (text) => progress(`${scenario.name}: ${text}`),
    scratch,
    onEnd: (end) => void ends.unshift(end),
  }
  try {
    const outcome = await scenario.run(run)
    const tookSeconds = (performance.now() - started) / 1000
    return written(resultOf(scenario, scale, startedAt, tookSeconds, outcome), resultsDir)
  } finally {
    for (const end of ends) await end()
  }
}

function written(result: Result, resultsDir: string): Finished {
  mkdirSync(resultsDir, { recursive: true })
  const path = join(resultsDir, `${result.scenario}-${result.startedAt.replaceAll(/[:.]/g, '-')}`)
  writeFileSync(`${path}.json`, `${JSON.stringify(result, null, 2)}\n`)
  writeFileSync(`${path}.html`, reportHtml(result))
  return { result, jsonPath: `${path}.json`, htmlPath: `${path}.html` }
}
