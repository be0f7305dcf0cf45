/**
 * `npm run sim -- [--seeds 100] [--from 1] [--seed N] [--trace] [--failures 10] [--everywhere]`: lives so many worlds and
 * prints those that break an invariant. `--everywhere` crashes one small world at each of its events and writes instead.
 */
import { crashEverywhere } from './crash-everywhere.js'
import { simulate } from './simulate.js'

const options = parse(process.argv.slice(2))

if (options.everywhere) {
  const { events, writes, failures: broken } = await crashEverywhere(options.first)
  for (const { where, result } of broken) console.log(`crashed ${where}:\n  ${result.violations.join('\n  ')}`)
  console.log(`seed ${options.first}, crashed before each of ${events} events and after each of ${writes} writes`)
  process.exit(broken.length > 0 ? 1 : 0)
}

let failed = 0
let events = 0
let crashes = 0
const startedAtMs = process.uptime() * 1000
for (let seed = options.first; seed < options.first + options.seeds; seed++) {
  const { violations, hash, trace, figures, settings } = await simulate({ seed, trace: options.trace })
  events += figures.events
  crashes += figures.crashes
  if (options.trace)
    console.log(`${trace.join('\n')}\n${JSON.stringify(settings)}\n${JSON.stringify(figures)}\nhash ${hash}`)
  if (violations.length > 0) {
    failed++
    console.log(`seed ${seed} fails (replay: npm run sim -- --seed ${seed} --trace):`)
    for (const violation of violations) console.log(`  ${violation}`)
    if (failed >= options.mostFailures) break
  }
}
const seconds = (process.uptime() * 1000 - startedAtMs) / 1000
console.log(
  `${options.seeds} seeds from ${options.first}: ${failed} failed; ${crashes} crashes, ${events} events in ${seconds.toFixed(1)} s`,
)
process.exitCode = failed > 0 ? 1 : 0

interface Options {
  readonly first: number
  readonly seeds: number
  readonly trace: boolean
  readonly everywhere: boolean
  readonly mostFailures: number
}

function parse(args: readonly string[]): Options {
  const numberOf = (name: string) => {
    const at = args.indexOf(name)
    if (at < 0) return undefined
    const value = Number(args[at + 1])
    if (!Number.isSafeInteger(value) || value < 0) {
      console.error(`${name} takes a whole number, not ${args[at + 1]}`)
      process.exit(2)
    }
    return value
  }
  const seed = numberOf('--seed')
  return {
    first: seed ?? numberOf('--from') ?? 1,
    seeds: seed === undefined ? (numberOf('--seeds') ?? 100) : 1,
    trace: args.includes('--trace'),
    everywhere: args.includes('--everywhere'),
    mostFailures: numberOf('--failures') ?? 10,
  }
}
