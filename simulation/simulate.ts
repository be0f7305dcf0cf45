import { openSimulatedStorage } from '../storage/index.js'
import { Checker } from './checker.js'
import type { Device } from './device.js'
import { Dice } from './dice.js'
import { type Faults, randomFaults } from './faults.js'
import type { Mutation } from './node-process.js'
import { Script } from './script.js'
import { drawSettings, type Settings } from './settings.js'
import { World } from './world.js'

export interface SimulationOptions {
  readonly seed: number
  readonly settings?: Partial<Settings>
  readonly mutation?: Mutation
  /** Keeps the lines of the trace. */
  readonly trace?: boolean
  readonly faults?: (world: World) => Faults
}

export interface SimulationResult {
  readonly seed: number
  readonly settings: Settings
  /** Each begins with the invariant that does not hold; empty when all do. */
  readonly violations: readonly string[]
  /** Of all that happened, in order: the same for the same seed. */
  readonly hash: string
  readonly trace: readonly string[]
  readonly figures: Figures
}

export interface Figures {
  readonly events: number
  readonly virtualMs: number
  readonly crashes: number
  readonly messages: number
  readonly commits: number
  /** Events until every client had its last answer. */
  readonly busyEvents: number
  readonly writes: number
}

/** Lanes, sweeps and renewals are all done within this long after the last trouble. */
const QUIET_MS = 14_000

/** Lives one world to its end and says what did not hold. Never throws for what a world does. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, mutation, trace = false } = options
  const settings = { ...drawSettings(new Dice(seed, 'settings')), ...options.settings }
  const world = new World({ seed, settings, trace, ...(mutation && { mutation }) })
  let busyEvents = 0
  try {
    const faults = (options.faults ?? randomFaults)(world)
    world.startNode()
    await world.until(busy(world))
    busyEvents = world.time.events
    await comeToRest(world, faults)
    await check(world)
  } catch (error) {
    world.ledger.violated('no end', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const { time, ledger, bounds, crashes } = world
  return {
    seed,
    settings,
    violations: ledger.violations,
    hash: world.trace.hash,
    trace: world.trace.lines,
    figures: {
      events: time.events,
      virtualMs: Math.round(time.monotonic()),
      crashes,
      messages: ledger.sendings.length,
      commits: bounds.commits,
      busyEvents,
      writes: world.process?.storage?.counters.batches ?? 0,
    },
  }
}

/** Accounts, groups, then everyone's script at once; resolves when all was answered. */
async function busy(world: World): Promise<void> {
  const { users, devicesPerUser, groups } = world.settings
  for (let user = 1; user <= users; user++) {
    for (let index = 1; index <= devicesPerUser; index++) world.addDevice(user, index).connect()
  }
  const { devices } = world
  await Promise.all(devices.map((device) => signUp(world, device)))
  const scripts = devices.map((device) => new Script(world, device))
  await Promise.all(
    Array.from({ length: groups }, (_, index) => scripts[index % scripts.length]?.createGroup(index + 1)),
  )
  await Promise.all(scripts.map((script) => script.run()))
}

async function signUp(world: World, device: Device): Promise<void> {
  const { user, authKey } = device
  const profile = { firstName: `${user}`, lastName: '', about: '' }
  await device.insist('register', ({ me }) => me.register({ phone: `${user}`, profile }))
  const nowMs = world.time.now()
  await device.insist('authorize', ({ me }) =>
    me.authorize({
      authKey,
      hash: authKey,
      createdAtMs: nowMs,
      activeAtMs: nowMs,
      layer: 228,
      apiId: 1,
      deviceModel: '',
      systemVersion: '',
      appVersion: '',
      langCode: 'en',
      address: '',
    }),
  )
}

/** Nobody calls a chat from here on: what is undelivered must be found by the node itself. */
async function comeToRest(world: World, faults: Faults): Promise<void> {
  faults.heal()
  if (world.settings.crashesAtEnd) await world.until(lastWords(world))
  world.trace.note('world', 'nobody calls a chat any more')
  await world.run(() => world.time.now() > world.ledger.lastDueMs)
  await world.run(() => false, QUIET_MS + 3 * world.settings.sweepEveryMs)
  await world.run(() => world.devices.every(({ isSettled }) => isSettled), 20_000)
}

/** Everybody says one thing more, and the node dies about when they are answered: between the sender's box and others'. */
async function lastWords(world: World): Promise<void> {
  const dice = world.diceFor('end')
  const crashAt = world.time.events + dice.between(1, 25 * world.devices.length)
  world.beforeEvent = () => {
    if (world.time.events < crashAt) return
    world.beforeEvent = undefined
    world.crash('about the last answers')
  }
  await Promise.all(world.devices.map((device) => new Script(world, device, 'last').sayOne()))
}

async function check(world: World): Promise<void> {
  const checker = new Checker(world)
  const { process } = world
  const system = process?.system
  if (!process?.hasSwept || system === undefined) throw new Error('the node does not come back')
  await world.until(checker.compareDevices(system))
  for (const device of world.devices) device.disconnect(1_000_000)
  await world.run(() => false, 10_000)
  world.bounds.checkQuiet()
  await world.until(system.stop())
  await world.until(process.storage!.close())
  const storage = await world.until(openSimulatedStorage(world.disk, { shardCount: 8 }))
  await world.until(checker.compareStored(storage))
}
