// `npm run verify`: format, lint, types, dead code, import direction, tests. Every step runs even when one before it
// failed, and those that failed are named at the end. `--no-tests` leaves the tests out, for those who just ran them.

import { prepare } from './prepare.mjs'
import { main, run, runBin, StepFailed } from './project.mjs'

const steps = [
  ['format (biome)', () => runBin('format', 'biome', ['format', '.'])],
  ['lint (biome)', () => runBin('lint', 'biome', ['lint', '--error-on-warnings', '.'])],
  ['types (tsc)', () => runBin('types', 'tsc', ['--noEmit', '-p', 'tsconfig.json'])],
  ['dead code (knip)', () => runBin('dead code', 'knip', [])],
  ['import direction and tidiness (test/tidy)', () => runBin('tidy', 'vitest', ['run', 'test/tidy'])],
]
const tests = ['tests (vitest)', () => run('tests', process.execPath, ['scripts/test.mjs'])]

await main(async () => {
  await prepare({ dev: true })
  const failed = []
  for (const [name, step] of process.argv.includes('--no-tests') ? steps : [...steps, tests]) {
    console.log(`\n== ${name}`)
    try {
      await step()
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      failed.push(name)
    }
  }
  if (failed.length > 0) throw new StepFailed(failed.join(', '), 1)
  console.log('\nAll steps passed.')
})
