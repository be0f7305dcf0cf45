import type { Dice } from './dice.js'
import type { SingleWorld } from './single-world.js'
import type { World } from './world.js'

/** What goes wrong in a world until it is healed. */
export interface Faults {
  /** Ends all troubles but crashes that are armed already. */
  heal(): void
}

/** Crashes at random events and between random writes, and a disk that is slow, full or hangs. */
export function randomFaults(world: SingleWorld): Faults {
  const dice = world.diceFor('faults')
  const { settings } = world
  let isOver = false
  let crashesLeft = settings.crashes
  let nextCrash = Number.POSITIVE_INFINITY
  const aim = () => {
    const between = dice.between(1, settings.eventsBetweenCrashes)
    nextCrash = Number.POSITIVE_INFINITY
    if (crashesLeft <= 0 || isOver) return
    crashesLeft--
    if (dice.chance(0.4)) world.disk.crashAfter(dice.between(0, Math.ceil(between / 8)))
    else nextCrash = world.time.events + between
  }
  let knownCrashes = 0
  aim()
  world.beforeEvent = () => {
    if (world.crashes !== knownCrashes) {
      knownCrashes = world.crashes
      aim()
    }
    if (world.time.events < nextCrash || world.process?.isAlive !== true) return
    nextCrash = Number.POSITIVE_INFINITY
    world.crash('at an event')
  }
  if (settings.diskTroubles) world.spawn(diskTroubles(world, dice, () => isOver))
  if (settings.clockJumps) world.spawn(clockJumps(world, dice, () => isOver))
  return {
    heal() {
      isOver = true
      nextCrash = Number.POSITIVE_INFINITY
      world.disk.crashAfter(Number.POSITIVE_INFINITY)
      world.disk.slow(1)
      world.disk.fail(0)
      world.disk.resume()
    },
  }
}

async function clockJumps({ time, trace }: SingleWorld, dice: Dice, isOver: () => boolean): Promise<void> {
  for (;;) {
    await time.pause(dice.within(1, 600))
    if (isOver()) return
    const ms = dice.chance(0.5) ? dice.between(1, 5_000) : -dice.between(1, 5_000)
    trace.note('clock', `jumps by ${ms} ms`)
    time.jump(ms)
  }
}

async function diskTroubles(
  { time, disk, trace, settings }: SingleWorld,
  dice: Dice,
  isOver: () => boolean,
): Promise<void> {
  for (;;) {
    await time.pause(dice.within(1, 300))
    if (isOver()) return
    const trouble = dice.weighted({ slow: 3, full: 3, hang: 2 })
    trace.note('disk', trouble)
    if (trouble === 'full') disk.fail(dice.between(1, 3))
    else if (trouble === 'slow') {
      disk.slow(dice.between(5, 60))
      await time.pause(dice.within(1, 200))
      disk.slow(1)
    } else {
      disk.stall()
      await time.pause(dice.within(1, settings.stallAfterMs * 3))
      disk.resume()
    }
  }
}

/** One crash, before the event of this number. */
export function crashAtEvent(world: World, event: number): Faults {
  world.beforeEvent = () => {
    if (world.crashes === 0 && world.time.events >= event) world.crash('at an event')
  }
  return { heal: () => undefined }
}

/** One crash, after so many batches have become durable. */
export function crashAfterWrites(world: SingleWorld, writes: number): Faults {
  world.disk.crashAfter(writes)
  return { heal: () => world.disk.crashAfter(Number.POSITIVE_INFINITY) }
}
