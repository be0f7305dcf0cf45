/**
 * `npm run sim -- [--seeds 100] [--from 1] [--seed N] [--world single|cluster] [--trace] [--failures 10] [--everywhere]`:
 * lives so many worlds, of one node and of several unless `--world` says which, and prints those that break an invariant.
 * `--everywhere` crashes one small world at each of its events and writes instead.
 */
import { crashEverywhere } from './crash-everywhere.js'
import { type SimulationResult, simulate, type WorldKind } from './simulate.js'

const options = parse(process.argv.slice(2))

if (options.everywhere) {
  const { events, writes, failures: broken } = await crashEverywhere(options.first)
  for (const { where, result } of broken) console.log(`crashed ${where}:\n  ${result.violations.join('\n  ')}`)
  console.log(`seed ${options.first}, crashed before each of ${events} events and after each of ${writes} writes`)
  process.exit(broken.length > 0 ? 1 : 0)
}

let failed = 0
for (const kind of options.kinds) {
  let lived = 0
  let events = 0
  let crashes = 0
  const before = process.cpuUsage()
  for (let seed = options.first; seed < options.first + options.seeds; seed++) {
    const result = await simulate({ kind, seed, trace: options.trace })
    lived++
    events += result.figures.events
    crashes += result.figures.crashes
    if (options.trace) print(result)
    if (result.violations.length === 0) continue
    failed++
    console.log(`seed ${seed} fails (replay: npm run sim -- --world ${kind} --seed ${seed} --trace):`)
    for (const violation of result.violations) console.log(`  ${violation}`)
    if (failed >= options.mostFailures) break
  }
  const { user, system } = process.cpuUsage(before)
  const seconds = ((user + system) / 1e6).toFixed(1)
  console.log(
    `${kind}: ${lived} seeds from ${options.first}; ${crashes} crashes, ${events} events, ${seconds} s of CPU`,
  )
}
console.log(`${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

function print({ trace, settings, figures, hash }: SimulationResult): void {
  console.log(
    `${trace.join('\n')}\n${JSON.stringify(settings)}\n${JSON.stringify({ ...figures, waitsMs: figures.waitsMs.length })}\nhash ${hash}`,
  )
}

interface Options {
  readonly kinds: readonly WorldKind[]
  readonly first: number
  readonly seeds: number
  readonly trace: boolean
  readonly everywhere: boolean
  readonly mostFailures: number
}

function parse(args: readonly string[]): Options {
  const textOf = (name: string) => (args.includes(name) ? (args[args.indexOf(name) + 1] ?? '') : undefined)
  const refuse = (what: string): never => {
    console.error(what)
    process.exit(2)
  }
  const numberOf = (name: string) => {
    const text = textOf(name)
    if (text === undefined) return undefined
    const value = Number(text)
    if (text === '' || !Number.isSafeInteger(value) || value < 0) refuse(`${name} takes a whole number, not ${text}`)
    return value
  }
  const world = textOf('--world')
  if (world !== undefined && world !== 'single' && world !== 'cluster') {
    refuse(`--world takes single or cluster, not ${world}`)
  }
  const seed = numberOf('--seed')
  return {
    kinds: world === undefined ? ['single', 'cluster'] : [world as WorldKind],
    first: seed ?? numberOf('--from') ?? 1,
    seeds: seed === undefined ? (numberOf('--seeds') ?? 100) : 1,
    trace: args.includes('--trace'),
    everywhere: args.includes('--everywhere'),
    mostFailures: numberOf('--failures') ?? 10,
  }
}
