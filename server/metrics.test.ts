import { expect, test } from 'vitest'
import { parseSamples } from '../test/harness/samples.js'
import { createMetrics } from './metrics.js'

const samplesOf = async (metrics: ReturnType<typeof createMetrics>) => parseSamples(await metrics.text())

test('counts of turns, calls and commits reach the text by actor kind, and the totals', async () => {
  const metrics = createMetrics()
  metrics.runtime.call('chat', 'post')
  metrics.runtime.call('chat', 'post')
  metrics.runtime.call('user', 'deliver')
  metrics.runtime.turn('chat', 0.2, 3)
  metrics.runtime.commit('chat', 4, 512, 2)
  metrics.runtime.refusal('chat', 'OVERLOADED')

  const samples = await samplesOf(metrics)
  expect(samples.sum('heliograph_actor_calls_total', { kind: 'chat', method: 'post' })).toBe(2)
  expect(samples.sum('heliograph_actor_calls_total')).toBe(3)
  expect(samples.sum('heliograph_actor_committed_entries_total', { kind: 'chat' })).toBe(4)
  expect(samples.sum('heliograph_actor_committed_bytes_total')).toBe(512)
  expect(samples.sum('heliograph_actor_refusals_total', { code: 'OVERLOADED' })).toBe(1)
  expect(metrics.totals()).toMatchObject({ turns: 1, commits: 1 })
})

test('reading twice does not count twice', async () => {
  const metrics = createMetrics()
  metrics.protocol.count('pushes', 5)
  await metrics.text()
  const samples = await samplesOf(metrics)
  expect(samples.sum('heliograph_mtproto_events_total', { event: 'pushes' })).toBe(5)
})

test('durations fall into cumulative buckets, told in seconds', async () => {
  const metrics = createMetrics()
  for (const tookMs of [0.05, 4, 5, 60_000]) metrics.protocol.rpc('messages.sendMessage', tookMs, 0)
  const samples = await samplesOf(metrics)
  const bucket = (le: string) => samples.sum('heliograph_rpc_seconds_bucket', { le })
  expect([bucket('0.0001'), bucket('0.0025'), bucket('0.005'), bucket('30'), bucket('+Inf')]).toEqual([1, 1, 3, 3, 4])
  expect(samples.sum('heliograph_rpc_seconds_sum')).toBeCloseTo(60.00905)
  expect(samples.sum('heliograph_rpc_seconds_count', { method: 'messages.sendMessage' })).toBe(4)
})

test('levels go up and down, gauges are read when asked', async () => {
  const metrics = createMetrics()
  let connections = 3
  metrics.gauge('connections', 'Open connections', () => connections)
  metrics.counter('storage_flushes_total', 'Flushes to disk', () => 12)
  metrics.runtime.activation('user', 1)
  metrics.runtime.activation('user', 1)
  metrics.runtime.activation('user', -1)
  connections = 7
  const samples = await samplesOf(metrics)
  expect(samples.sum('heliograph_connections')).toBe(7)
  expect(samples.sum('heliograph_storage_flushes_total')).toBe(12)
  expect(samples.sum('heliograph_actor_resident', { kind: 'user' })).toBe(1)
  expect(samples.sum('heliograph_actor_activations_total', { kind: 'user' })).toBe(2)
})

test('methods that are not served, or called too often, are counted by name', async () => {
  const metrics = createMetrics()
  metrics.api.notImplemented('stories.getAllStories')
  metrics.api.floodWait('contacts.search')
  const samples = await samplesOf(metrics)
  expect(samples.sum('heliograph_rpc_not_implemented_total', { method: 'stories.getAllStories' })).toBe(1)
  expect(samples.sum('heliograph_rpc_flood_waits_total', { method: 'contacts.search' })).toBe(1)
})

test('the process tells about itself', async () => {
  const samples = await samplesOf(createMetrics())
  expect(samples.sum('process_resident_memory_bytes')).toBeGreaterThan(0)
})
