import type { Experiment } from '../experiment.js'

export const cassandraDown: Experiment = {
  name: 'cassandra-down',
  summary: 'one of three Cassandra nodes is killed, and comes back',
  kind: 'outage',
  nodes: 2,
  needsCassandraRing: true,
  mostReconnects: 0,
  async run({ cassandra, event, answered, settledOn }) {
    const [, second] = cassandra!.members
    event(`Cassandra's ${second!.role} is killed`)
    await cassandra!.kill9(second!.role)
    await answered()
    event(`Cassandra's ${second!.role} comes back`)
    await cassandra!.restart()
    await settledOn(['node-1', 'node-2'])
    await answered()
  },
}
