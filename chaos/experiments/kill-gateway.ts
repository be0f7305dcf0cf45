import type { Experiment } from '../experiment.js'

export const killGateway: Experiment = {
  name: 'kill-gateway',
  summary:
    'kill -9 of one of two gateways: its clients reconnect once, to the other one, and miss nothing; it comes back',
  kind: 'outage',
  nodes: 2,
  mostReconnects: 1,
  async run({ cluster, event, answered }) {
    event('gateway-1 is killed')
    await cluster.kill9('gateway-1')
    await answered()
    event('gateway-1 comes back')
    await cluster.start('gateway-1', 'gateway')
    await answered()
  },
}
