// `node scripts/count-results.mjs <test report> <verify report>`: prints "N passed, N failed" over both and exits with 1
// when anything failed, a report that is missing included.

import { readFileSync } from 'node:fs'

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    console.error(`No report at ${path}: ${error.message}`)
    return undefined
  }
}

/** Tests one by one; a file that could not even be loaded counts as one failure, and so does an error outside tests. */
function countTests(report) {
  if (report === undefined) return { passed: 0, failed: 1 }
  const results = report.testResults.flatMap((file) => file.assertionResults.map(({ status }) => status))
  const passed = results.filter((status) => status === 'passed').length
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  const failed = results.length - passed + unloaded.length
  return { passed, failed: failed === 0 && !(report.success && passed > 0) ? 1 : failed }
}

function countSteps(report) {
  if (report === undefined) return { passed: 0, failed: 1 }
  const failed = report.steps.filter(({ passed }) => !passed).length
  return { passed: report.steps.length - failed, failed }
}

const [testReport, verifyReport] = process.argv.slice(2)
const counts = [countTests(readReport(testReport)), countSteps(readReport(verifyReport))]
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
