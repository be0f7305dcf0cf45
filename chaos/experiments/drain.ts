import type { Experiment } from '../experiment.js'

export const drain: Experiment = {
  name: 'drain',
  summary: 'an operator drains one of three actor nodes, which goes on running, and gives it its share again',
  kind: 'planned',
  nodes: 3,
  mostReconnects: 0,
  async run({ register, event, answered, settledOn }) {
    event('node-2 is drained')
    await register.setDraining('node-2', true)
    await settledOn(['node-1', 'node-3'])
    await answered()
    event('node-2 takes its share again')
    await register.setDraining('node-2', false)
    await settledOn(['node-1', 'node-2', 'node-3'])
    await answered()
  },
}
