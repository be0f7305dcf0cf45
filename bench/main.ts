// `npm run bench -- <scenario ...> [--quick | --full] [--check] [--results <folder>]`, `--list`, or `all`.

import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bench } from './bench.js'
import { shown, targetShown, verdictOf } from './report/figures.js'
import type { Result } from './report/result.js'
import type { Scale, Scenario } from './scenario.js'
import { scenarios } from './scenarios.js'

const usage = `npm run bench -- <scenario ...>   or: all (that need no server)
  --list            names the scenarios
  --quick           tiny sizes: shows that it works, the figures mean nothing
  --full            the largest sizes (history-growth: 10 million messages)
  --results <dir>   where results and reports go (default: bench/results)
  --check           exit code 1 when a figure that must be reached is not`

/** The folder above the sources, which are in dist/ once they are built. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      results: { type: 'string', default: join(projectRoot(), 'bench/results') },
    },
  })
  const scale: Scale = values.quick ? 'quick' : values.full ? 'full' : 'normal'
  return { ...values, scale, names: positionals }
}

function chosen(names: readonly string[]): Scenario[] | undefined {
  if (names.length === 0) return undefined
  if (names.includes('all')) return scenarios.filter(({ needs }) => needs === undefined)
  const found = names.map((name) => scenarios.find((scenario) => scenario.name === name))
  return found.every((scenario) => scenario !== undefined) ? (found as Scenario[]) : undefined
}

function list(): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  return scenarios.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n')
}

const marks = { aim: '✓✓', must: '✓ ', missed: '✗ ', none: '  ' } as const

function told({ figures }: Result): string {
  const width = Math.max(...figures.map(({ name }) => name.length))
  const lines = figures.map((figure) => {
    const { name, value, unit, spread, must, aim } = figure
    const between = spread === undefined ? '' : ` [${shown(spread[0])} .. ${shown(spread[1])}]`
    const bounds = [must && `must ${targetShown(must)}`, aim && `aim ${targetShown(aim)}`].filter(Boolean).join(', ')
    return `  ${marks[verdictOf(figure)]} ${name.padEnd(width)}  ${shown(value)} ${unit}${between}${bounds && `  (${bounds})`}`
  })
  return lines.join('\n')
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
  else process.stderr.write(`${text}\n`)
}

async function main(): Promise<number> {
  const { list: isList, check, scale, results, names } = options()
  if (isList) {
    console.log(list())
    return 0
  }
  const wanted = chosen(names)
  if (wanted === undefined) {
    console.error(`${usage}\n\n${list()}`)
    return 1
  }
  let missed = 0
  for (const scenario of wanted) {
    const { result, htmlPath, jsonPath } = await bench(scenario, { scale, resultsDir: results, progress })
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
    const files = [htmlPath, jsonPath].map((path) => relative(process.cwd(), path)).join(', ')
    console.log(`${scenario.name} (${scale}, ${shown(result.tookSeconds)} s)\n${told(result)}\n  ${files}\n`)
    for (const figure of result.figures) if (figure.must && verdictOf(figure) === 'missed') missed++
  }
  return check && missed > 0 ? 1 : 0
}

// What was started is ended by what is called at the process's end, however that comes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

process.exit(await main())
