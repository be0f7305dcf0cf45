import type { Experiment } from '../experiment.js'

const frozenMs = 10_000

export const freezeNode: Experiment = {
  name: 'freeze-node',
  summary:
    'SIGSTOP of one of three actor nodes for 10 s: others take over; woken, it answers nothing under what it had',
  kind: 'crash',
  nodes: 3,
  mostReconnects: 0,
  async run({ cluster, event, crash, during, answered, settledOn }) {
    event('node-2 is frozen')
    await crash('node-2', () => cluster.freeze('node-2'))
    await during(frozenMs)
    event('node-2 goes on')
    cluster.thaw('node-2')
    await settledOn(['node-1', 'node-2', 'node-3'])
    await answered()
  },
}
