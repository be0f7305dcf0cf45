import type { Experiment } from '../experiment.js'

export const killNode: Experiment = {
  name: 'kill-node',
  summary: 'kill -9 of one of three actor nodes; the others take over; it comes back',
  kind: 'crash',
  nodes: 3,
  mostReconnects: 0,
  async run({ cluster, event, crash, answered, settledOn, isFull }) {
    for (const node of isFull ? ['node-2', 'node-3', 'node-1'] : ['node-2']) {
      event(`${node} is killed`)
      await crash(node, () => cluster.kill9(node))
      await answered()
      await settledOn(['node-1', 'node-2', 'node-3'].filter((each) => each !== node))
      event(`${node} comes back`)
      await cluster.start(node, 'actors')
      await settledOn(['node-1', 'node-2', 'node-3'])
      await answered()
    }
  },
}
