// `npm test [-- vitest's arguments]`: installs, generates, builds, starts the real servers that tests need, runs the
// tests. `npm run test:quick` leaves out the servers and the tests that need one (`*.server.test.ts`).
//
// Servers that ran before are used and left running; those that were started here are stopped at the end.

import { prepare } from './prepare.mjs'
import { main, runBin } from './project.mjs'
import { catalog, testServices } from './services/catalog.mjs'
import { DaemonFailed } from './services/daemon.mjs'
import { NotInstalled } from './services/installation.mjs'
import { defaultServicesDir, withoutPassword } from './services/places.mjs'
import { down, up } from './services/service.mjs'

/** Where the machine-readable result of the last run lies, relative to the root. */
export const reportPath = '.heliograph/test-report.json'

const serverTests = '**/*.server.test.ts'

async function withServers(body) {
  const dir = defaultServicesDir()
  const startedHere = []
  // Ctrl-C reaches the test runner too: this process waits for its end and then stops what it started.
  process.on('SIGINT', () => {})
  try {
    for (const service of testServices.map((name) => catalog.get(name))) {
      const { record, started } = await up(dir, service)
      if (started > 0) startedHere.unshift(service)
      console.log(`${service.name}: ${withoutPassword(record.url)}`)
    }
    await body()
  } finally {
    for (const service of startedHere) await down(dir, service)
  }
}

await main(async () => {
  const isQuick = process.argv.includes('--quick')
  const args = process.argv.slice(2).filter((each) => each !== '--quick')
  await prepare({ dev: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`]
  const runTests = (...more) => runBin('tests (vitest)', 'vitest', ['run', ...reporters, ...more, ...args])
  if (isQuick) await runTests('--exclude', serverTests)
  else await withServers(runTests).catch(sayWhatIsMissing)
})

/** Without its servers nothing was tested: that fails, with a line that tells the cure. */
function sayWhatIsMissing(error) {
  if (!(error instanceof NotInstalled) && !(error instanceof DaemonFailed)) throw error
  console.error(error.message)
  process.exitCode = 1
}
