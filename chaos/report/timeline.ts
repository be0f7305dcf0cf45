import { escaped, linearScale, logarithmicScale, shortly } from '../../bench/index.js'
import type { Result } from '../result.js'

const WIDTH = 960
const LEFT = 64
const RIGHT = 16
const RATE = { top: 28, bottom: 148 }
const WAIT = { top: 176, bottom: 436 }
const HEIGHT = 476
const BIN_MS = 500

/** Calls answered a second above, what each call took below, and what happened when through both. */
export function timelineSvg({ calls, events }: Pick<Result, 'calls' | 'events'>): string {
  const endMs = Math.max(BIN_MS, ...calls.map(({ startMs, tookMs }) => startMs + tookMs))
  const x = linearScale(0, endMs / 1000, LEFT, WIDTH - RIGHT)
  const parts = [
    ...x.ticks.map((tick) => text('tick', `${tick} s`, x.at(tick), HEIGHT - 18, 'middle')),
    ...rates(calls, endMs, x.at),
    ...waits(calls, x.at),
    ...events.flatMap(({ atMs, text: what }, nth) => [
      `<line class="mark" x1="${place(x.at(atMs / 1000))}" x2="${place(x.at(atMs / 1000))}" y1="20" y2="${WAIT.bottom}"/>`,
      `<g>${text('name', String(nth + 1), x.at(atMs / 1000), 15, 'middle')}<title>${escaped(what)}</title></g>`,
    ]),
  ]
  const list = events.map(({ atMs, text: what }) => `<li>${escaped(what)}, at ${(atMs / 1000).toFixed(1)} s</li>`)
  return `<figure><figcaption>What clients saw</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Timeline of calls">${parts.join('')}</svg>
<ol class="events">${list.join('')}</ol></figure>`
}

function rates(calls: Result['calls'], endMs: number, at: (seconds: number) => number): string[] {
  const bins = new Array<number>(Math.ceil(endMs / BIN_MS) + 1).fill(0)
  for (const { startMs, tookMs } of calls) bins[Math.floor((startMs + tookMs) / BIN_MS)]!++
  const y = linearScale(0, (Math.max(...bins) * 1000) / BIN_MS, RATE.bottom, RATE.top)
  const width = at(BIN_MS / 1000) - at(0) - 0.5
  return [
    ...grid(y.ticks, y.at, (tick) => shortly(tick)),
    text('axis', 'calls answered a second', LEFT, RATE.top - 12, 'start'),
    ...bins.map((count, bin) => {
      const top = y.at((count * 1000) / BIN_MS)
      const left = at((bin * BIN_MS) / 1000)
      return `<rect class="bar c0" x="${place(left)}" y="${place(top)}" width="${place(width)}" height="${place(RATE.bottom - top)}"/>`
    }),
  ]
}

function waits(calls: Result['calls'], at: (seconds: number) => number): string[] {
  const took = calls.map(({ tookMs }) => Math.max(1, tookMs))
  const y = logarithmicScale(Math.min(10, ...took), Math.max(1_000, ...took), WAIT.bottom, WAIT.top)
  return [
    ...grid(y.ticks, y.at, (tick) => `${shortly(tick)} ms`),
    text('axis', 'what a call took, by when it began; failed tries in another colour', LEFT, WAIT.top - 12, 'start'),
    ...calls.map(({ startMs, tookMs, failures }) => {
      const told = `${(startMs / 1000).toFixed(2)} s: ${shortly(tookMs)} ms${failures > 0 ? `, ${failures} failed tries` : ''}`
      const centre = `cx="${place(at(startMs / 1000))}" cy="${place(y.at(Math.max(1, tookMs)))}"`
      return `<circle class="dot c${failures > 0 ? 4 : 2}" ${centre} r="2.5"><title>${escaped(told)}</title></circle>`
    }),
  ]
}

function grid(ticks: readonly number[], at: (tick: number) => number, label: (tick: number) => string): string[] {
  return ticks.flatMap((tick) => [
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(at(tick))}" y2="${place(at(tick))}"/>`,
    text('tick', label(tick), LEFT - 8, at(tick) + 4, 'end'),
  ])
}

function text(style: string, content: string, x: number, y: number, anchor: 'start' | 'middle' | 'end'): string {
  return `<text class="${style}" x="${place(x)}" y="${place(y)}" text-anchor="${anchor}">${escaped(content)}</text>`
}

function place(value: number): string {
  return String(Number(value.toFixed(1)))
}
