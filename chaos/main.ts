// `npm run chaos -- <experiment ...> [--full]`, `list`, or `all`.

import { execFileSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../test/harness/project-root.js'
import type { Experiment } from './experiment.js'
import { experiments } from './experiments.js'
import { writeReport } from './report/write.js'
import { brokenBounds, limitOf, type Result } from './result.js'
import { run } from './run.js'

const usage = `npm run chaos -- <experiment ...>, or: list, all
  --full          the long form
  --people <n>    clients that send, besides one GramJS (3)
  --every <ms>    from one message of each in each chat to the next (1500)
  --keep          keeps logs and data of the nodes
  --log-level <l> of the nodes (info)
  --previous <r>  the commit or tag that rolling-upgrade starts from
  --results <dir> where reports go (default: .heliograph/chaos)`

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      people: { type: 'string', default: '3' },
      every: { type: 'string', default: '1500' },
      keep: { type: 'boolean', default: false },
      'log-level': { type: 'string', default: 'info' },
      previous: { type: 'string' },
      results: { type: 'string', default: join(projectRoot(), '.heliograph/chaos') },
    },
  })
  return {
    ...values,
    logLevel: values['log-level'],
    people: Number(values.people),
    everyMs: Number(values.every),
    names: positionals,
  }
}

function list(): string {
  const width = Math.max(...experiments.map(({ name }) => name.length))
  return experiments.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')
}

function chosen(names: readonly string[]): readonly Experiment[] | undefined {
  if (names.includes('all')) return experiments
  const found = names.flatMap((name) => experiments.filter((each) => each.name === name))
  return found.length === names.length && found.length > 0 ? found : undefined
}

/** Those that are shared with the tests; what an experiment disturbs it starts for itself. */
function startServers(): void {
  const args = ['scripts/services.mjs', 'up', 'cassandra', 'postgres']
  execFileSync(process.execPath, args, { cwd: projectRoot(), stdio: 'inherit' })
}

function told(result: Result): string {
  const width = Math.max(...result.bounds.map(({ name }) => name.length))
  const broken = brokenBounds(result)
  const lines = result.bounds.map((bound) => {
    const limited = limitOf(bound)
    const mark = limited === undefined ? ' ' : broken.includes(bound) ? '✗' : '✓'
    const limit = limited === undefined ? '' : `  (${limited})`
    return `  ${mark} ${bound.name.padEnd(width)}  ${Math.round(bound.value)} ${bound.unit}${limit}`
  })
  const { violations, refusals, failures, notes } = result
  const some = (texts: readonly string[]) => texts.slice(0, 5).map((text) => `    ${text}`)
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of).map(([text, count]) => `    ${count} x ${text}`)
  return [
    ...lines,
    ...some([...violations.lost, ...violations.twice, ...violations.disordered]),
    ...counts(failures),
    ...counts(refusals),
    ...notes.map((note) => `    ${note}`),
  ].join('\n')
}

async function main(): Promise<number> {
  const { names, full, people, everyMs, keep, logLevel, previous, results } = options()
  if (names.includes('list')) {
    console.log(list())
    return 0
  }
  const wanted = chosen(names)
  if (wanted === undefined || !(people >= 1 && people <= 6) || !(everyMs >= 10)) {
    console.error(`${usage}\n\n${list()}`)
    return 1
  }
  startServers()
  let isBroken = false
  for (const experiment of wanted) {
    const progress = (text: string) =>
      console.error(`${(performance.now() / 1000).toFixed(1)} ${experiment.name}: ${text}`)
    const settings = { isFull: full, people, everyMs, keep, logLevel, progress }
    const result = await run(experiment, { ...settings, ...(previous !== undefined && { previousRef: previous }) })
    const files = writeReport(result, results).map((path) => relative(process.cwd(), path))
    console.log(`${experiment.name} (${Math.round(result.tookMs / 1000)} s)\n${told(result)}\n  ${files.join(', ')}\n`)
    isBroken ||= brokenBounds(result).length > 0
  }
  return isBroken ? 1 : 0
}

// What was started is ended by what is called at the process's end, however that comes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

process.exit(await main())
