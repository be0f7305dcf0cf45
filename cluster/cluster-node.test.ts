/** Several nodes in one process: real runtimes and gRPC streams on loopback, register and bus in memory. */
import { afterEach, describe, expect, test } from 'vitest'
import { type ActorSystem, createActorSystem, errorCode, systemClock, systemRandom } from '../runtime/index.js'
import {
  Counter,
  counterActor,
  Gates,
  MemoryRegister,
  MemoryStore,
  noLog,
  noMetrics,
} from '../runtime/testing/index.js'
import { waitUntil } from '../test/harness/index.js'
import { ClusterNode } from './cluster-node.js'
import { MemoryBroker, type MemoryBus } from './membership/testing/memory-bus.js'
import { openSoleOwnership } from './ownership/sole-owner.js'
import { NodeTransport } from './transport/node-transport.js'
import { PROTOCOL_VERSIONS } from './transport/protocol-versions.js'

const IDS = Array.from({ length: 60 }, (_, id) => id + 1)

interface TestNode {
  readonly name: string
  readonly cluster: ClusterNode
  readonly system: ActorSystem
  readonly bus: MemoryBus
  isAlive: boolean
}

class World {
  readonly register = new MemoryRegister()
  readonly broker = new MemoryBroker(systemClock)
  readonly store = new MemoryStore()
  readonly nodes: TestNode[] = []

  async add(
    name: string,
    versions?: { readonly oldest: number; readonly newest: number },
    advertised = '127.0.0.1',
  ): Promise<TestNode> {
    const bus = this.broker.connect()
    const cluster: ClusterNode = new ClusterNode({
      cluster: 'test',
      self: { node: name, roles: ['actors'], weight: 1 },
      register: this.register,
      bus,
      clock: systemClock,
      random: systemRandom,
      log: noLog,
      load: () => ({ cores: 1, weight: 1, cpu: 0, loopLagMs: 0, callsPerSecond: 0, residents: 0, connections: 0 }),
      transport: (self, peers) =>
        new NodeTransport({
          cluster: 'test',
          self: self.node,
          incarnation: self.incarnation,
          peers,
          clock: systemClock,
          log: noLog,
          atTickEnd: setImmediate,
          ...(versions && { versions }),
        }),
      shardCount: 64,
    })
    const system = createActorSystem({
      actors: [counterActor(new Gates())],
      clock: systemClock,
      random: systemRandom,
      journals: this.store,
      agenda: this.store,
      ownership: cluster.ownership,
      transport: cluster.transport,
      metrics: noMetrics,
      log: noLog,
      localValues: 'cross',
    })
    const node = { name, cluster, system, bus, isAlive: true }
    this.nodes.push(node)
    await cluster.join(system, { host: '127.0.0.1', port: 0, advertised })
    await system.start()
    return node
  }

  /** All shards are open, evenly, at those that live. */
  async balanced(): Promise<void> {
    const alive = this.nodes.filter(({ isAlive }) => isAlive)
    const most = Math.ceil(64 / alive.length)
    await waitUntil('all shards are open, evenly', () => {
      const open = alive.map(({ cluster }) => cluster.ownership.phases().open)
      return open.reduce((sum, each) => sum + each) === 64 && open.every((each) => each <= most)
    })
  }

  /** As kill -9: nothing of it is heard or answered any more. */
  async kill(node: TestNode): Promise<void> {
    node.isAlive = false
    node.bus.cut(true)
    node.cluster.ownership.seal()
    await node.cluster.close()
  }

  async leave(node: TestNode): Promise<boolean> {
    const hasLeft = await node.cluster.leave(10_000)
    node.isAlive = false
    await node.system.stop()
    await node.cluster.close()
    return hasLeft
  }
}

let world: World

afterEach(async () => {
  for (const node of world.nodes) if (node.isAlive) await world.kill(node)
})

async function cluster(...names: string[]): Promise<World> {
  world = new World()
  for (const name of names) await world.add(name)
  await world.balanced()
  return world
}

/** Adds one to every counter through a node again and again; counts what was said to be done, and every failure. */
function load(system: ActorSystem) {
  const added = new Map<number, number>()
  const failures: unknown[] = []
  let isOver = false
  let longestMs = 0
  const callers = IDS.map(async (id) => {
    while (!isOver) {
      const sinceMs = performance.now()
      try {
        await system.ref(Counter, id).add(1)
        added.set(id, (added.get(id) ?? 0) + 1)
      } catch (error) {
        failures.push(errorCode(error) ?? error)
      }
      longestMs = Math.max(longestMs, performance.now() - sinceMs)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  return {
    failures,
    async stop() {
      isOver = true
      await Promise.all(callers)
      return { added, longestMs }
    },
    rounds: () => Math.min(...IDS.map((id) => added.get(id) ?? 0)),
  }
}

async function holds(node: TestNode, added: ReadonlyMap<number, number>, orMore = false): Promise<void> {
  for (const [id, count] of added) {
    const total = await node.system.ref(Counter, id).total()
    if (orMore) expect(total).toBeGreaterThanOrEqual(count)
    else expect(total).toBe(count)
  }
}

describe('a cluster of one process', () => {
  test('grows from one to four under load and shrinks again: no call fails, and nothing is lost or done twice', async () => {
    const { nodes } = await cluster('a')
    const calls = load(nodes[0]!.system)
    for (const name of ['b', 'c', 'd']) {
      await world.add(name)
      await world.balanced()
    }
    const rounds = calls.rounds()
    await waitUntil('every counter is added to', () => calls.rounds() > rounds + 3)
    for (const node of nodes.slice(1)) {
      expect(await world.leave(node)).toBe(true)
      await world.balanced()
    }
    const { added } = await calls.stop()
    expect(calls.failures).toEqual([])
    await holds(nodes[0]!, added)
  }, 60_000)

  test('one that is killed: its actors answer again elsewhere, and what was acknowledged is there', async () => {
    const { nodes } = await cluster('a', 'b', 'c')
    const calls = load(nodes[0]!.system)
    await waitUntil('every counter is added to', () => calls.rounds() > 3)
    await world.kill(nodes[1]!)
    await world.balanced()
    const rounds = calls.rounds()
    await waitUntil('every counter is added to', () => calls.rounds() > rounds + 3)
    const { added } = await calls.stop()
    // A call that was at the dead node has an unknown outcome, which its caller finds out by its operation id.
    expect(new Set(calls.failures)).toEqual(new Set(calls.failures.length === 0 ? [] : ['OUTCOME_UNKNOWN']))
    await holds(nodes[0]!, added, true)
  }, 60_000)

  test('without the bus everything goes on, also a join; one that is cut off from it is not suspected', async () => {
    const { nodes, broker } = await cluster('a', 'b', 'c')
    const calls = load(nodes[0]!.system)
    nodes[1]!.bus.cut(true)
    broker.isUp = false
    await world.add('d')
    await world.balanced()
    const incarnations = nodes.map(({ cluster: { ownership } }) => ownership.incarnation)
    await waitUntil('every counter is added to', () => calls.rounds() > 20)
    const { added } = await calls.stop()
    expect(calls.failures).toEqual([])
    expect(nodes.map(({ cluster: { ownership } }) => ownership.incarnation)).toEqual(incarnations)
    await holds(nodes[2]!, added)
  }, 60_000)

  test('one that is revoked although it lives comes back by itself', async () => {
    const { nodes } = await cluster('a', 'b', 'c')
    const former = nodes[1]!.cluster.ownership.incarnation
    await world.register.revokeLease({ node: 'b', incarnation: former })
    const { ownership } = nodes[1]!.cluster
    await waitUntil('it has joined again', () => ownership.incarnation !== former && ownership.isMember)
    const told = () => nodes[0]!.cluster.announcements.recent().map(({ kind, node }) => `${kind} ${node}`)
    await waitUntil('the others are told', () => told().includes('halt b'))
    await world.balanced()
    const { system } = nodes[1]!
    for (const id of IDS) expect(await system.ref(Counter, id).add(1)).toBe(1)
  }, 60_000)

  test('where a process was alone: refused while that one lives, and in its place once it is dead', async () => {
    world = new World()
    const { register } = world
    const lease = { lengthMs: 600, renewEveryMs: 150 }
    const tools = { register, clock: systemClock, random: systemRandom, log: noLog }
    const alone = await openSoleOwnership({ ...tools, shardCount: 64, lease })
    const beside = await world.add('a').catch((error) => error)
    expect(beside).toMatchObject({ code: 'REFUSED', details: { reason: 'ALREADY_OWNED' } })
    expect((await register.read())!.members.map(({ node }) => node)).toEqual(['local'])
    alone.seal() // as kill -9 does: it says nothing in the register
    world = Object.assign(new World(), { register })
    await world.add('a')
    await world.balanced()
    expect((await register.read())!.members.map(({ node }) => node)).toEqual(['a'])
  }, 60_000)

  test('N5: one whom the others do not reach where it says is told so, and is none', async () => {
    world = new World()
    await world.add('a')
    await world.add('b')
    const error = await world.add('c', undefined, '127.0.0.9').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'REFUSED', details: { reason: 'NOT_REACHED' } })
    expect(String(error)).toMatch(/Others \([ab, ]+\) do not reach this node at 127\.0\.0\.9:\d+/)
    expect((await world.register.read())!.members.map(({ node }) => node)).toEqual(['a', 'b'])
  })

  test('N4: one of the next minor version may join; one that some member does not understand is told so, and is none', async () => {
    const { register } = await cluster('a')
    const { oldest, newest } = PROTOCOL_VERSIONS
    await world.add('b', { oldest: newest, newest: newest + 1 })
    await world.balanced()
    const leftOut = await world.add('c', { oldest: newest + 1, newest: newest + 2 }).catch((error) => error)
    expect(leftOut).toMatchObject({ code: 'REFUSED', details: { reason: 'OTHER_VERSION' } })
    expect(leftOut.message).toMatch(/node a speaks versions 1 to 2 .*node c speaks versions 3 to 4/)
    const tooOld = await world.add('d', { oldest: oldest - 1, newest: oldest }).catch((error) => error)
    expect(tooOld.message).toMatch(/node b speaks versions 2 to 3 .*node d speaks versions 0 to 1/)
    expect((await register.read())!.members.map(({ node }) => node)).toEqual(['a', 'b'])
  }, 60_000)
})
