// Numbers over time, and how people read them.

const kept = 120

/** The last values of one figure, a second each. */
class History {
  values = []

  push(value) {
    this.values.push(value)
    if (this.values.length > kept) this.values.shift()
  }
}

/** How much sums have grown a second, from two reports of one node; what began anew counts from nothing. */
export function ratesBetween(before, now) {
  const seconds = Math.max(0.001, (now.upMs - before.upMs) / 1_000)
  const isNew = now.upMs < before.upMs
  const rates = {}
  for (const [name, sum] of Object.entries(now.sums)) {
    rates[name] = isNew ? 0 : Math.max(0, sum - before.sums[name]) / seconds
  }
  return rates
}

/** The wait that a part of all calls stayed below, from counts by upper bound; 0 when there were none. */
export function quantile(boundsMs, counts, part) {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return 0
  let below = 0
  for (const [index, count] of counts.entries()) {
    if (below + count >= total * part) {
      const from = index === 0 ? 0 : boundsMs[index - 1]
      const to = boundsMs[index] ?? boundsMs.at(-1)
      return from + ((to - from) * (total * part - below)) / count
    }
    below += count
  }
  return boundsMs.at(-1)
}

export function shortCount(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} M`
  if (value >= 1e4) return `${(value / 1e3).toFixed(value < 1e5 ? 1 : 0)} k`
  return value >= 100 || Number.isInteger(value)
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(value < 10 ? 1 : 0)
}

export function shortDuration(ms) {
  if (ms < 1) return `${ms.toFixed(2)} ms`
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`
}

export function shortBytes(bytes) {
  if (bytes < 1_024) return `${bytes} B`
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`
}

const svg = 'http://www.w3.org/2000/svg'

/** A tile with a number and how it was over the last two minutes. */
export class Figure {
  #number = document.createElement('b')
  #line = document.createElementNS(svg, 'path')
  #area = document.createElementNS(svg, 'path')
  #history = new History()
  #show

  /** `show` makes the number as text, and what stands small behind it. */
  constructor(parent, name, title, show) {
    this.#show = show
    const tile = document.createElement('div')
    tile.className = 'figure'
    tile.dataset.figure = name
    const caption = document.createElement('span')
    caption.textContent = title
    const picture = document.createElementNS(svg, 'svg')
    picture.setAttribute('viewBox', '0 0 100 40')
    picture.setAttribute('preserveAspectRatio', 'none')
    picture.setAttribute('aria-hidden', 'true')
    this.#area.setAttribute('class', 'area')
    picture.append(this.#area, this.#line)
    tile.append(caption, this.#number, picture)
    parent.append(tile)
  }

  push(value, more) {
    this.#history.push(value)
    this.#number.replaceChildren(this.#show(value))
    if (more !== undefined) {
      const small = document.createElement('small')
      small.textContent = ` ${more}`
      this.#number.append(small)
    }
    this.#draw()
  }

  #draw() {
    const { values } = this.#history
    const highest = Math.max(...values, 1e-9)
    const step = 100 / (kept - 1)
    const from = 100 - (values.length - 1) * step
    const points = values.map(
      (value, index) => `${(from + index * step).toFixed(2)} ${(37 - (value / highest) * 32).toFixed(2)}`,
    )
    const line = `M${points.join('L')}`
    this.#line.setAttribute('d', line)
    this.#area.setAttribute('d', `${line}L100 40L${from.toFixed(2)} 40Z`)
  }
}
