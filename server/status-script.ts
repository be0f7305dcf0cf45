/** The script of the status page: polls the figures once a second, draws the last minute of each, copies blocks. */
export const statusScript = `
'use strict'
const pollEveryMs = 1000, keptSamples = 60
const history = new Map()
const state = document.querySelector('.state')
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
let before

function duration(seconds) {
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24
  const minutes = Math.floor(seconds / 60) % 60
  if (days) return days + ' d ' + hours + ' h'
  if (hours) return hours + ' h ' + minutes + ' min'
  return minutes ? minutes + ' min' : Math.floor(seconds) + ' s'
}

function show(name, value) {
  const figure = document.querySelector('[data-figure="' + name + '"]')
  const samples = history.get(name) || []
  history.set(name, samples)
  samples.push(value)
  if (samples.length > keptSamples) samples.shift()
  figure.querySelector('b').textContent = compact.format(value)
  const top = Math.max(1, ...samples)
  const x = index => 100 - (samples.length - 1 - index) * 100 / (keptSamples - 1)
  const y = sample => 27 - 26 * sample / top
  const points = samples.map((sample, index) => x(index).toFixed(1) + ',' + y(sample).toFixed(1))
  figure.querySelector('polyline').setAttribute('points', points.join(' '))
}

function update(now) {
  const seconds = before ? (now.uptimeMs - before.uptimeMs) / 1000 : 0
  const rate = name => seconds > 0 ? Math.max(0, Math.round((now[name] - before[name]) / seconds)) : 0
  show('connections', now.connections)
  show('sessions', now.sessions)
  show('actors', now.actors)
  show('calls', rate('calls'))
  show('commits', rate('commits'))
  show('pushes', rate('pushes'))
  state.textContent = 'running for ' + duration(now.uptimeMs / 1000)
  before = now
}

async function poll() {
  try {
    const response = await fetch('status.json', { cache: 'no-store' })
    update(await response.json())
    state.classList.remove('away')
  } catch {
    state.textContent = 'no answer'
    state.classList.add('away')
  }
  setTimeout(poll, pollEveryMs)
}

for (const button of document.querySelectorAll('button.copy')) {
  button.hidden = !navigator.clipboard
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector('pre').textContent)
    button.textContent = 'copied'
    setTimeout(() => { button.textContent = 'copy' }, 1500)
  })
}
poll()
`
