import { escaped, reportStyle, shown } from '../../bench/index.js'
import { type Bound, brokenBounds, limitOf, type Result } from '../result.js'
import { timelineSvg } from './timeline.js'

const style = `${reportStyle}
main { max-width: 66rem } .events { columns: 2; color: var(--soft); font-size: .85rem; margin: .8rem 0 0 }`

/** The report: one page that needs nothing else. */
export function reportHtml(result: Result): string {
  const { experiment, summary, startedAt, isFull, tookMs, loadAverage, bounds, notes, violations } = result
  const broken = brokenBounds(result)
  const where = `${startedAt} · ${isFull ? 'full' : 'short'} · ${shown(tookMs / 1000)} s · load average ${shown(loadAverage)}`
  const wrong = [
    ...violations.lost.map((text) => `lost: ${text}`),
    ...violations.twice.map((text) => `twice: ${text}`),
    ...violations.disordered.map((text) => `out of order: ${text}`),
  ]
  const body = [
    `<header><h1>${escaped(experiment)}</h1><p>${escaped(summary)}</p><p>${escaped(where)}</p></header>`,
    `<section class="figures">${bounds.map((bound) => card(bound, broken.includes(bound))).join('')}</section>`,
    timelineSvg(result),
    waitsTable(result),
    list('What should never be', wrong),
    list('Errors that libraries saw and tried again', countsOf(result.refusals)),
    list('Calls that libraries gave up', countsOf(result.failures)),
    list('Notes', notes),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(experiment)} · Heliograph chaos</title><style>${style}</style></head>
<body><main>${body.join('\n')}</main></body></html>
`
}

function card(bound: Bound, isBroken: boolean): string {
  const { name, value, unit } = bound
  const limit = limitOf(bound)
  const verdict = limit === undefined ? 'none' : isBroken ? 'missed' : 'must'
  const said = isBroken ? 'not held' : 'held'
  const told = limit === undefined ? '' : `<p><span class="verdict">${said}</span> (${limit} ${unit})</p>`
  const number = `<div class="value">${shown(Math.round(value))} <small>${escaped(unit)}</small></div>`
  return `<div class="card ${verdict}"><h3>${escaped(name)}</h3>${number}${told}</div>`
}

const kinds: Readonly<Record<string, string>> = {
  all: 'all calls',
  quiet: 'before anything happened',
  moved: 'to shards that were on their way, as planned',
  recovered: "from a crash until the dead node's actors answered",
}

function waitsTable({ waits }: Result): string {
  const rows = Object.entries(waits).map(([kind, { calls, p50Ms, p99Ms, mostMs }]) => {
    const cells = [calls, p50Ms, p99Ms, mostMs].map((value) => `<td>${shown(Math.round(value))}</td>`).join('')
    return `<tr><td>${escaped(kinds[kind] ?? kind)}</td>${cells}</tr>`
  })
  const head = ['calls', 'number', 'p50, ms', 'p99, ms', 'longest, ms'].map((name) => `<th>${name}</th>`).join('')
  return `<h2>Waits</h2><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function countsOf(counts: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(counts).map(([text, count]) => `${count} × ${text}`)
}

function list(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `<h2>${escaped(title)}</h2><ul class="notes">${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`
}
