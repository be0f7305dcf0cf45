import type { LatencySummary } from '../measure/latency.js'
import type { Figure, Table } from '../scenario.js'
import { shown, targetShown, verdictOf } from './figures.js'
import type { Result } from './result.js'
import { reportStyle } from './style.js'
import { escaped, latencySvg, plotSvg } from './svg.js'

const verdicts = { aim: 'aim reached', must: 'reached', missed: 'not reached', none: '' } as const

/** The report: one page that needs nothing else. */
export function reportHtml(result: Result): string {
  const { scenario, summary, machine, startedAt, tookSeconds, scale, figures, latencies, plots, tables, notes } = result
  const where = `${machine.cpus} × ${machine.cpuModel}, ${machine.memoryGiB} GiB, Node ${machine.node}`
  const body = [
    `<header><h1>${escaped(scenario)}</h1><p>${escaped(summary)}</p>`,
    `<p>${escaped(`${startedAt} · ${scale} · ${shown(tookSeconds)} s · ${where} · ${machine.commit}`)}</p></header>`,
    `<section class="figures">${figures.map(cardHtml).join('')}</section>`,
    ...plots.map(plotSvg),
    ...latencyHtml(latencies),
    ...tables.map(tableHtml),
    notes.length === 0
      ? ''
      : `<h2>Notes</h2><ul class="notes">${notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>`,
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(scenario)} · Heliograph bench</title><style>${reportStyle}</style></head>
<body><main>${body.join('\n')}</main></body></html>
`
}

function cardHtml(figure: Figure): string {
  const { name, value, unit, spread, must, aim } = figure
  const verdict = verdictOf(figure)
  const bounds = [must && `must ${targetShown(must)}`, aim && `aim ${targetShown(aim)}`].filter(Boolean).join(', ')
  const told = verdict === 'none' ? '' : `<p><span class="verdict">${verdicts[verdict]}</span> (${escaped(bounds)})</p>`
  const between = spread === undefined ? '' : `<p>${shown(spread[0])} to ${shown(spread[1])}</p>`
  const number = `<div class="value">${shown(value)} <small>${escaped(unit)}</small></div>`
  return `<div class="card ${verdict}"><h3>${escaped(name)}</h3>${number}${between}${told}</div>`
}

function latencyHtml(latencies: readonly LatencySummary[]): string[] {
  const measured = latencies.filter(({ count }) => count > 0)
  if (measured.length === 0) return []
  return [
    latencySvg(measured),
    tableHtml({
      title: 'Latency, ms',
      columns: ['what', 'count', 'min', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max'],
      rows: measured.map(({ name, count, minMs, meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs }) => [
        name,
        ...[count, minMs, meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map(shown),
      ]),
    }),
  ]
}

function tableHtml({ title, columns, rows }: Table): string {
  const head = columns.map((column) => `<th>${escaped(column)}</th>`).join('')
  const cell = (value: string | number) => `<td>${escaped(typeof value === 'number' ? shown(value) : value)}</td>`
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('')
  const table = `<table><thead><tr>${head}</tr></thead><tbody>${lines}</tbody></table>`
  return `<h2>${escaped(title)}</h2><div class="scroll">${table}</div>`
}
