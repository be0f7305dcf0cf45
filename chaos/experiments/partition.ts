import { Namespace } from '../cluster/namespace.js'
import type { Experiment, World } from '../experiment.js'

const cutMs = 10_000

export const partition: Experiment = {
  name: 'partition',
  summary:
    'a node in a network namespace of its own is cut from everything, from NATS, from Cassandra, one way from nodes',
  kind: 'outage',
  nodes: 2,
  needsRoot: true,
  // Both gateways are restarted first.
  mostReconnects: 2,
  async run(world) {
    const namespace = new Namespace()
    // Nodes are reached over its wire until the histories have been looked at.
    world.onEnd(() => namespace.close())
    await partitioned(world, namespace)
  },
}

async function partitioned(world: World, namespace: Namespace): Promise<void> {
  const { cluster, event, crash, during, answered, settledOn } = world
  const all = ['node-1', 'node-2', 'node-3']
  const { env, cassandra, nats } = await reached(cluster.env, namespace)
  // Those that stay outside are reached on the wire, too.
  for (const { name, role } of [...cluster.live('actors'), ...cluster.live('gateway')]) {
    event(`${name} is restarted, to be reached over the wire`)
    await cluster.stop(name)
    await cluster.start(name, role, { env: { HELIOGRAPH_NODE_HOST: namespace.outside } })
  }
  event('node-3 joins, in a network of its own')
  const own = { HELIOGRAPH_NODE_HOST: namespace.address, HELIOGRAPH_HOST: namespace.address }
  await cluster.start('node-3', 'actors', { env: { ...env, ...own }, through: namespace.through })
  await settledOn(all)
  await answered()

  interface Cut {
    readonly what: string
    cut(): void
    /** It renews its lease and is heard over NATS: nobody takes it for dead, and calls to it wait. */
    readonly isHeard?: boolean
  }
  const cuts: readonly Cut[] = [
    { what: 'is cut from everything', cut: () => namespace.cut() },
    { what: 'is cut from NATS', cut: () => namespace.lose(nats) },
    { what: 'is cut from Cassandra', cut: () => namespace.lose(cassandra) },
    {
      what: 'reaches the other nodes no more, but NATS and Cassandra',
      cut: () => namespace.lose(namespace.outside),
      isHeard: true,
    },
  ]
  for (const { what, cut, isHeard = false } of cuts) {
    event(`node-3 ${what}`)
    if (isHeard) cut()
    else await crash('node-3', cut)
    await during(cutMs)
    event('it is mended')
    namespace.mend()
    await settledOn(all)
    await answered()
  }
}

/** The settings of a node in there: each server by its address on the wire. */
async function reached(env: Readonly<Record<string, string>>, namespace: Namespace) {
  const settings: Record<string, string> = {}
  const places: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    const match = /127\.0\.0\.1:(\d+)/.exec(value)
    if (match === null) continue
    const address = await namespace.reach('127.0.0.1', Number(match[1]))
    places[name] = address
    settings[name] = value.replace('127.0.0.1', address)
  }
  return { env: settings, cassandra: places.HELIOGRAPH_CASSANDRA!, nats: places.HELIOGRAPH_NATS! }
}
