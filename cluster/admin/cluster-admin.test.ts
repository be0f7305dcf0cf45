/** What any of several nodes answers for all: nodes in one process, on real streams, register and bus in memory. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { refusalReason, shardOf, systemClock, systemRandom } from '../../runtime/index.js'
import { MemoryRegister, noLog } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { ClusterNode } from '../cluster-node.js'
import { MemoryBroker } from '../membership/testing/memory-bus.js'
import { NodeTransport } from '../transport/node-transport.js'
import { ClusterAdmin, type NodeSource } from './cluster-admin.js'
import { memberCluster } from './member-cluster.js'
import type { NodeReport } from './reports.js'

const shardCount = 64
const load = { cores: 2, weight: 1, cpu: 0.5, loopLagMs: 1, callsPerSecond: 3, residents: 4, connections: 5 }

/** A node without actors: what it tells is made up, the ways on which it is asked are real. */
function source(node: string): NodeSource {
  const hop = { node, actor: 'chat/p1-2', method: 'post', traceId: 't', waitMs: 0, runMs: 1, failed: false }
  const atMs = { a: 30, b: 10, c: 20 }[node] ?? 0
  return {
    report: (): NodeReport => ({
      node,
      version: '1',
      upMs: 1,
      view: 1,
      load,
      sums: { calls: 1, turns: 1, commits: 1, pushes: 1, refusals: 0 },
      sizes: { connections: 5, sessions: 5, residents: 4, queued: 0, parked: 0, pendingPushBytes: 0 },
      oldestWaitMs: 0,
      waits: { boundsMs: [1], counts: [1, 0] },
      phases: {},
      kinds: [],
      hot: [],
    }),
    actors: ({ kind }) => [{ kind, key: node, turnsPerSecond: 1, busy: atMs / 100, waitMs: 0 }],
    activation: () => ({ lastError: { atMs: 1, message: `of ${node}` } }),
    trace: (traceId) => (traceId === 't' ? [{ ...hop, atMs }] : []),
    turnsOf: () => [{ ...hop, atMs }],
  }
}

const quiet = {
  handle: () => Promise.reject(new Error('no actors')),
  deliver: () => undefined,
  release: async (
    shards: readonly { readonly from: number; readonly to: number }[],
    _: number,
    told: (shard: number) => void,
  ) => {
    for (const { from, to } of shards) for (let shard = from; shard <= to; shard++) told(shard)
  },
  sealed: () => undefined,
  residentsIn: () => 0,
  acquire: () => undefined,
  abandon: () => undefined,
}

let nodes: { name: string; node: ClusterNode; admin: ClusterAdmin }[]

beforeEach(async () => {
  const register = new MemoryRegister()
  const broker = new MemoryBroker(systemClock)
  nodes = []
  for (const name of ['a', 'b', 'c']) {
    const node: ClusterNode = new ClusterNode({
      cluster: 'test',
      self: { node: name, roles: ['actors'], weight: 1 },
      register,
      bus: broker.connect(),
      clock: systemClock,
      random: systemRandom,
      log: noLog,
      load: () => load,
      transport: ({ node: self, incarnation }, peers) =>
        new NodeTransport({
          ...{ cluster: 'test', self, incarnation, peers },
          clock: systemClock,
          log: noLog,
          atTickEnd: setImmediate,
        }),
      shardCount,
    })
    const admin = new ClusterAdmin(memberCluster('test', node), source(name), () => systemClock.now())
    await node.join(quiet, { host: '127.0.0.1', port: 0, advertised: '127.0.0.1' })
    nodes.push({ name, node, admin })
  }
  await waitUntil('all know all, and each has its share', async () => {
    const reports = await Promise.all(nodes.map(({ admin }) => admin.report()))
    return reports.every(
      ({ nodes: of }) => of.length === 3 && of.every(({ shards, going }) => shards > 0 && going === 0),
    )
  })
})
afterEach(async () => {
  for (const { node } of nodes) await node.close()
})

test('any node tells of all: shards by the register, load and figures by each node itself', async () => {
  for (const { admin, name } of nodes) {
    const { self, cluster, nodes: of } = await admin.report()
    expect([self, cluster]).toEqual([name, 'test'])
    expect(of.map(({ node, isAlive, report }) => [node, isAlive, report?.node])).toEqual([
      ['a', true, 'a'],
      ['b', true, 'b'],
      ['c', true, 'c'],
    ])
    expect(of.reduce((sum, { shards }) => sum + shards, 0)).toBe(shardCount)
  }
})

test('actors of all nodes come in one order, and turns of one request in the order of their time', async () => {
  const { admin } = nodes[1]!
  expect((await admin.actors({ kind: 'chat', limit: 2 })).map(({ node }) => node)).toEqual(['a', 'c'])
  expect((await admin.trace('t')).map(({ node }) => node)).toEqual(['b', 'c', 'a'])
  expect(await admin.trace('another')).toEqual([])
  const { shard, owner, activation } = await admin.actor('chat', 'p1-2')
  expect([shard, activation?.lastError?.message]).toEqual([shardOf('chat', 'p1-2', shardCount), `of ${owner}`])
})

test('a node is drained through any other, its events are told by all, each once; one that is none is refused', async () => {
  const [{ admin: first }, , { admin: last }] = nodes as [(typeof nodes)[0], unknown, (typeof nodes)[0]]
  await first.setDraining('b', true)
  await waitUntil('b is empty', async () => (await last.report()).nodes[1]!.shards === 0)
  const events = await last.events()
  expect(events.filter(({ kind, node }) => kind === 'drain' && node === 'b')).toHaveLength(1)
  expect(new Set(events.map(({ by, number }) => `${by} ${number}`)).size).toBe(events.length)
  expect(events.filter(({ kind }) => kind === 'join').map(({ node }) => node)).toEqual(
    expect.arrayContaining(['b', 'c']),
  )
  const refused = await first.setDraining('x', true).catch((error: unknown) => error)
  expect(refusalReason(refused)).toBe('NO_SUCH_NODE')
})

test('one without a lease is told as halted, by itself and by the others', async () => {
  const all = async () => {
    const reports = await Promise.all(nodes.map(({ admin }) => admin.report()))
    return reports.map(({ nodes: of }) => of.map(({ isHalted }) => isHalted).join())
  }
  await waitUntil('all have a lease', async () => (await all()).every((each) => each === 'false,false,false'))
  const [{ node }] = nodes as [(typeof nodes)[0]]
  vi.spyOn(node.ownership, 'heldForMs', 'get').mockReturnValue(undefined)
  await waitUntil('all have heard it', async () => (await all()).every((each) => each === 'true,false,false'))
  vi.restoreAllMocks()
})

test('A1: one that does not answer holds nobody up, and is told without its report', async () => {
  await nodes[2]!.node.transport.close()
  const sinceMs = performance.now()
  const { nodes: of } = await nodes[0]!.admin.report()
  expect(of.map(({ node, report }) => [node, report !== undefined])).toEqual([
    ['a', true],
    ['b', true],
    ['c', false],
  ])
  expect(performance.now() - sinceMs).toBeLessThan(10_000)
})
