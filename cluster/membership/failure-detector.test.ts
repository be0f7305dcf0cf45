import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultLeaseLimits } from '../ownership/node-lease.js'
import {
  checkDetectionLimits,
  checkRecoveryTime,
  defaultDetectionLimits,
  suspicionByHaltMs,
  suspicionByLeaseMs,
  suspicionMs,
} from './detection-limits.js'
import { DetectionWorld } from './testing/detection-world.js'

const limits = defaultDetectionLimits

/** How long after a node's death each other one suspected it first. */
function delays(world: DetectionWorld, of: string, sinceMs: number): number[] {
  const living = world.nodes.filter(({ isDead, self }) => !isDead && self.node !== of)
  return living.map(({ self }) => {
    const first = world.suspicions.find((each) => each.by === self.node && each.of === of)
    return (first?.atMs ?? Number.POSITIVE_INFINITY) - sinceMs
  })
}

describe('a dead node', () => {
  test('F6: is suspected within 1.6 seconds of a kill, by all others, and by then is not alive to them', async () => {
    expect(suspicionMs(limits)).toBeLessThanOrEqual(1_600)
    for (let phaseMs = 0; phaseMs < 250; phaseMs += 35) {
      const world = new DetectionWorld(3)
      await world.clock.advance(5_000 + phaseMs)
      const sinceMs = world.clock.monotonic()
      world.node('n1').kill()
      await world.clock.advance(1_600)
      for (const delayMs of delays(world, 'n1', sinceMs)) expect(delayMs).toBeLessThan(1_600)
      expect(world.nodes.filter(({ detector }) => detector.isAlive('n1')).map(({ self }) => self.node)).toEqual(['n1'])
      expect(world.suspectedBy('n0').every((of) => of === 'n1')).toBe(true)
    }
  })

  test('F1: whom the bus says to be gone is suspected before his second of silence is over', async () => {
    const world = new DetectionWorld(3)
    await world.clock.advance(5_100)
    const sinceMs = world.clock.monotonic()
    world.node('n2').kill()
    for (const node of ['n0', 'n1']) world.node(node).detector.doubt('n2')
    await world.clock.advance(2_000)
    for (const delayMs of delays(world, 'n2', sinceMs)) expect(delayMs).toBeLessThan(600)
  })

  test('F6: a machine that vanishes, whose servers do not know, too', async () => {
    const world = new DetectionWorld(4)
    await world.clock.advance(5_000)
    const sinceMs = world.clock.monotonic()
    world.node('n3').isPaused = true
    await world.clock.advance(2_000)
    for (const delayMs of delays(world, 'n3', sinceMs)) expect(delayMs).toBeLessThan(1_600)
  })

  test('F2, F6: of two members, is suspected once its lease was not renewed for its length', async () => {
    const world = new DetectionWorld(2)
    await world.clock.advance(5_000)
    const sinceMs = world.clock.monotonic()
    world.node('n1').kill()
    await world.clock.advance(5_000)
    const [delayMs] = delays(world, 'n1', sinceMs)
    expect(delayMs).toBeGreaterThan(1_500)
    expect(delayMs).toBeLessThan(suspicionByLeaseMs(limits, defaultLeaseLimits.lengthMs))
  })

  test('F2, F6: two of three that die at once are suspected by the leases of both', async () => {
    const world = new DetectionWorld(3)
    await world.clock.advance(5_000)
    world.node('n1').kill()
    world.node('n2').kill()
    await world.clock.advance(4_000)
    expect(new Set(world.suspectedBy('n0'))).toEqual(new Set(['n1', 'n2']))
  })

  test('F6: while NATS is down as well', async () => {
    const world = new DetectionWorld(3)
    world.broker.isUp = false
    await world.clock.advance(10_000)
    expect(world.suspicions).toEqual([])
    world.node('n1').kill()
    await world.clock.advance(2_000)
    expect(new Set(world.suspectedBy('n0'))).toEqual(new Set(['n1']))
  })

  test('whose name another process has by now is suspected without waiting for its silence', async () => {
    const world = new DetectionWorld(3)
    await world.clock.advance(2_000)
    const [one] = world.members
    for (const { detector } of world.nodes)
      detector.watch([{ ...one!, incarnation: 'former' }, ...world.members.slice(1)])
    await world.clock.advance(1_000)
    expect(new Set(world.suspectedBy('n1'))).toEqual(new Set(['n0']))
  })

  test('is said again while it is watched, and no more once it is no member', async () => {
    const world = new DetectionWorld(3)
    world.node('n1').kill()
    await world.clock.advance(10_000)
    const said = world.suspectedBy('n0').length
    expect(said).toBeGreaterThan(3)
    for (const { detector } of world.nodes) detector.watch(world.members.filter(({ node }) => node !== 'n1'))
    await world.clock.advance(10_000)
    expect(world.suspectedBy('n0').length).toBe(said)
  })
})

describe('a node without a lease that is heard and answers', () => {
  const boundMs = suspicionByHaltMs(limits, defaultLeaseLimits.lengthMs)

  test('F7: is suspected by all others soon after its lease has ended, with NATS and without', async () => {
    for (const [count, isUp] of [
      [2, true],
      [3, true],
      [8, true],
      [3, false],
    ] as const) {
      for (let phaseMs = 0; phaseMs < 500; phaseMs += 70) {
        const world = new DetectionWorld(count)
        world.broker.isUp = isUp
        await world.clock.advance(5_000 + phaseMs)
        world.awayFromStore.add('n1')
        const sinceMs = world.clock.monotonic()
        await world.clock.advance(4_000)
        // Without NATS it is asked only when its silence is in doubt.
        const laterMs = isUp ? 0 : limits.doubtAfterMs + limits.restMs
        for (const delayMs of delays(world, 'n1', sinceMs)) {
          expect(delayMs).toBeGreaterThan(defaultLeaseLimits.lengthMs - defaultLeaseLimits.renewEveryMs)
          expect(delayMs).toBeLessThanOrEqual(boundMs + laterMs)
        }
        expect(world.suspicions.filter(({ of, reason }) => of !== 'n1' || reason !== 'halt')).toEqual([])
        expect(world.node('n0').detector.isAlive('n1')).toBe(false)
        world.awayFromStore.clear()
        await world.clock.advance(2_000)
        expect(world.node('n0').detector.isAlive('n1')).toBe(true)
      }
    }
  })

  test('F7: half of four are suspected by the half that reaches the store, and suspect nobody', async () => {
    const world = new DetectionWorld(4)
    await world.clock.advance(5_000)
    for (const node of ['n0', 'n1']) world.awayFromStore.add(node)
    await world.clock.advance(20_000)
    for (const node of ['n0', 'n1']) expect(world.suspectedBy(node)).toEqual([])
    for (const node of ['n2', 'n3']) expect(new Set(world.suspectedBy(node))).toEqual(new Set(['n0', 'n1']))
  })

  test('F7: is left alone when it is a gateway, which owns nothing', async () => {
    const world = new DetectionWorld(3)
    const members = world.members.map((each) => (each.node === 'n1' ? { ...each, roles: ['gateway' as const] } : each))
    for (const { detector } of world.nodes) detector.watch([])
    for (const { detector } of world.nodes) detector.watch(members)
    await world.clock.advance(5_000)
    world.awayFromStore.add('n1')
    await world.clock.advance(20_000)
    expect(world.suspicions).toEqual([])
  })

  test('F7: is left alone where nobody else could take what it owns', async () => {
    const world = new DetectionWorld(3)
    const change = (change: (each: (typeof world.members)[number]) => object) => {
      const members = world.members.map((each) => (each.node === 'n1' ? each : { ...each, ...change(each) }))
      for (const { detector } of world.nodes) detector.watch(members)
    }
    change(() => ({ roles: ['gateway'] }))
    await world.clock.advance(5_000)
    world.awayFromStore.add('n1')
    await world.clock.advance(5_000)
    change(() => ({ isDraining: true }))
    await world.clock.advance(5_000)
    expect(world.suspicions).toEqual([])
    change(({ node }) => ({ isDraining: node === 'n0' }))
    await world.clock.advance(1_000)
    expect(new Set(world.suspicions.map(({ by }) => by))).toEqual(new Set(['n0', 'n2']))
  })

  test('F7: is left alone while the store answers late', async () => {
    const world = new DetectionWorld(3)
    await world.clock.advance(5_000)
    world.storeTakesMs = 500
    world.awayFromStore.add('n1')
    await world.clock.advance(5_000)
    expect(world.suspicions).toEqual([])
  })

  test('F7: is suspected where nobody reaches it either, though the bus is heard to say that it lives', async () => {
    for (const count of [2, 3, 5]) {
      const world = new DetectionWorld(count)
      for (const { node } of world.members) world.lost.add(`${node}>n1`)
      await world.clock.advance(10_000)
      expect(world.suspicions).toEqual([])
      world.awayFromStore.add('n1')
      await world.clock.advance(10_000)
      expect(world.suspicions.filter(({ of, reason }) => of !== 'n1' || reason !== 'halt')).toEqual([])
      expect(world.suspectedBy('n0')).toContain('n1')
    }
  })

  test('F7: is not fit to coordinate from the moment at which it says so, whatever its roles', async () => {
    const world = new DetectionWorld(3)
    const members = world.members.map((member) => ({ ...member, roles: ['gateway' as const] }))
    for (const { detector } of world.nodes) detector.watch(members)
    await world.clock.advance(5_000)
    expect(world.node('n0').detector.isFit('n1')).toBe(true)
    world.awayFromStore.add('n1')
    await world.clock.advance(defaultLeaseLimits.lengthMs + 2 * limits.heartbeatEveryMs)
    expect(world.node('n0').detector.isFit('n1')).toBe(false)
    expect(world.node('n0').detector.isAlive('n1')).toBe(true)
    world.awayFromStore.clear()
    await world.clock.advance(2_000)
    expect(world.node('n0').detector.isFit('n1')).toBe(true)
  })

  test('F7: is left alone when it renews soon enough', async () => {
    const haltMs = 2 * defaultLeaseLimits.renewEveryMs
    const world = new DetectionWorld(3, { haltMs })
    await world.clock.advance(5_000)
    world.awayFromStore.add('n1')
    await world.clock.advance(defaultLeaseLimits.lengthMs + haltMs - defaultLeaseLimits.renewEveryMs - 10)
    expect(world.node('n1').heldForMs).toBeUndefined()
    world.awayFromStore.clear()
    await world.clock.advance(10_000)
    expect(world.suspicions).toEqual([])
  })

  test('F7: nobody is suspected while the store is away, nor when all come back within a while', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.boolean(),
        fc.integer({ min: defaultLeaseLimits.lengthMs, max: 15_000 }),
        fc.array(fc.integer({ min: 0, max: limits.steadyMs - 600 }), { minLength: 5, maxLength: 5 }),
        async (count, isUp, awayMs, backAfterMs) => {
          const world = new DetectionWorld(count)
          world.broker.isUp = isUp
          await world.clock.advance(6_000)
          world.storeAnswers = false
          await world.clock.advance(awayMs)
          for (const { node } of world.members) world.awayFromStore.add(node)
          world.storeAnswers = true
          for (const [nth, { node }] of world.members.entries()) {
            world.clock.setTimer(backAfterMs[nth]!, () => void world.awayFromStore.delete(node))
          }
          await world.clock.advance(15_000)
          expect(world.suspicions).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  }, 120_000)
})

describe('nobody is suspected', () => {
  const quiet = async (count: number, misfortune: (world: DetectionWorld) => void | Promise<void>) => {
    const world = new DetectionWorld(count)
    await world.clock.advance(3_000)
    await misfortune(world)
    await world.clock.advance(20_000)
    expect(world.suspicions).toEqual([])
    for (const { detector } of world.nodes) {
      for (const { node } of world.members) expect(detector.isAlive(node)).toBe(true)
    }
    return world
  }

  test('while all is well, and nobody is probed', async () => {
    expect((await quiet(5, () => undefined)).probes).toBe(0)
  })

  test('F2: when NATS is down for all, and each member is probed at most twice a second by each other', async () => {
    for (const count of [2, 3, 8]) {
      const world = await quiet(count, ({ broker }) => {
        broker.isUp = false
      })
      expect(world.probes).toBeLessThan(count * (count - 1) * 2 * 20)
    }
  })

  test('F2: when one node is cut off from NATS: by it, nor it', async () => {
    for (const count of [2, 3]) await quiet(count, (world) => world.node('n1').bus.cut(true))
  })

  test('F3: when two nodes do not reach each other, and a third one reaches both, with NATS and without', async () => {
    for (const isUp of [true, false]) {
      await quiet(3, (world) => {
        world.broker.isUp = isUp
        world.cut('n0', 'n1')
      })
    }
  })

  test('F3: when questions are lost in one direction only', async () => {
    await quiet(4, (world) => {
      world.broker.isUp = false
      for (const { node } of world.members) if (node !== 'n0') world.lost.add(`n1>${node}`)
    })
  })

  test('F2: by a node that is cut off from everybody while the others renew their leases', async () => {
    for (const count of [2, 3]) {
      const world = new DetectionWorld(count)
      await world.clock.advance(3_000)
      world.node('n0').bus.cut(true)
      for (const { node } of world.members) if (node !== 'n0') world.cut('n0', node)
      await world.clock.advance(20_000)
      expect(world.suspectedBy('n0')).toEqual([])
      if (count === 3) expect(new Set(world.suspectedBy('n1'))).toEqual(new Set(['n0']))
    }
  })

  test('F2: by two of five that are cut off from the others, though each is a witness for the other', async () => {
    const world = new DetectionWorld(5)
    await world.clock.advance(3_000)
    const [few, many] = [
      ['n0', 'n1'],
      ['n2', 'n3', 'n4'],
    ] as const
    for (const one of few) {
      world.node(one).bus.cut(true)
      for (const other of many) world.cut(one, other)
    }
    await world.clock.advance(20_000)
    for (const one of few) expect(world.suspectedBy(one)).toEqual([])
    for (const other of many) expect(new Set(world.suspectedBy(other))).toEqual(new Set(few))
  })

  test('F2: by a node that reaches neither the others nor the store', async () => {
    const world = new DetectionWorld(2)
    await world.clock.advance(3_000)
    world.storeAnswers = false
    world.broker.isUp = false
    world.cut('n0', 'n1')
    await world.clock.advance(20_000)
    expect(world.suspicions).toEqual([])
  })

  test('F4: by a node that was paused for ten seconds itself; it is suspected, and heard again afterwards', async () => {
    const world = new DetectionWorld(4)
    await world.clock.advance(3_000)
    world.node('n0').isPaused = true
    await world.clock.advance(10_000)
    expect(new Set(world.suspectedBy('n2'))).toEqual(new Set(['n0']))
    world.node('n0').isPaused = false
    await world.clock.advance(10_000)
    expect(world.suspectedBy('n0')).toEqual([])
    expect(world.node('n0').detector.ownPauses).toBeGreaterThan(0)
    expect(world.node('n2').detector.isAlive('n0')).toBe(true)
  })

  test('F4: when the wall clock of a node jumps', async () => {
    await quiet(3, async (world) => {
      world.broker.isUp = false
      world.clock.jump(60_000)
      await world.clock.advance(500)
      world.clock.jump(-60_000)
    })
  })
})

describe('F5: bounds', () => {
  test('of fifty members, a dead one is probed a few times by each other, and there is no storm', async () => {
    const world = new DetectionWorld(50)
    await world.clock.advance(2_000)
    world.node('n7').kill()
    await world.clock.advance(1_600)
    expect(new Set(world.suspicions.map(({ of }) => of))).toEqual(new Set(['n7']))
    expect(world.probes).toBeLessThan(49 * 8)
  })
})

/** A fault from a moment on, for some seconds. */
const faults = (count: number) =>
  fc.record({
    kind: fc.constantFrom('link', 'one way', 'bus', 'all of the bus', 'pause', 'store'),
    one: fc.nat(count - 1),
    other: fc.nat(count - 1),
    fromMs: fc.nat(6_000),
    forMs: fc.integer({ min: 50, max: 6_000 }),
  })
type Fault = ReturnType<typeof faults> extends fc.Arbitrary<infer T> ? T : never

function begin(world: DetectionWorld, { kind, one, other }: Fault): () => void {
  const [from, to] = [`n${one}`, `n${other}`]
  if (kind === 'bus') {
    world.node(from).bus.cut(true)
    return () => world.node(from).isDead || world.node(from).bus.cut(false)
  }
  if (kind === 'all of the bus') world.broker.isUp = false
  else if (kind === 'pause') world.node(from).isPaused = true
  else if (kind === 'store') world.storeAnswers = false
  else if (kind === 'link') world.cut(from, to)
  else world.lost.add(`${from}>${to}`)
  return () => {
    if (kind === 'all of the bus') world.broker.isUp = true
    else if (kind === 'pause') world.node(from).isPaused = false
    else if (kind === 'store') world.storeAnswers = true
    world.lost.delete(`${from}>${to}`)
    if (kind === 'link') world.lost.delete(`${to}>${from}`)
  }
}

function schedule(world: DetectionWorld, all: readonly Fault[]): void {
  for (const fault of all) {
    world.clock.setTimer(fault.fromMs, () => {
      const end = begin(world, fault)
      world.clock.setTimer(fault.forMs, end)
    })
  }
}

/** Those who reach it on the nodes' own streams, there and back. */
const reaching = (world: DetectionWorld, of: string) =>
  world.members.filter(
    ({ node }) => node !== of && !world.lost.has(`${node}>${of}`) && !world.lost.has(`${of}>${node}`),
  )

describe('whatever happens', () => {
  test('F1, F3: a node that two others reach all the time, and that is never paused, is never suspected', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 3, max: 6 })
          .chain((count) => fc.tuple(fc.constant(count), fc.array(faults(count), { maxLength: 8 }))),
        async ([count, all]) => {
          const world = new DetectionWorld(count)
          const safe = 'n0'
          const spared = ['n1', 'n2']
          // The two who reach it may be cut off from others, but not from it; and they answer when they are asked.
          const links = all.filter(({ kind, one, other }) => {
            if (kind === 'pause') return one > 2
            const pair = [one, other]
            const isAtSafe = pair.includes(0) && pair.some((each) => each === 1 || each === 2)
            const isAtSpared = pair.some((each) => each === 1 || each === 2)
            return (kind !== 'link' && kind !== 'one way') || !(isAtSafe || isAtSpared)
          })
          schedule(world, links)
          await world.clock.advance(15_000)
          expect(reaching(world, safe).map(({ node }) => node)).toEqual(expect.arrayContaining(spared))
          expect(world.suspicions.filter(({ of }) => of === safe)).toEqual([])
        },
      ),
      { numRuns: 100 },
    )
  }, 180_000)

  test('F6: a node that dies is suspected by all who were not paused, though links and NATS fail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 2, max: 5 })
          .chain((count) =>
            fc.tuple(
              fc.constant(count),
              fc.array(faults(count), { maxLength: 4 }),
              fc.integer({ min: 1_000, max: 5_000 }),
            ),
          ),
        async ([count, all, killedMs]) => {
          const world = new DetectionWorld(count)
          schedule(
            world,
            all.filter(({ kind }) => kind !== 'pause' && kind !== 'store'),
          )
          await world.clock.advance(killedMs)
          world.node('n1').kill()
          const sinceMs = world.clock.monotonic()
          // Where witnesses vouched late or nobody else answers, the lease is looked at from then on.
          const boundMs = suspicionMs(limits) + limits.restMs + suspicionByLeaseMs(limits, defaultLeaseLimits.lengthMs)
          await world.clock.advance(boundMs)
          for (const delayMs of delays(world, 'n1', sinceMs)) expect(delayMs).toBeLessThanOrEqual(boundMs)
        },
      ),
      { numRuns: 100 },
    )
  }, 180_000)
})

describe('limits', () => {
  test('the defaults keep to five seconds after a crash, with the lease as the second witness too (O4)', () => {
    checkDetectionLimits(limits)
    checkRecoveryTime(limits, defaultLeaseLimits)
  })

  test('those that cannot work are refused at start', () => {
    expect(() => checkDetectionLimits({ ...limits, silenceMs: 600 })).toThrow(TypeError)
    expect(() => checkDetectionLimits({ ...limits, probeMs: 600 })).toThrow(TypeError)
    expect(() => checkDetectionLimits({ ...limits, lookEveryMs: 0 })).toThrow(TypeError)
    expect(() => checkRecoveryTime(limits, { ...defaultLeaseLimits, lengthMs: 2_500 })).toThrow(/Shorten the lease/)
  })
})
