/** Calls and frames between nodes, over a transport in memory. */
import { describe, expect, test } from 'vitest'
import {
  ActorError,
  type ActorSystem,
  decodeError,
  encodeError,
  errorCode,
  type NodeId,
  type Transport,
} from './index.js'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { MemoryStore, SoloOwnership, settled, testSystem, VirtualClock } from './testing/index.js'

/** Two nodes; node `a` owns the even shards until `owner` says otherwise. Errors cross as bytes. */
function cluster() {
  const store = new MemoryStore()
  const clock = new VirtualClock()
  const gates = new Gates()
  const ownerships: SoloOwnership[] = []
  const systems = new Map<NodeId, ActorSystem>()
  const world = {
    owner: (shard: number): NodeId => (shard % 2 === 0 ? 'a' : 'b'),
    lose: false,
    /** All shards go to one node, under a new epoch. */
    move(node: NodeId): void {
      world.owner = () => node
      for (const ownership of ownerships) ownership.epoch++
    },
    calls: [] as string[],
  }
  const transportOf = (from: NodeId): Transport => ({
    async call(node, call, outcome) {
      world.calls.push(`${from}>${node} ${call.kind}/${call.key}.${call.method}`)
      if (world.lose) return
      try {
        outcome.answered(await (systems.get(node) as ActorSystem).handle(structuredClone(call)))
      } catch (error) {
        outcome.failed(decodeError(encodeError(error)))
      }
    },
    send: (node, frame) => systems.get(node)?.deliver(from, structuredClone(frame)),
    broadcast: (frame) => {
      for (const system of systems.values()) system.deliver(from, structuredClone(frame))
    },
  })
  for (const node of ['a', 'b']) {
    const ownership = new SoloOwnership(1, node, 16)
    ownerships.push(ownership)
    ownership.elsewhere = (shard) => (world.owner(shard) === node ? undefined : world.owner(shard))
    const { system } = testSystem([counterActor(gates)], { clock, store, ownership, transport: transportOf(node) })
    systems.set(node, system)
  }
  const [a, b] = [...systems.values()] as [ActorSystem, ActorSystem]
  return { a, b, world, clock, gates, store }
}

const ids = [1, 2, 3, 4, 5, 6, 7, 8]

describe('calls between nodes', () => {
  test('run where the shard is owned, once, and answer the same everywhere', async () => {
    const { a, b, world } = cluster()
    for (const id of ids) {
      expect(await a.ref(Counter, id).add(2)).toBe(2)
      expect(await b.ref(Counter, id).add(3)).toBe(5)
    }
    expect(world.calls).toHaveLength(ids.length)
    expect(a.health.residents() + b.health.residents()).toBe(ids.length)
  })

  test('carry errors with their code, reason and retry, and the stack of the caller', async () => {
    const { a, world } = cluster()
    world.owner = () => 'b'
    async function theCaller() {
      await a.ref(Counter, 1).fail(false, 'refused')
    }
    const error = (await theCaller().catch((thrown) => thrown)) as ActorError
    expect([error.code, error.details.reason]).toEqual(['REFUSED', 'NOT_TODAY'])
    const sent = new ActorError('OVERLOADED', 'full', { retryAfterMs: 7 })
    expect(decodeError(encodeError(sent))).toEqual(sent)
  })

  test('that get no answer by the deadline have an unknown outcome', async () => {
    const { a, world, clock } = cluster()
    world.owner = () => 'b'
    world.lose = true
    async function theCaller() {
      await a.ref(Counter, 1).add(1)
    }
    const late = theCaller().catch((thrown) => thrown)
    await clock.advance(10_100)
    const error = (await late) as ActorError
    expect(error.code).toBe('OUTCOME_UNKNOWN')
    expect(error.stack).toContain('theCaller')
  })

  test('are refused by a node that does not own the shard, and sent on when the owner has changed', async () => {
    const { a, b, world } = cluster()
    world.owner = () => 'b'
    const envelope = {
      kind: 'counter',
      key: '1',
      method: 'add',
      args: [],
      deadlineMs: 0,
      traceId: 't',
      chain: [],
    }
    expect(await Promise.resolve(a.handle({ ...envelope, ifActive: false })).catch(errorCode)).toBe('NOT_OWNER')
    await b.ref(Counter, 1).add(1)
    world.move('a')
    expect(await a.ref(Counter, 1).total()).toBe(1)
    expect(await b.ref(Counter, 1).total()).toBe(1)
    expect(world.calls).toEqual(['b>a counter/1.total'])
  })

  test('with bad keys or methods are refused at the door', async () => {
    const { a, world } = cluster()
    world.owner = () => 'a'
    const good = {
      kind: 'counter',
      key: '1',
      method: 'total',
      args: [],
      traceId: 't',
      chain: [],
      ifActive: false,
    }
    const call = (bad: object) => Promise.resolve(a.handle({ ...good, deadlineMs: 2 ** 50, ...bad })).catch(errorCode)
    expect(await call({})).toBe(0)
    expect(await call({ method: 'toString' })).toBe('INTERNAL')
    expect(await call({ kind: 'nothing' })).toBe('INTERNAL')
    expect(await call({ key: '../1' })).toBe('INTERNAL')
    expect(await call({ chain: ['counter/2', 'counter/1'] })).toBe('CALL_CYCLE')
    expect(await call({ deadlineMs: 1 })).toBe('DEADLINE_EXCEEDED')
  })

  test('`ifActive` asks the owner and activates nothing there', async () => {
    const { a, b, world } = cluster()
    world.owner = () => 'b'
    expect(await a.ref(Counter, 1, { ifActive: true }).total()).toBeUndefined()
    expect(b.health.residents()).toBe(0)
    await a.ref(Counter, 1).add(1)
    expect(await a.ref(Counter, 1, { ifActive: true }).total()).toBe(1)
  })
})

describe('frames', () => {
  test('arrive in order, never in the stack of the sender, on this node and the other (F1)', async () => {
    const { a, b } = cluster()
    const got: unknown[] = []
    a.receive('sink', (payload, from) => got.push(['a', payload, from]))
    b.receive('sink', (payload, from) => got.push(['b', payload, from]))
    for (const n of [1, 2]) {
      a.send('a', 'sink', { n })
      a.send('b', 'sink', { n })
    }
    a.broadcast('sink', 'all')
    expect(got).toEqual([])
    await settled()
    const of = (node: string) =>
      got.filter((each) => (each as unknown[])[0] === node).map((each) => (each as unknown[])[1])
    expect(of('a')).toEqual([{ n: 1 }, { n: 2 }, 'all'])
    expect(of('b')).toEqual([{ n: 1 }, { n: 2 }, 'all'])
  })

  test('for a sink without receiver are dropped; a receiver that throws stops nothing', async () => {
    const { system, log } = testSystem([])
    const got: unknown[] = []
    system.receive('sink', (payload) => {
      got.push(payload)
      throw new Error('bad receiver')
    })
    system.send(system.node, 'nobody', 1)
    system.send(system.node, 'sink', 2)
    system.broadcast('sink', 3)
    await settled()
    expect(got).toEqual([2, 3])
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(2)
    expect(() => system.receive('sink', () => undefined)).toThrow(/receiver already/)
  })
})
