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
  const grid = scaleY.ticks.flatMap((tick) => {
    const at = scaleY.at(tick)
    return [
      element('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }),
      label('tick', shortly(tick), { x: LEFT - 8, y: at, dy: 4, 'text-anchor': 'end' }),
    ]
  })
  const below = scaleX.ticks.map((tick) =>
    label('tick', labelX(tick), { x: scaleX.at(tick), y: HEIGHT - BOTTOM + 18, 'text-anchor': 'middle' }),
  )
  const drawn = lines.flatMap((line, index) => {
    const places = line.points.map(([px, py]) => ({ cx: scaleX.at(px), cy: scaleY.at(py), px, py }))
    const path = places.map(({ cx, cy }) => `${digits(cx)},${digits(cy)}`).join(' ')
    const dots = places.map(({ cx, cy, px, py }) => {
      const told = element('title', {}, escaped(`${line.name}: ${labelX(px)}, ${shortly(py)} ${y.name}`))
      return element('circle', { class: `dot c${index % COLOURS}`, cx, cy, r: 3 }, told)
    })
    return [element('polyline', { class: `line c${index % COLOURS}`, points: path }), ...(dots.length > 40 ? [] : dots)]
  })
  const turned = `translate(14 ${HEIGHT / 2}) rotate(-90)`
  const names = [
    label('axis', x.name, { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, 'text-anchor': 'middle' }),
    label('axis', y.name, { transform: turned, 'text-anchor': 'middle' }),
  ]
  const svg = drawing(title, HEIGHT, [...grid, ...below, ...names, ...drawn])
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
  const drawn = bars.flatMap(({ name, parts }, index) => {
    const top = BAR_GAP + index * (BAR_HEIGHT + BAR_GAP)
    const middle = top + BAR_HEIGHT / 2
    let at = 0
    const rects = parts.map((part) => {
      const left = scale.at(at)
      at += part.value
      const width = Math.max(0, scale.at(at) - left)
      const colour = names.indexOf(part.name) % COLOURS
      const told = element('title', {}, escaped(`${part.name}: ${shortly(part.value)} ${unit}`))
      return element('rect', { class: `bar c${colour}`, x: left, y: top, width, height: BAR_HEIGHT, rx: 2 }, told)
    })
    return [
      label('name', name, { x: BAR_LEFT - 10, y: middle, dy: 4, 'text-anchor': 'end' }),
      ...rects,
      label('value', shortly(at), { x: scale.at(at) + 6, y: middle, dy: 4 }),
    ]
  })
  const lines = marks.flatMap(({ name, value }) => {
    const at = scale.at(value)
    return [
      element('line', { class: 'mark', x1: at, x2: at, y1: 4, y2: height - 24 }),
      label('tick', `${name} ${shortly(value)}`, { x: at, y: height - 8, 'text-anchor': 'middle' }),
    ]
  })
  return figureHtml(`${title}, ${unit}`, drawing(title, height, [...drawn, ...lines]), names.length > 1 ? names : [])
}

type Attributes = Readonly<Record<string, string | number>>

/** An element whose attributes are ours; `inside` is markup. */
function element(name: string, attributes: Attributes, inside = ''): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? digits(value) : value}"`,
  )
  return `<${name}${written.join('')}>${inside}</${name}>`
}

function label(style: string, text: string, attributes: Attributes): string {
  return element('text', { class: style, ...attributes }, escaped(text))
}

function digits(value: number): string {
  return String(Number(value.toFixed(1)))
}

function drawing(title: string, height: number, parts: readonly string[]): string {
  return element(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': escaped(title) },
    parts.join(''),
  )
}

function figureHtml(title: string, svg: string, legend: readonly string[]): string {
  const entries = legend.map((name, index) => `<li><i class="c${index % COLOURS}"></i>${escaped(name)}</li>`)
  return `<figure><figcaption>${escaped(title)}</figcaption>${svg}<ul class="legend">${entries.join('')}</ul></figure>`
}
