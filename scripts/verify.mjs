// `npm run verify`: format, lint, types, dead code, import direction, tests. Every step runs even when one before it
// failed, and those that failed are named at the end. `--no-tests` leaves out the tests, for those who just ran them.

import { mkdirSync, writeFileSync } from 'node:fs'
import { prepare } from './prepare.mjs'
import { main, root, run, runBin, StepFailed } from './project.mjs'

const steps = [
  ['format (biome)', (name) => runBin(name, 'biome', ['format', '.'])],
  ['lint (biome)', (name) => runBin(name, 'biome', ['lint', '--error-on-warnings', '.'])],
  ['types (tsc)', (name) => runBin(name, 'tsc', ['--noEmit', '-p', 'tsconfig.json'])],
  ['dead code (knip)', (name) => runBin(name, 'knip', [])],
  ['import direction (test/tidy)', (name) => runBin(name, 'vitest', ['run', 'test/tidy'])],
]
const tests = ['tests (vitest)', (name) => run(name, process.execPath, ['scripts/test.mjs'])]

async function passes(name, step) {
  console.log(`\n== ${name}`)
  try {
    await step(name)
    return true
  } catch (error) {
    if (error instanceof StepFailed) return false
    throw error
  }
}

await main(async () => {
  await prepare({ dev: true })
  const results = []
  for (const [name, step] of process.argv.includes('--no-tests') ? steps : [...steps, tests])
    results.push({ name, passed: await passes(name, step) })

  mkdirSync(`${root}.heliograph`, { recursive: true })
  writeFileSync(`${root}.heliograph/verify-report.json`, JSON.stringify({ steps: results }))
  const failed = results.filter(({ passed }) => !passed).map(({ name }) => name)
  if (failed.length > 0) throw new StepFailed(failed.join(', '), 1)
  console.log('\nAll steps passed.')
})
