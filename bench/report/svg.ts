import type { LatencySummary } from '../measure/latency.js'
import type { BarPlot, LinePlot, Plot } from '../scenario.js'
import { shortly } from './figures.js'
import { linearScale, logarithmicScale } from './scale.js'

const WIDTH = 720
const HEIGHT = 320
const LEFT = 64
const RIGHT = 16
const TOP = 16
const BOTTOM = 48
const BAR_HEIGHT = 26
const BAR_GAP = 14
const BAR_LEFT = 190
const COLOURS = 7

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export function escaped(text: string | number): string {
  return String(text).replace(/[&<>"]/g, (character) => escapes[character]!)
}

/** A plot as inline SVG, coloured by the page's style sheet. */
export function plotSvg(plot: Plot): string {
  return plot.kind === 'lines' ? linesSvg(plot) : barsSvg(plot)
}

/** Percentiles against milliseconds, with the last percents stretched, as HDR histograms are drawn. */
export function latencySvg(latencies: readonly LatencySummary[]): string {
  const points = (curve: LatencySummary['curve']) =>
    curve
      .filter(([percentile]) => percentile < 100)
      .map(([percentile, ms]) => [100 / (100 - percentile), Math.max(ms, 0.001)] as const)
  const lines = latencies.map(({ name, curve }) => ({ name, points: points(curve) }))
  return linesSvg(
    {
      kind: 'lines',
      title: 'Latency by percentile',
      x: { name: 'percentile', logarithmic: true },
      y: { name: 'ms', logarithmic: true },
      lines,
    },
    (x) => `${Number((100 - 100 / x).toPrecision(6))}%`,
  )
}

function linesSvg({ x, y, lines, title }: LinePlot, labelX: (x: number) => string = shortly): string {
  const points = lines.flatMap((line) => line.points)
  if (points.length === 0) return ''
  const xs = points.map((point) => point[0])
  const ys = points.map((point) => point[1])
  const scaleX = (x.logarithmic ? logarithmicScale : linearScale)(Math.min(...xs), Math.max(...xs), LEFT, WIDTH - RIGHT)
  const lowY = y.logarithmic ? Math.min(...ys) * 0.8 : 0
  const highY = Math.max(...ys) * 1.1 || 1
  const scaleY = (y.logarithmic ? logarithmicScale : linearScale)(lowY, highY, HEIGHT - BOTTOM, TOP)
  const grid = scaleY.ticks.map((tick) => {
    const at = scaleY.at(tick).toFixed(1)
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="tick" x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${shortly(tick)}</text>`
  })
  const below = scaleX.ticks.map(
    (tick) =>
      `<text class="tick" x="${scaleX.at(tick).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${labelX(tick)}</text>`,
  )
  const drawn = lines.map((line, index) => {
    const path = line.points.map(([px, py]) => `${scaleX.at(px).toFixed(1)},${scaleY.at(py).toFixed(1)}`)
    const dots =
      line.points.length > 40
        ? []
        : line.points.map(
            ([px, py]) =>
              `<circle class="dot c${index % COLOURS}" cx="${scaleX.at(px).toFixed(1)}" cy="${scaleY.at(py).toFixed(1)}" r="3"><title>${escaped(`${line.name}: ${labelX(px)}, ${shortly(py)} ${y.name}`)}</title></circle>`,
          )
    return `<polyline class="line c${index % COLOURS}" points="${path.join(' ')}"/>${dots.join('')}`
  })
  const names = `<text class="axis" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(x.name)}</text><text class="axis" transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(y.name)}</text>`
  const svg = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">${grid.join('')}${below.join('')}${names}${drawn.join('')}</svg>`
  return figureHtml(
    title,
    svg,
    lines.map((line) => line.name),
  )
}

function barsSvg({ title, unit, bars, marks = [] }: BarPlot): string {
  const total = (parts: readonly { readonly value: number }[]) => parts.reduce((sum, { value }) => sum + value, 0)
  const most = Math.max(...bars.map(({ parts }) => total(parts)), ...marks.map(({ value }) => value)) * 1.12 || 1
  const scale = linearScale(0, most, BAR_LEFT, WIDTH - RIGHT)
  const height = bars.length * (BAR_HEIGHT + BAR_GAP) + BAR_GAP + 24
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(({ name }) => name)))]
  const drawn = bars.map(({ name, parts }, index) => {
    const top = BAR_GAP + index * (BAR_HEIGHT + BAR_GAP)
    let at = 0
    const rects = parts.map((part) => {
      const left = scale.at(at)
      at += part.value
      return `<rect class="bar c${names.indexOf(part.name) % COLOURS}" x="${left.toFixed(1)}" y="${top}" width="${Math.max(0, scale.at(at) - left).toFixed(1)}" height="${BAR_HEIGHT}" rx="2"><title>${escaped(`${part.name}: ${shortly(part.value)} ${unit}`)}</title></rect>`
    })
    const label = `<text class="name" x="${BAR_LEFT - 10}" y="${top + BAR_HEIGHT / 2}" dy="4" text-anchor="end">${escaped(name)}</text>`
    const sum = `<text class="value" x="${(scale.at(at) + 6).toFixed(1)}" y="${top + BAR_HEIGHT / 2}" dy="4">${shortly(at)}</text>`
    return label + rects.join('') + sum
  })
  const lines = marks.map(({ name, value }) => {
    const at = scale.at(value).toFixed(1)
    return `<line class="mark" x1="${at}" x2="${at}" y1="4" y2="${height - 24}"/><text class="tick" x="${at}" y="${height - 8}" text-anchor="middle">${escaped(name)} ${shortly(value)}</text>`
  })
  const svg = `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">${drawn.join('')}${lines.join('')}</svg>`
  return figureHtml(`${title}, ${unit}`, svg, names.length > 1 ? names : [])
}

function figureHtml(title: string, svg: string, legend: readonly string[]): string {
  const entries = legend.map((name, index) => `<li><i class="c${index % COLOURS}"></i>${escaped(name)}</li>`)
  return `<figure><figcaption>${escaped(title)}</figcaption>${svg}<ul class="legend">${entries.join('')}</ul></figure>`
}
