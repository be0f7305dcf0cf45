import { type ClusterTransport, PROTOCOL_VERSIONS } from '../../cluster/index.js'
import type { Metrics } from '../metrics.js'

/** What goes between this node and others, and which version of their protocol is spoken. */
export function showTraffic(metrics: Metrics, transport: ClusterTransport): void {
  const { traffic } = transport
  const { oldest, newest } = PROTOCOL_VERSIONS
  metrics.counter('node_calls_total', 'Calls of this node that others have answered', () => traffic.calls)
  metrics.counter(
    'node_calls_timed_total',
    'Of these: with the time that they took there, which nodes of the previous minor version may not say',
    () => traffic.timed,
  )
  metrics.counter(
    'node_calls_there_seconds_total',
    'Of timed calls: from arrival to answer where they ran',
    () => traffic.thereMs / 1_000,
  )
  metrics.counter(
    'node_calls_between_seconds_total',
    'Of timed calls: the way there and back, with the wait for both event loops',
    () => traffic.betweenMs / 1_000,
  )
  metrics.gauge('node_streams', "Streams to nodes that speak this version's protocol", () =>
    transport.streamsOf(newest),
  )
  metrics.gauge('node_streams_previous', 'Streams to nodes of the previous minor version', () =>
    transport.streamsOf(oldest),
  )
}
