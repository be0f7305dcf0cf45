// `npm test [-- vitest's arguments]`: installs, generates, builds, runs the tests.

import { prepare } from './prepare.mjs'
import { main, runBin } from './project.mjs'

/** Where the machine-readable result of the last run lies, relative to the root. */
export const reportPath = '.heliograph/test-report.json'

await main(async () => {
  await prepare({ dev: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`]
  await runBin('tests (vitest)', 'vitest', ['run', ...reporters, ...process.argv.slice(2)])
})
