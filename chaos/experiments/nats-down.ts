import type { Experiment } from '../experiment.js'

const goneMs = 20_000

export const natsDown: Experiment = {
  name: 'nats-down',
  summary:
    'all of NATS is killed for 20 s: nobody stops; meanwhile an actor node is killed, and is taken over all the same',
  kind: 'crash',
  nodes: 3,
  mostReconnects: 0,
  async run({ cluster, nats, event, crash, during, answered, settledOn }) {
    event('NATS is killed')
    await nats.kill9()
    const back = during(goneMs)
    await answered()
    if (cluster.ended().length > 0) throw new Error(`ended without NATS: ${cluster.ended()}`)
    event('node-2 is killed')
    await crash('node-2', () => cluster.kill9('node-2'))
    await answered()
    await back
    event('NATS comes back')
    await nats.restart()
    await settledOn(['node-1', 'node-3'])
    event('node-2 comes back')
    await cluster.start('node-2', 'actors')
    await settledOn(['node-1', 'node-2', 'node-3'])
    await answered()
  },
}
