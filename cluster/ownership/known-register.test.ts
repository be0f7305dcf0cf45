import { expect, test } from 'vitest'
import { ActorError, type OwnershipView } from '../../runtime/index.js'
import { MemoryRegister, noLog, SeededRandom, VirtualClock } from '../../runtime/testing/index.js'
import { KnownRegister } from './known-register.js'
import { emptyView } from './views.js'

/** A register that counts how often it is read, and what the node goes by. */
function known() {
  const clock = new VirtualClock()
  const register = new MemoryRegister()
  const world = { clock, register, reads: 0, isAway: false, views: [] as number[] }
  const read = register.read.bind(register)
  register.read = async () => {
    world.reads++
    if (world.isAway) throw new ActorError('STORE_UNAVAILABLE', 'no answer')
    return read()
  }
  const node = new KnownRegister(
    { register, clock, random: new SeededRandom(1), log: noLog, adopt: ({ view }) => void world.views.push(view.view) },
    { readEveryMs: 1_000, refreshMs: 2_000 },
    4,
  )
  return { ...{ node, clock, register }, world }
}

const next = (view: OwnershipView): OwnershipView => ({ ...view, view: view.view + 1 })

test('F4: a thousand words of newer views make it read one after the other, and it comes to the newest', async () => {
  const { node, clock, register, world } = known()
  await node.start()
  let view = emptyView(4)
  world.isAway = true
  for (let count = 0; count < 1_000; count++) node.saw(2 + (count % 2))
  await clock.advance(1_000)
  expect(world.reads).toBeLessThan(30)
  for (let count = 0; count < 2; count++) {
    view = next(view)
    await register.change(view)
  }
  world.isAway = false
  await clock.advance(100)
  expect(world.views.at(-1)).toBe(3)
})

test('F4: after one that could not be read in time, the next word begins anew', async () => {
  const { node, clock, register, world } = known()
  await node.start()
  world.isAway = true
  node.saw(2)
  await clock.advance(5_000)
  const { reads } = world
  await clock.advance(5_000)
  expect(world.reads).toBe(reads)
  await register.change(next(emptyView(4)))
  world.isAway = false
  node.saw(2)
  await clock.advance(100)
  expect(world.views.at(-1)).toBe(2)
})
