import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ActorError,
  errorCode,
  type OwnershipView,
  refusalReason,
  type SealedShard,
  type ShardRange,
} from '../../runtime/index.js'
import { MemoryRegister, noLog, SeededRandom, settled, VirtualClock } from '../../runtime/testing/index.js'
import { ClusterOwnership } from './cluster-ownership.js'
import { Coordinator } from './coordinator.js'
import type { ShardHost } from './handover.js'
import { defaultLeaseLimits, waitAfterRevocationMs } from './node-lease.js'
import { statesOf } from './shard-states.js'

const SHARDS = 32
const waitMs = waitAfterRevocationMs(defaultLeaseLimits.lengthMs, defaultLeaseLimits)

/** A node's runtime, as ownership sees it: a shard is quiet some time after it was asked to be. */
class FakeHost implements ShardHost {
  acquired: ShardRange[] = []
  released: number[] = []
  handed: (SealedShard & { readonly to: string })[] = []
  abandoned = 0
  quietAfterMs = 5
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  async release(ranges: readonly ShardRange[], withinMs: number, released: (shard: number) => void): Promise<void> {
    for (const { from, to } of ranges) {
      for (let shard = from; shard <= to; shard++) {
        this.#clock.setTimer(Math.min(this.quietAfterMs, withinMs), () => {
          this.released.push(shard)
          released(shard)
        })
      }
    }
  }

  sealed(shards: readonly SealedShard[], to: string): void {
    for (const each of shards) this.handed.push({ ...each, to })
  }

  residentsIn(): number {
    return 1
  }

  acquire(shards: readonly ShardRange[]): void {
    this.acquired.push(...shards)
  }

  abandon(): void {
    this.abandoned++
  }
}

class Node {
  readonly ownership: ClusterOwnership
  readonly coordinator: Coordinator
  readonly host: FakeHost
  isAlive = true

  readonly world: World
  readonly name: string

  constructor(world: World, name: string, weight = 1, roles: readonly ('gateway' | 'actors')[] = ['actors']) {
    const { clock, register } = world
    this.world = world
    this.name = name
    this.host = new FakeHost(clock)
    this.ownership = new ClusterOwnership({
      register: this.#reached(register),
      clock,
      random: new SeededRandom(world.seed + world.nodes.length),
      log: noLog,
      self: { node: name, roles, weight },
      shardCount: SHARDS,
    })
    this.ownership.onView(({ view }) => {
      if (world.announces) for (const other of world.nodes) if (other.isAlive) other.ownership.saw(view.view)
    })
    this.coordinator = new Coordinator({
      ownership: this.ownership,
      register: this.#reached(register),
      clock,
      log: noLog,
      isFit: (node) => world.nodes.some((each) => each.name === node && each.isAlive),
    })
  }

  /** What a process that was killed asks is never answered. */
  #reached(register: MemoryRegister): MemoryRegister {
    return new Proxy(register, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return (...args: unknown[]) => (this.isAlive ? method.apply(target, args) : new Promise(() => undefined))
      },
    })
  }

  async start(): Promise<void> {
    const joining = this.ownership.join(`${this.name}:1`, this.host).then(() => this.coordinator.start())
    await this.world.until(joining)
  }

  kill(): void {
    this.isAlive = false
    this.coordinator.stop()
  }

  held(): number[] {
    const view = this.ownership.view
    if (view === undefined || !this.isAlive) return []
    return [...statesOf(view).keys()].filter((shard) =>
      this.ownership.holds(shard, this.ownership.newestEpochOf(shard)),
    )
  }

  open(): number[] {
    return this.held().filter((shard) => this.ownership.epochOf(shard) !== undefined)
  }
}

class World {
  readonly clock = new VirtualClock()
  readonly register = new MemoryRegister()
  readonly nodes: Node[] = []
  readonly seed: number
  /** False: nobody hears of a new view, all have to look. */
  announces = true

  constructor(seed = 1) {
    this.seed = seed
  }

  add(name: string, weight?: number, roles?: readonly ('gateway' | 'actors')[]): Node {
    const node = new Node(this, name, weight, roles)
    this.nodes.push(node)
    return node
  }

  async until<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    void promise.then(
      () => {
        isOver = true
      },
      () => {
        isOver = true
      },
    )
    await settled()
    for (let steps = 0; !isOver && steps < 20_000; steps++) await this.clock.advance(5)
    return promise
  }

  /** All that live agree that the dead one is dead. */
  suspect(dead: Node): void {
    const member = this.nodes
      .find(({ isAlive }) => isAlive)
      ?.ownership.view?.members.find(
        ({ node, incarnation }) => node === dead.name && incarnation === dead.ownership.incarnation,
      )
    if (member === undefined) return
    for (const node of this.nodes) if (node.isAlive) node.coordinator.suspected(member)
  }

  async view(): Promise<OwnershipView> {
    return (await this.register.read())!
  }
}

async function cluster(names: readonly string[]): Promise<World> {
  const world = new World()
  for (const name of names) await world.add(name).start()
  await world.clock.advance(1_000)
  return world
}

const sizes = (world: World) => world.nodes.map((node) => node.open().length)

describe('members and their shards', () => {
  test('the first node opens everything at once; each that joins gets its share, sealed by the others', async () => {
    const world = await cluster(['a'])
    expect(sizes(world)).toEqual([SHARDS])
    for (const name of ['b', 'c', 'd']) await world.add(name).start()
    await world.clock.advance(1_000)
    expect(sizes(world)).toEqual([8, 8, 8, 8])
    expect((await world.view()).shards.every(({ mustWait, next }) => !mustWait && next === undefined)).toBe(true)
  })

  test('a node of half the weight takes half as many shards; a gateway takes none', async () => {
    const world = new World()
    await world.add('a', 2).start()
    await world.add('b', 1).start()
    await world.add('g', 1, ['gateway']).start()
    await world.clock.advance(1_000)
    const [a = 0, b = 0, g] = sizes(world)
    expect([a + b, g]).toEqual([SHARDS, 0])
    expect(a).toBeGreaterThanOrEqual(21)
    expect(a).toBeLessThanOrEqual(22)
  })

  test('O3: nothing is answered under an epoch once its seal was sent', async () => {
    const world = await cluster(['a'])
    const [a] = world.nodes as [Node]
    let sealed: OwnershipView | undefined
    let mayGo = () => {}
    const change = world.register.change.bind(world.register)
    world.register.change = async (next) => {
      if (next.shards.some(({ owner }) => owner?.node === 'b')) {
        sealed ??= next
        await new Promise<void>((resolve) => {
          mayGo = resolve
        })
      }
      return change(next)
    }
    const b = world.add('b')
    await b.start()
    while (sealed === undefined) await world.clock.advance(5)
    const given = [...statesOf(sealed).entries()].filter(([, { owner }]) => owner?.node === 'b')
    expect(given.length).toBeGreaterThan(0)
    for (const [shard, { epoch }] of given) {
      expect(a.ownership.holds(shard, epoch - 1)).toBe(false)
      expect(a.ownership.epochOf(shard)).toBeUndefined()
      expect(b.ownership.epochOf(shard)).toBeUndefined()
    }
    mayGo()
    world.register.change = change
    await world.clock.advance(1_500)
    expect(sizes(world)).toEqual([16, 16])
  })

  test('a node that leaves gives all away and is no member; the last one seals, and the next start need not wait', async () => {
    const world = await cluster(['a', 'b', 'c'])
    const [a, b, c] = world.nodes as [Node, Node, Node]
    expect(await world.until(b.ownership.leave(10_000))).toBe(true)
    b.kill()
    await world.clock.advance(1_000)
    expect([a.open().length + c.open().length, (await world.view()).members.map(({ node }) => node)]).toEqual([
      SHARDS,
      ['a', 'c'],
    ])
    expect(await world.until(a.ownership.leave(10_000))).toBe(true)
    a.kill()
    expect(await world.until(c.ownership.leave(10_000))).toBe(true)
    c.kill()
    expect((await world.view()).shards.every(({ owner }) => owner === undefined)).toBe(true)
    const again = world.add('a')
    await again.start()
    await world.clock.advance(100)
    expect(again.open()).toHaveLength(SHARDS)
  })

  test('a shard that is not quiet in time is given away all the same', async () => {
    const world = await cluster(['a'])
    world.nodes[0]!.host.quietAfterMs = 60_000
    await world.add('b').start()
    await world.clock.advance(8_000)
    expect(sizes(world)).toEqual([16, 16])
  })

  test('a move that is called off while it drains: the shards stay, under the same epoch, and are swept again', async () => {
    const world = await cluster(['a'])
    const [a] = world.nodes as [Node]
    a.host.quietAfterMs = 400
    const b = world.add('b')
    await b.start()
    await world.clock.advance(100)
    expect(a.ownership.phases().draining).toBe(16)
    b.kill()
    world.suspect(b)
    await world.clock.advance(1_000)
    expect(a.open()).toHaveLength(SHARDS)
    expect(a.host.acquired.length).toBeGreaterThan(1)
  })
})

describe('a crash', () => {
  test('O3: after the revocation the new owners wait the whole lease with both drifts, then open', async () => {
    const world = await cluster(['a', 'b', 'c'])
    const [a, b, c] = world.nodes as [Node, Node, Node]
    const lost = b.open()
    b.kill()
    world.suspect(b)
    await world.clock.advance(waitMs - 10)
    for (const shard of lost) expect(a.ownership.epochOf(shard) ?? c.ownership.epochOf(shard)).toBeUndefined()
    expect(a.ownership.phases().waiting + c.ownership.phases().waiting).toBe(lost.length)
    await world.clock.advance(200)
    expect(a.open().length + c.open().length).toBe(SHARDS)
    expect((await world.view()).members.map(({ node }) => node)).toEqual(['a', 'c'])
  })

  test('O3: a shard is not given away before its own wait is over', async () => {
    const world = await cluster(['a', 'b'])
    const [a, b] = world.nodes as [Node, Node]
    const lost = b.open()
    b.kill()
    world.suspect(b)
    await world.clock.advance(500)
    const c = world.add('c')
    await c.start()
    await world.clock.advance(waitMs - 700)
    for (const shard of lost) expect(c.ownership.epochOf(shard)).toBeUndefined()
    expect(a.ownership.phases().waiting).toBe(lost.length)
    await world.clock.advance(2_000)
    expect(sizes(world)).toEqual([16, 0, 16])
  })

  test('a restart under the same name waits for its former incarnation, and gets its shards back', async () => {
    const world = await cluster(['a', 'b'])
    const [a, b] = world.nodes as [Node, Node]
    b.kill()
    const again = world.add('b')
    await again.start()
    expect(again.ownership.phases().waiting).toBe(16)
    await world.clock.advance(waitMs + 100)
    expect([a.open().length, again.open().length]).toEqual([16, 16])
  })

  test('a second process of the same name is refused while the first is alive', async () => {
    const world = await cluster(['a'])
    const error = await world
      .add('a')
      .start()
      .catch((thrown) => thrown)
    expect(refusalReason(error)).toBe('ALREADY_OWNED')
    expect(world.nodes[0]!.open()).toHaveLength(SHARDS)
  })

  test('W4: a node that was revoked while it lives abandons everything, and joins again as another incarnation', async () => {
    const world = await cluster(['a', 'b'])
    const [a, b] = world.nodes as [Node, Node]
    const former = b.ownership.incarnation
    world.nodes[0]!.coordinator.suspected({ node: 'b', incarnation: former })
    await world.clock.advance(2 * waitMs)
    expect(b.host.abandoned).toBe(1)
    expect(b.ownership.incarnation).not.toBe(former)
    await world.clock.advance(2_000)
    expect(sizes(world)).toEqual([16, 16])
    expect(a.host.abandoned).toBe(0)
  })

  test('W5: what an operator has drained stays so when it loses its lease and is back', async () => {
    const world = await cluster(['a', 'b'])
    const [, b] = world.nodes as [Node, Node]
    await b.ownership.setDraining('b', true)
    await world.clock.advance(2_000)
    expect(sizes(world)).toEqual([32, 0])
    const former = b.ownership.incarnation
    world.nodes[0]!.coordinator.suspected({ node: 'b', incarnation: former })
    await world.clock.advance(2 * waitMs + 2_000)
    expect(b.ownership.incarnation).not.toBe(former)
    expect(b.ownership.isMember).toBe(true)
    expect(sizes(world)).toEqual([32, 0])
    await b.ownership.setDraining('b', false)
    await world.clock.advance(2_000)
    expect(sizes(world)).toEqual([16, 16])
  })
})

describe('the register does not answer', () => {
  test('a node that starts waits for it, for so long', async () => {
    const world = new World()
    let isAway = true
    world.register.before = async () => {
      if (isAway) throw new ActorError('STORE_UNAVAILABLE', 'away')
    }
    world.clock.setTimer(20_000, () => {
      isAway = false
    })
    await world.add('a').start()
    expect(world.clock.monotonic()).toBeGreaterThanOrEqual(20_000)
    await world.clock.advance(1_000)
    expect(sizes(world)).toEqual([SHARDS])
    isAway = true
    const error = await world
      .add('b')
      .start()
      .catch((thrown) => thrown)
    expect(errorCode(error)).toBe('STORE_UNAVAILABLE')
  })

  test('nobody acts after the lease; when it answers again, all go on where they were', async () => {
    const world = await cluster(['a', 'b'])
    world.register.before = async () => {
      throw new ActorError('STORE_UNAVAILABLE', 'away')
    }
    await world.clock.advance(defaultLeaseLimits.lengthMs + 10)
    expect(world.nodes.map((node) => node.held().length)).toEqual([0, 0])
    world.register.before = async () => undefined
    await world.clock.advance(1_500)
    expect(sizes(world)).toEqual([16, 16])
    expect(world.nodes.map(({ host }) => host.abandoned)).toEqual([0, 0])
  })
})

type Step = { readonly do: 'add' | 'kill' | 'leave' | 'suspect' | 'wait'; readonly at: number }

test('whatever happens, no shard is held by two; in the end each is open at exactly one, and epochs never fall', async () => {
  const steps = fc.array(
    fc.record<Step>({
      do: fc.constantFrom('add', 'kill', 'leave', 'suspect', 'wait'),
      at: fc.nat({ max: 3_000 }),
    }),
    { minLength: 3, maxLength: 14 },
  )
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (script, seed) => {
      const world = new World(seed)
      world.announces = seed % 2 === 0
      await world.add('n0').start()
      const epochs = new Array<number>(SHARDS).fill(0)
      const look = async () => {
        const view = await world.view()
        for (const [shard, { epoch }] of statesOf(view).entries()) {
          expect(epoch).toBeGreaterThanOrEqual(epochs[shard]!)
          epochs[shard] = epoch
        }
        const holders = new Map<number, string>()
        for (const node of world.nodes) {
          for (const shard of node.held()) {
            expect(holders.get(shard)).toBeUndefined()
            holders.set(shard, node.name)
          }
        }
      }
      const run = async (ms: number) => {
        for (let left = ms; left > 0; left -= 50) {
          await world.clock.advance(Math.min(50, left))
          await look()
        }
      }
      for (const step of script) {
        const alive = world.nodes.filter(({ isAlive }) => isAlive)
        const one = alive[step.at % Math.max(1, alive.length)]
        if (step.do === 'add' && alive.length < 5) await world.add(`n${world.nodes.length}`).start()
        else if (step.do === 'kill' && alive.length > 1) one?.kill()
        else if (step.do === 'leave' && alive.length > 1 && one) void one.ownership.leave(5_000).then(() => one.kill())
        else if (step.do === 'suspect')
          for (const dead of world.nodes.filter((node) => !node.isAlive)) world.suspect(dead)
        await run(step.at)
      }
      await run(6_000)
      if (!world.nodes.some(({ isAlive }) => isAlive)) await world.add('last').start()
      for (const dead of world.nodes.filter(({ isAlive }) => !isAlive)) world.suspect(dead)
      await run(8_000)
      const open = world.nodes.filter(({ isAlive }) => isAlive).flatMap((node) => node.open())
      expect(open.sort((a, b) => a - b)).toEqual(Array.from({ length: SHARDS }, (_, shard) => shard))
    }),
    { numRuns: 10 },
  )
}, 60_000)
