import type { Experiment } from '../experiment.js'

export const growShrink: Experiment = {
  name: 'grow-shrink',
  summary: 'from one actor node to four and back (--full: to eight), each stopped with SIGTERM',
  kind: 'planned',
  nodes: 1,
  mostReconnects: 0,
  async run({ cluster, event, answered, settledOn, isFull }) {
    const most = isFull ? 8 : 4
    const names = Array.from({ length: most }, (_, nth) => `node-${nth + 1}`)
    for (let count = 2; count <= most; count++) {
      const name = names[count - 1]!
      event(`${name} joins`)
      await cluster.start(name, 'actors')
      await settledOn(names.slice(0, count))
      await answered()
    }
    for (let count = most; count > 1; count--) {
      const name = names[count - 1]!
      event(`${name} is stopped`)
      if (!(await cluster.stop(name))) throw new Error(`${name} did not end in time`)
      await settledOn(names.slice(0, count - 1))
      await answered()
    }
  },
}
