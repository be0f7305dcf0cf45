// The ring: an arc for each node, as long as its share of the shards, and inside of it every shard by its number, in the
// colour of its owner. A shard that changes hands flies from one node's arc to the other's; what is still to move is a
// faint band between them.

const turn = 2 * Math.PI
const top = -Math.PI / 2
const gap = 0.035
const narrowWidth = 460
const flightMs = 1_100
const flashMs = 1_600
const mostFlights = 160
const labelFont = '600 13px system-ui, sans-serif'
const isStill = matchMedia('(prefers-reduced-motion: reduce)')

/** Colours that people with any sight of colours can tell apart, on light and on dark. */
const colours = ['#3b82f6', '#f08c2e', '#18a875', '#b06ee8', '#e5527a', '#14b0c9', '#c9a40c', '#7d8aa5']

const known = new Map()

/** A node keeps its colour for as long as the page is open. */
export function colourOf(node) {
  if (!known.has(node)) known.set(node, colours[known.size % colours.length])
  return known.get(node)
}

export class Ring {
  #canvas
  #context
  #mosaic = document.createElement('canvas')
  #owners = []
  #nexts = []
  #isWaiting = []
  #nodes = new Map()
  #flights = []
  #flashes = new Map()
  #silent = new Set()
  #members = new Set()
  #middle = { number: '', caption: '' }
  #frame = 0
  #isMosaicOld = true
  #isLabelled = true

  constructor(canvas) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d')
    new ResizeObserver(() => this.#resize()).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#resize())
    document.addEventListener('visibilitychange', () => this.#draw())
  }

  /** Who owns what, from the register. */
  show({ shardCount, shards }) {
    const former = this.#owners
    this.#owners = new Array(shardCount)
    this.#nexts = new Array(shardCount)
    this.#isWaiting = new Array(shardCount)
    for (const { from, to, owner, next, mustWait } of shards) {
      for (let shard = from; shard <= to; shard++) {
        this.#owners[shard] = owner?.node
        this.#nexts[shard] = next?.node
        this.#isWaiting[shard] = mustWait
      }
    }
    if (former.length === shardCount) this.#moved(former)
    this.#share()
    this.#isMosaicOld = true
    this.#draw()
  }

  /** Which nodes may own shards, and which of all nodes do not answer. */
  name(nodes, silent) {
    this.#silent = new Set(silent)
    this.#members = new Set(nodes)
    for (const node of nodes) if (!this.#nodes.has(node)) this.#nodes.set(node, { share: 0, shown: 0 })
    this.#share()
    this.#draw()
  }

  say(number, caption) {
    this.#middle = { number, caption }
    this.#draw()
  }

  /** For tests and screen readers: how many shards each node owns. */
  get counts() {
    const counts = {}
    for (const owner of this.#owners) if (owner !== undefined) counts[owner] = (counts[owner] ?? 0) + 1
    return counts
  }

  #moved(former) {
    const now = performance.now()
    const moves = []
    for (const [shard, owner] of this.#owners.entries()) {
      if (owner === former[shard]) continue
      this.#flashes.set(shard, now)
      if (owner !== undefined && former[shard] !== undefined) moves.push([former[shard], owner])
    }
    if (isStill.matches) return
    const every = Math.max(1, Math.ceil(moves.length / mostFlights))
    for (let at = 0; at < moves.length; at += every) {
      const [from, to] = moves[at]
      const delay = (at / moves.length) * 700
      this.#flights.push({ from, to, startMs: now + delay, sway: Math.random() - 0.5, place: Math.random() })
    }
    if (this.#flights.length > mostFlights * 2) this.#flights.splice(0, this.#flights.length - mostFlights * 2)
  }

  #share() {
    const { counts } = this
    for (const node of Object.keys(counts).sort()) colourOf(node)
    for (const node of Object.keys(counts)) if (!this.#nodes.has(node)) this.#nodes.set(node, { share: 0, shown: 0 })
    for (const [node, arc] of this.#nodes) arc.share = (counts[node] ?? 0) / Math.max(1, this.#owners.length)
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas
    const scale = devicePixelRatio || 1
    this.#canvas.width = Math.round(clientWidth * scale)
    this.#canvas.height = Math.round(clientHeight * scale)
    this.#isMosaicOld = true
    this.#draw()
  }

  #draw() {
    if (this.#frame !== 0 || document.hidden) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      if (this.#paint(performance.now())) this.#draw()
    })
  }

  /** True while something moves. */
  #paint(now) {
    const context = this.#context
    const scale = devicePixelRatio || 1
    const width = this.#canvas.width / scale
    const height = this.#canvas.height / scale
    if (width === 0) return false
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)
    const styles = getComputedStyle(document.documentElement)
    context.font = labelFont
    // On a phone the cards below name the colours: what would stand beside the ring leaves no room for it.
    this.#isLabelled = width >= narrowWidth
    const labels = [...this.#nodes.keys()].map((node) => context.measureText(labelOf(node)).width)
    const beside = this.#isLabelled ? Math.max(30, ...labels) + 24 : 16
    const radius = Math.min(width / 2 - beside, height / 2 - (this.#isLabelled ? 30 : 16))
    const place = { x: width / 2, y: height / 2, radius: Math.max(40, radius) }
    const ink = { text: styles.getPropertyValue('--text'), soft: styles.getPropertyValue('--soft') }
    const isGrowing = this.#grow()
    const arcs = this.#arcs()
    this.#paintShards(context, place, now)
    this.#paintPlans(context, place, arcs, now)
    for (const [node, arc] of arcs) this.#paintArc(context, place, node, arc, ink)
    this.#paintFlights(context, place, arcs, now)
    this.#paintMiddle(context, place, ink)
    const isPlanned = this.#nexts.some((next) => next !== undefined) && !isStill.matches
    return isGrowing || this.#flights.length > 0 || this.#flashes.size > 0 || isPlanned
  }

  #grow() {
    let isGrowing = false
    for (const [node, arc] of this.#nodes) {
      const rest = arc.share - arc.shown
      if (Math.abs(rest) < 0.0005 || isStill.matches) arc.shown = arc.share
      else {
        arc.shown += rest * 0.12
        isGrowing = true
      }
      if (arc.shown === 0 && arc.share === 0 && this.#members.size > 0 && !this.#members.has(node))
        this.#nodes.delete(node)
    }
    return isGrowing
  }

  /** From where to where each node's arc goes; one without shards is a dot. */
  #arcs() {
    const nodes = [...this.#nodes].sort(([one], [other]) => (one < other ? -1 : 1))
    const total = nodes.reduce((sum, [, { shown }]) => sum + shown, 0) || 1
    const room = turn - gap * nodes.length
    const arcs = new Map()
    let at = top + gap / 2
    for (const [node, { shown }] of nodes) {
      const length = (shown / total) * room
      arcs.set(node, { from: at, to: at + length, middle: at + length / 2, share: shown })
      at += length + gap
    }
    return arcs
  }

  #paintArc(context, { x, y, radius }, node, { from, to, middle }, ink) {
    const colour = colourOf(node)
    context.globalAlpha = this.#silent.has(node) ? 0.35 : 1
    context.strokeStyle = colour
    context.lineWidth = Math.max(10, radius * 0.085)
    context.lineCap = to - from > 0.06 ? 'butt' : 'round'
    context.beginPath()
    context.arc(x, y, radius, from, Math.max(to, from + 0.001))
    context.stroke()
    context.globalAlpha = 1
    if (!this.#isLabelled) return
    const away = radius + Math.max(10, radius * 0.085) / 2 + 9
    const side = Math.cos(middle)
    context.fillStyle = ink.text
    context.font = labelFont
    context.textAlign = Math.abs(side) < 0.35 ? 'center' : side > 0 ? 'left' : 'right'
    context.textBaseline = Math.abs(side) < 0.35 ? (Math.sin(middle) > 0 ? 'top' : 'bottom') : 'middle'
    context.fillText(labelOf(node), x + side * away, y + Math.sin(middle) * away)
  }

  /** Thousands of slices are painted once a change, onto a picture of their own. */
  #paintShards(context, { x, y, radius }, now) {
    const count = this.#owners.length
    if (count === 0) return
    const outer = radius - Math.max(10, radius * 0.085) / 2 - 7
    const inner = outer - Math.max(9, radius * 0.075)
    if (this.#isMosaicOld) this.#paintMosaic(x, y, inner, outer)
    context.drawImage(this.#mosaic, 0, 0, x * 2, y * 2)
    const step = turn / count
    for (const [shard, sinceMs] of this.#flashes) {
      const part = (now - sinceMs) / flashMs
      if (part >= 1) {
        this.#flashes.delete(shard)
        continue
      }
      context.globalAlpha = 1 - part
      context.strokeStyle = colourOf(this.#owners[shard] ?? '')
      context.lineWidth = Math.max(1.4, step * outer)
      const angle = top + (shard + 0.5) * step
      line(context, x, y, angle, inner - 9 * (1 - part), outer)
    }
    context.globalAlpha = 1
  }

  #paintMosaic(x, y, inner, outer) {
    const scale = devicePixelRatio || 1
    this.#mosaic.width = this.#canvas.width
    this.#mosaic.height = this.#canvas.height
    const context = this.#mosaic.getContext('2d')
    context.setTransform(scale, 0, 0, scale, 0, 0)
    const count = this.#owners.length
    const step = turn / count
    context.lineWidth = inner === outer ? 1 : outer - inner
    for (let shard = 0; shard < count; ) {
      const owner = this.#owners[shard]
      const isWaiting = this.#isWaiting[shard]
      let end = shard + 1
      while (end < count && this.#owners[end] === owner && this.#isWaiting[end] === isWaiting) end++
      if (owner !== undefined) {
        context.globalAlpha = isWaiting || this.#silent.has(owner) ? 0.25 : 0.8
        context.strokeStyle = colourOf(owner)
        context.beginPath()
        context.arc(x, y, (inner + outer) / 2, top + shard * step, top + end * step)
        context.stroke()
      }
      shard = end
    }
    this.#isMosaicOld = false
  }

  /** What the register says is to move. */
  #paintPlans(context, place, arcs, now) {
    const plans = new Map()
    for (const [shard, next] of this.#nexts.entries()) {
      const owner = this.#owners[shard]
      if (next === undefined || owner === undefined) continue
      const pair = `${owner}\n${next}`
      plans.set(pair, (plans.get(pair) ?? 0) + 1)
    }
    context.setLineDash([3, 7])
    context.lineDashOffset = -now / 40
    context.lineCap = 'round'
    for (const [pair, count] of plans) {
      const [from, to] = pair.split('\n')
      if (!arcs.has(from) || !arcs.has(to)) continue
      context.globalAlpha = 0.5
      context.strokeStyle = colourOf(to)
      context.lineWidth = Math.min(6, 1 + Math.sqrt(count) / 6)
      const [one, way, other] = bend(place, arcs.get(from).middle, arcs.get(to).middle, 0)
      context.beginPath()
      context.moveTo(one.x, one.y)
      context.quadraticCurveTo(way.x, way.y, other.x, other.y)
      context.stroke()
    }
    context.setLineDash([])
    context.globalAlpha = 1
  }

  #paintFlights(context, place, arcs, now) {
    this.#flights = this.#flights.filter(({ startMs, from, to }) => {
      return now < startMs + flightMs && arcs.has(from) && arcs.has(to)
    })
    for (const { from, to, startMs, sway, place: part } of this.#flights) {
      const raw = (now - startMs) / flightMs
      if (raw < 0) continue
      const done = raw < 0.5 ? 2 * raw * raw : 1 - (2 - 2 * raw) ** 2 / 2
      const within = ({ from: begin, to: end }) => begin + (end - begin) * part
      const [one, way, other] = bend(place, within(arcs.get(from)), within(arcs.get(to)), sway)
      const left = 1 - done
      const x = left * left * one.x + 2 * left * done * way.x + done * done * other.x
      const y = left * left * one.y + 2 * left * done * way.y + done * done * other.y
      context.globalAlpha = Math.min(1, 4 * raw, 4 * (1 - raw))
      context.fillStyle = colourOf(to)
      context.beginPath()
      context.arc(x, y, 2.6, 0, turn)
      context.fill()
    }
    context.globalAlpha = 1
  }

  #paintMiddle(context, { x, y, radius }, ink) {
    const { number, caption } = this.#middle
    context.textAlign = 'center'
    context.textBaseline = 'alphabetic'
    context.fillStyle = ink.text
    context.font = `650 ${Math.round(radius * 0.27)}px system-ui, sans-serif`
    context.fillText(number, x, y + radius * 0.06)
    context.fillStyle = ink.soft
    context.font = `${Math.max(12, Math.round(radius * 0.085))}px system-ui, sans-serif`
    context.fillText(caption, x, y + radius * 0.2)
  }
}

function labelOf(node) {
  return node.length > 12 ? `${node.slice(0, 11)}…` : node
}

function line(context, x, y, angle, from, to) {
  context.beginPath()
  context.moveTo(x + Math.cos(angle) * from, y + Math.sin(angle) * from)
  context.lineTo(x + Math.cos(angle) * to, y + Math.sin(angle) * to)
  context.stroke()
}

/** A curve between two places of the ring that keeps away from its middle. */
function bend({ x, y, radius }, from, to, sway) {
  const at = (angle, part) => ({ x: x + Math.cos(angle) * radius * part, y: y + Math.sin(angle) * radius * part })
  const half = from + (((to - from + 3 * Math.PI) % turn) - Math.PI) / 2
  return [at(from, 0.8), at(half, 0.34 + sway * 0.3), at(to, 0.8)]
}
