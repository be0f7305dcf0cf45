import { readFileSync } from 'node:fs'
import type { Live } from '../cluster/chaos-cluster.js'
import type { Experiment, World } from '../experiment.js'

export const rollingUpgrade: Experiment = {
  name: 'rolling-upgrade',
  summary:
    'nodes and gateways of the previous minor version are replaced by this one while both serve; one further away is refused',
  kind: 'planned',
  nodes: 2,
  builds: { previous: -1, 'too new': 2 },
  startsWith: 'previous',
  // Either gateway is replaced while it holds the client.
  mostReconnects: 2,
  async run(world) {
    const { cluster, register, event, answered, settledOn } = world
    await replaced(world, 'node-1')
    await whileMixed(world)
    await tooNewIsRefused(world)

    event('node-1 gives its shards back to the older node')
    await register.setDraining('node-1', true)
    await settledOn(['node-2'])
    await answered()
    await register.setDraining('node-1', false)
    await settledOn(['node-1', 'node-2'])
    await answered()

    await replaced(world, 'node-2')
    event(`all nodes are new: ${failures(world)} calls have failed`)
    for (const { name } of cluster.live('gateway')) {
      event(`${name} is replaced`)
      if (!(await cluster.stop(name))) throw new Error(`${name} did not end in time`)
      await cluster.start(name, 'gateway')
      await answered()
    }
    await allSpeakTheNewest(world)
  },
}

const failures = ({ crowd }: World) => crowd.calls.reduce((sum, call) => sum + call.failures.length, 0)

async function replaced({ cluster, event, settledOn, answered }: World, name: string): Promise<void> {
  const nodes = cluster.live('actors').map((node) => node.name)
  event(`${name} is replaced`)
  if (!(await cluster.stop(name))) throw new Error(`${name} did not end in time`)
  await settledOn(nodes.filter((each) => each !== name))
  await cluster.start(name, 'actors')
  await settledOn(nodes)
  await answered()
}

interface Traffic {
  readonly calls: number
  readonly timed: number
}

/**
 * The new node and the old one call each other, as the old one speaks. Whether actors of both do depends on where they are;
 * what operators ask one node, it asks all others.
 */
async function whileMixed(world: World): Promise<void> {
  const [newer, older] = ['node-1', 'node-2'].map((name) => liveNode(world, name)) as [Live, Live]
  const [newerBefore, olderBefore] = [await trafficOf(newer), await trafficOf(older)]
  await world.answered()
  const versions = await versionsToldBy(world, newer)
  const sameVersions = await versionsToldBy(world, older)
  const [newerAfter, olderAfter] = [await trafficOf(newer), await trafficOf(older)]
  if (versions !== sameVersions) throw new Error(`node-1 says ${versions}, node-2 ${sameVersions}`)
  if (!(newerAfter.calls > newerBefore.calls)) throw new Error('the new node did not call the old one')
  // A build of another day may not count them.
  if (olderAfter.calls <= olderBefore.calls) throw new Error('the old node did not call the new one')
  if (newerAfter.timed > 0) throw new Error('an old node said how long calls took')
  const figures = await figuresOf(newer)
  const [previous, newest] = [figures('heliograph_node_streams_previous'), figures('heliograph_node_streams')]
  if (!(previous > 0) || newest > 0) throw new Error(`${previous} streams speak the old version, ${newest} the new one`)
  const [there, back] = [newerAfter.calls - newerBefore.calls, olderAfter.calls - olderBefore.calls]
  world.event(`${versions}: ${there} calls from the new node, ${back} from the old one, in the old one's protocol`)
}

/** Each node's version, as this one has it from them. */
async function versionsToldBy({ cluster }: World, { http }: Live): Promise<string> {
  const token = readFileSync(cluster.env.HELIOGRAPH_ADMIN_TOKEN_FILE!, 'utf8').trim()
  const response = await fetch(`${http}/admin/api/cluster`, { headers: { authorization: `Bearer ${token}` } })
  const { nodes } = (await response.json()) as {
    nodes: readonly { readonly node: string; readonly report?: { readonly version: string } }[]
  }
  return nodes.map(({ node, report }) => `${node} is ${report?.version ?? 'silent'}`).join(', ')
}

async function tooNewIsRefused({ cluster, register, builds, event }: World): Promise<void> {
  const said = await cluster.start('node-3', 'actors', { program: builds['too new']! }).then(
    () => 'it started',
    (error: Error) => error.message,
  )
  const line = said.split('\n').find((each) => each.includes('upgrade one minor version at a time'))
  if (line === undefined) throw new Error(`a node two minor versions away: ${said}`)
  if (register.view?.members.some(({ node }) => node === 'node-3')) throw new Error('it became a member')
  event(`refused: ${line}`)
}

async function allSpeakTheNewest(world: World): Promise<void> {
  for (const role of ['actors', 'gateway'] as const) {
    for (const live of world.cluster.live(role)) {
      const figures = await figuresOf(live)
      const previous = figures('heliograph_node_streams_previous')
      if (previous > 0) throw new Error(`${live.name} still speaks the old version`)
      if (role === 'gateway') continue // the last one may not have had a client yet
      // Whether its actors have called others by now depends on where those are.
      await versionsToldBy(world, live)
      const { calls, timed } = await trafficOf(live)
      if (!(timed > 0)) throw new Error(`${live.name}: ${calls} calls, ${timed} of them timed`)
    }
  }
}

function liveNode({ cluster }: World, name: string): Live {
  return cluster.live('actors').find((live) => live.name === name)!
}

async function trafficOf(live: Live): Promise<Traffic> {
  const figures = await figuresOf(live)
  return { calls: figures('heliograph_node_calls_total'), timed: figures('heliograph_node_calls_timed_total') }
}

/** What a process tells of itself; NaN: it does not know the figure. */
async function figuresOf({ http }: Live): Promise<(name: string) => number> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const values = new Map(text.split('\n').map((line) => line.split(' ') as [string, string]))
  return (name) => Number(values.get(name) ?? Number.NaN)
}
