import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { LatencySummary } from '../measure/latency.js'
import type { Figure, Outcome, Plot, Scale, Scenario, Table } from '../scenario.js'

/** Where the figures are from: they mean little on another machine. */
export interface Machine {
  readonly cpuModel: string
  readonly cpus: number
  readonly memoryGiB: number
  readonly platform: string
  readonly node: string
  /** Of the sources, with a plus when they were changed since. */
  readonly commit: string
}

/** The JSON result of one run. `format` rises when a reader of older results would go wrong. */
export interface Result {
  readonly format: 1
  readonly scenario: string
  readonly summary: string
  readonly scale: Scale
  readonly startedAt: string
  readonly tookSeconds: number
  readonly machine: Machine
  readonly figures: readonly Figure[]
  readonly latencies: readonly LatencySummary[]
  readonly plots: readonly Plot[]
  readonly tables: readonly Table[]
  readonly notes: readonly string[]
}

export function resultOf(
  { name, summary }: Scenario,
  scale: Scale,
  startedAt: Date,
  tookSeconds: number,
  { figures, latencies = [], plots = [], tables = [], notes = [] }: Outcome,
): Result {
  return {
    format: 1,
    scenario: name,
    summary,
    scale,
    startedAt: startedAt.toISOString(),
    tookSeconds,
    machine: thisMachine(),
    figures,
    latencies,
    plots,
    tables,
    notes,
  }
}

function thisMachine(): Machine {
  const [first] = cpus()
  return {
    cpuModel: first?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    commit: commit(),
  }
}

function commit(): string {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim()
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}
