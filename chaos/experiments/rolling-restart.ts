import type { Experiment } from '../experiment.js'

export const rollingRestart: Experiment = {
  name: 'rolling-restart',
  summary: 'every actor node and every gateway is stopped with SIGTERM and started again, one after the other',
  kind: 'planned',
  nodes: 2,
  // Either gateway is restarted while it holds the client.
  mostReconnects: 2,
  async run({ cluster, event, answered, settledOn }) {
    const nodes = cluster.live('actors').map(({ name }) => name)
    for (const name of nodes) {
      event(`${name} is restarted`)
      if (!(await cluster.stop(name))) throw new Error(`${name} did not end in time`)
      await settledOn(nodes.filter((each) => each !== name))
      await cluster.start(name, 'actors')
      await settledOn(nodes)
      await answered()
    }
    for (const { name } of cluster.live('gateway')) {
      event(`${name} is restarted`)
      if (!(await cluster.stop(name))) throw new Error(`${name} did not end in time`)
      await cluster.start(name, 'gateway')
      await answered()
    }
  },
}
