import { Figure, quantile, ratesBetween, shortBytes, shortCount, shortDuration } from './figures.mjs'
import { colourOf, Ring } from './ring.mjs'

const byId = (id) => document.getElementById(id)
const api = (path, options) => fetch(`api/${path}`, options)
const post = (path, body) =>
  api(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const mostEvents = 200
const togetherMs = 5_000
const againAfterMs = 1_500
/** An event loop that was later than this stood still, for all that its clients know. */
const stallMs = 250

const ring = new Ring(byId('ring'))
const figures = {
  calls: new Figure(byId('figures'), 'calls', 'API calls a second', shortCount),
  turns: new Figure(byId('figures'), 'turns', "actors' turns a second", shortCount),
  wait: new Figure(byId('figures'), 'wait', 'wait for a turn, p99', shortDuration),
  oldest: new Figure(byId('figures'), 'oldest', 'oldest that waits', shortDuration),
  lag: new Figure(byId('figures'), 'lag', 'event loop stall', shortDuration),
  commits: new Figure(byId('figures'), 'commits', 'commits a second', shortCount),
  pushes: new Figure(byId('figures'), 'pushes', 'updates pushed a second', shortCount),
  pending: new Figure(byId('figures'), 'pending', 'updates waiting to leave', shortBytes),
  parked: new Figure(byId('figures'), 'parked', 'waiting for an owner', shortCount),
  refusals: new Figure(byId('figures'), 'refusals', 'calls refused a second', shortCount),
}

/** The last report of each node. */
let reports = new Map()
let stalls = 0
const events = new Map()

/** An element with text or children; attributes by name. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

function coloured(element, node) {
  element.style.setProperty('--node', colourOf(node))
  return element
}

function meter(part) {
  const bar = make('i', {})
  bar.style.width = `${Math.min(100, Math.max(0, part * 100)).toFixed(1)}%`
  return make('div', { class: 'meter' }, bar)
}

function showReport(report) {
  byId('cluster').textContent = report.cluster === 'alone' ? 'one node' : `cluster ${report.cluster}`
  byId('view').textContent = report.view
  const silent = report.nodes.filter(({ isAlive }) => !isAlive).map(({ node }) => node)
  showHealth(report.nodes)
  ring.name(
    report.nodes.filter(({ roles, shards }) => shards > 0 || roles.includes('actors')).map(({ node }) => node),
    silent,
  )
  const told = showFigures(report.nodes)
  showNodes(report, told)
  showHot(report.nodes)
  showKinds(report.nodes, told)
  reports = new Map(report.nodes.flatMap(({ node, report: said }) => (said ? [[node, said]] : [])))
}

function showHealth(nodes) {
  const health = byId('health')
  const states = nodes.map((each) => [each.node, ...stateOf(each)])
  for (const state of ['silent', 'halted', 'unanswering']) {
    const such = states.filter(([, found]) => found === state)
    if (such.length === 0) continue
    health.className = such[0][2]
    health.textContent = `${such.map(([node]) => node).join(', ')} ${state}`
    return
  }
  health.className = ''
  health.textContent = nodes.length === 1 ? '1 node, well' : `${nodes.length} nodes, all well`
}

/** Gives each node's rates. */
function showFigures(nodes) {
  const told = new Map()
  const sums = { calls: 0, turns: 0, commits: 0, pushes: 0, refusals: 0 }
  const most = { oldest: 0, lag: 0 }
  const all = { pending: 0, parked: 0 }
  let waits = []
  let bounds = []
  for (const { node, report } of nodes) {
    if (report === undefined) continue
    const before = reports.get(node) ?? report
    const rates = ratesBetween(before, report)
    told.set(node, rates)
    for (const name of Object.keys(sums)) sums[name] += rates[name]
    most.oldest = Math.max(most.oldest, report.oldestWaitMs)
    most.lag = Math.max(most.lag, report.load.loopLagMs)
    all.pending += report.sizes.pendingPushBytes
    all.parked += report.sizes.parked
    bounds = report.waits.boundsMs
    const isNew = report.upMs < before.upMs
    const grown = report.waits.counts.map((count, index) => count - (isNew ? 0 : before.waits.counts[index]))
    waits = grown.map((count, index) => count + (waits[index] ?? 0))
  }
  if (most.lag > stallMs) stalls++
  // The first report of a page has nothing to be compared with.
  if (reports.size === 0) return told
  for (const [name, rate] of Object.entries(sums)) figures[name].push(rate)
  figures.wait.push(quantile(bounds, waits, 0.99), `p50 ${shortDuration(quantile(bounds, waits, 0.5))}`)
  figures.oldest.push(most.oldest)
  figures.lag.push(most.lag, stalls === 0 ? 'none yet' : `${stalls} above ${stallMs} ms`)
  figures.pending.push(all.pending)
  figures.parked.push(all.parked)
  ring.say(shortCount(sums.calls), 'calls a second')
  return told
}

function showNodes({ nodes, shardCount }, told) {
  const list = byId('nodes')
  const cards = nodes.map((status) => {
    const { node, roles, shards, coming, going, isDraining } = status
    const load = status.report?.load ?? status.load
    const rates = told.get(node)
    const [state, colour] = stateOf(status)
    const head = make('div', { class: 'head' }, make('b', {}, node), make('span', { class: `badge ${colour}` }, state))
    if (nodes.length > 1) head.append(drainButton(node, isDraining))
    const moves = `${coming > 0 ? ` +${coming}` : ''}${going > 0 ? ` −${going}` : ''}`
    const about = [roles.join(' and '), status.report && `up ${shortDuration(status.report.upMs)}`].filter(Boolean)
    const values = [
      ['shards', shards.toLocaleString('en-US'), moves],
      ['calls/s', rates ? shortCount(rates.calls) : '–'],
      ['turns/s', rates ? shortCount(rates.turns) : '–'],
      ['clients', load ? shortCount(load.connections) : '–'],
      ['actors', load ? shortCount(load.residents) : '–'],
      ['lag', load ? shortDuration(load.loopLagMs) : '–'],
    ]
    const figures = make('dl', {})
    for (const [name, value, more = ''] of values) {
      figures.append(make('div', {}, make('dt', {}, name), make('dd', {}, value, make('small', {}, more))))
    }
    const cpu = load ? `${load.cpu.toFixed(2)} of ${load.cores} cores` : ''
    const card = make('li', { 'data-node': node }, head, make('p', { class: 'soft' }, about.join(' · ')), figures)
    if (load) card.append(meter(load.cpu / load.cores), make('p', { class: 'soft' }, cpu))
    card.title = `${((shards / Math.max(1, shardCount)) * 100).toFixed(1)} % of the shards`
    return coloured(card, node)
  })
  // A button that is being pressed must not be exchanged for another one.
  if (!list.matches(':active')) list.replaceChildren(...cards)
}

function stateOf({ isAlive, isHalted, isDraining, report }) {
  if (!isAlive) return ['silent', 'bad']
  if (isHalted) return ['halted', 'bad']
  if (report === undefined) return ['unanswering', 'warn']
  return isDraining ? ['draining', 'warn'] : ['alive', '']
}

function drainButton(node, isDraining) {
  const button = make('button', { class: 'quiet', type: 'button' }, isDraining ? 'undo' : 'drain')
  button.addEventListener('click', async () => {
    const question = isDraining
      ? `Give ${node} its share of the shards again?`
      : `Have ${node} give all its shards away?`
    if (!confirm(question)) return
    const response = await post('drain', { node, draining: !isDraining })
    if (!response.ok) alert((await response.json()).message)
  })
  return button
}

function showHot(nodes) {
  const rows = nodes.flatMap(({ node, report }) => (report?.hot ?? []).map((each) => ({ ...each, node })))
  rows.sort((one, other) => other.busy - one.busy || other.turnsPerSecond - one.turnsPerSecond)
  byId('no-hot').hidden = rows.length > 0
  byId('hot').hidden = rows.length === 0
  const shown = rows.slice(0, 12).map(({ kind, key, node, turnsPerSecond, busy, waitMs }) => {
    const where = make('td', {}, coloured(make('span', { class: 'swatch' }), node), node)
    const bar = coloured(meter(busy), node)
    bar.title = `${(busy * 100).toFixed(1)} % of the time`
    return make(
      'tr',
      {},
      make('td', {}, make('code', {}, `${kind}/${key}`)),
      where,
      make('td', { class: 'number' }, shortCount(turnsPerSecond)),
      make('td', {}, bar),
      make('td', { class: 'number' }, shortDuration(waitMs)),
    )
  })
  byId('hot').tBodies[0].replaceChildren(...shown)
}

function showKinds(nodes) {
  const kinds = new Map()
  for (const { node, report } of nodes) {
    const before = reports.get(node)
    for (const { kind, residents, queued, turns } of report?.kinds ?? []) {
      const sum = kinds.get(kind) ?? { residents: 0, queued: 0, rate: 0 }
      const former = before?.kinds.find((each) => each.kind === kind)?.turns ?? turns
      const seconds = before ? (report.upMs - before.upMs) / 1_000 : 0
      sum.residents += residents
      sum.queued += queued
      sum.rate += seconds > 0 ? Math.max(0, turns - former) / seconds : 0
      kinds.set(kind, sum)
    }
  }
  const rows = [...kinds].map(([kind, { residents, queued, rate }]) =>
    make(
      'tr',
      {},
      make('td', {}, kind),
      make('td', { class: 'number' }, shortCount(residents)),
      make('td', { class: 'number' }, shortCount(rate)),
      make('td', { class: 'number' }, shortCount(queued)),
    ),
  )
  byId('kinds').tBodies[0].replaceChildren(...rows)
}

const eventColours = {
  suspicion: 'bad',
  revocation: 'bad',
  halt: 'bad',
  takeover: 'warn',
  leave: 'warn',
  drain: 'warn',
  refusal: 'warn',
  join: '',
}

function showEvents(more) {
  for (const event of more) events.set(`${event.by} ${event.incarnation} ${event.number}`, event)
  for (const id of events.keys()) {
    if (events.size <= mostEvents) break
    events.delete(id)
  }
  const newest = together([...events.values()].sort((one, other) => other.atMs - one.atMs))
  byId('no-events').hidden = newest.length > 0
  byId('events').replaceChildren(
    ...newest.map(({ atMs, kind, text, by }) => {
      const at = make('time', { datetime: new Date(atMs).toISOString() }, new Date(atMs).toLocaleTimeString())
      const badge = make('span', { class: `badge ${eventColours[kind] ?? 'plain'}` }, kind)
      const item = make('li', {}, at, badge, make('span', { class: 'text' }, text))
      item.title = `said by ${by}`
      return item
    }),
  )
}

/** Moves come in many small parts: those of one way, soon after each other, are one line. */
function together(newest) {
  const lines = []
  const open = new Map()
  for (const event of newest) {
    const way = event.kind === 'move' ? event.text.replace(/^\d+ shards? /, '') : undefined
    const line = open.get(way)
    if (way !== undefined && line !== undefined && line.sinceMs - event.atMs < togetherMs) {
      line.shards += event.shards
      line.sinceMs = event.atMs
      line.text = `${line.shards.toLocaleString('en-US')} shards ${way}`
    } else {
      const begun = { ...event, sinceMs: event.atMs }
      lines.push(begun)
      if (way !== undefined) open.set(way, begun)
    }
  }
  return lines
}

function look() {
  const socket = new WebSocket(
    `${location.origin.replace(/^http/, 'ws')}${location.pathname.replace(/\/*$/, '/')}api/live`,
  )
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data)
    if (message.type === 'report') showReport(message.report)
    else if (message.type === 'shards') ring.show(message.shards)
    else if (message.type === 'events') showEvents(message.events)
  })
  socket.addEventListener('close', () => {
    byId('health').className = 'bad'
    byId('health').textContent = 'not connected'
    setTimeout(begin, againAfterMs)
  })
}

/** Shows the board to whoever may see it, and asks all others for the token. */
async function begin() {
  const response = await api('shards').catch(() => undefined)
  if (response === undefined) {
    setTimeout(begin, againAfterMs)
    return
  }
  byId('login').hidden = response.ok
  byId('board').hidden = !response.ok
  if (response.ok) look()
  else byId('login').elements.token.focus()
}

byId('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { token } = byId('login').elements
  const wrong = byId('login').querySelector('.wrong')
  const response = await post('login', { token: token.value }).catch(() => undefined)
  wrong.textContent = response?.ok ? '' : response ? 'This is not the token.' : 'The node does not answer.'
  if (!response?.ok) return
  token.value = ''
  await begin()
})

byId('logout').addEventListener('click', async () => {
  await post('logout', {})
  location.reload()
})

await begin()
