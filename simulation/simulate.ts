import { Checker } from './checker.js'
import { drawClusterSettings } from './cluster/cluster-settings.js'
import { ClusterWorld } from './cluster/cluster-world.js'
import type { Device } from './device.js'
import { Dice } from './dice.js'
import type { Faults } from './faults.js'
import type { Mutation } from './mutation.js'
import { Script } from './script.js'
import { drawSettings, type Settings } from './settings.js'
import { SingleWorld } from './single-world.js'
import type { World, WorldOptions } from './world.js'

/** One node on a disk of its own, or several on a ring of Cassandra. */
export type WorldKind = 'single' | 'cluster'

export interface SimulationOptions {
  /** Default: `single`. */
  readonly kind?: WorldKind
  readonly seed: number
  readonly settings?: Partial<Settings>
  readonly mutation?: Mutation
  /** Keeps the lines of the trace. */
  readonly trace?: boolean
  /** Of a single node, in place of what the seed decides. */
  readonly faults?: (world: SingleWorld) => Faults
  /** Of several nodes, in place of what the seed decides. */
  readonly clusterFaults?: (world: ClusterWorld) => Faults
}

export interface SimulationResult {
  readonly kind: WorldKind
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
  /** Requests that had to be asked again, though the connection held. */
  readonly unanswered: number
  /** What each answer took a device, of virtual time. */
  readonly waitsMs: readonly number[]
}

/** Lives one world to its end and says what did not hold. Never throws for what a world does. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { kind = 'single', seed } = options
  const settings = settingsOf(options)
  const { world, faults } = worldOf(options, settings)
  let busyEvents = 0
  try {
    const { heal } = faults()
    world.begin()
    await world.until(busy(world))
    busyEvents = world.time.events
    await comeToRest(world, heal)
    await check(world)
  } catch (error) {
    world.ledger.violated('no end', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const { time, ledger, crashes } = world
  return {
    kind,
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
      busyEvents,
      unanswered: ledger.unanswered,
      waitsMs: ledger.waitsMs.map(Math.round),
      ...world.figures,
    },
  }
}

function settingsOf({ kind, seed, settings }: SimulationOptions): Settings {
  const drawn = drawSettings(new Dice(seed, 'settings'))
  const cluster = kind === 'cluster' && drawClusterSettings(new Dice(seed, 'cluster'))
  return { ...drawn, ...cluster, ...settings }
}

function worldOf(options: SimulationOptions, settings: Settings): { world: World; faults: () => Faults } {
  const { kind, seed, mutation, trace = false, faults, clusterFaults } = options
  const given: WorldOptions = { seed, settings, trace, ...(mutation && { mutation }) }
  if (kind === 'cluster') {
    const world = new ClusterWorld(given)
    return { world, faults: () => clusterFaults?.(world) ?? world.randomFaults() }
  }
  const world = new SingleWorld(given)
  return { world, faults: () => faults?.(world) ?? world.randomFaults() }
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
async function comeToRest(world: World, heal: () => void): Promise<void> {
  heal()
  if (world.settings.crashesAtEnd) await world.until(lastWords(world))
  world.trace.note('world', 'nobody calls a chat any more')
  await world.run(() => world.time.now() > world.ledger.lastDueMs)
  await world.run(() => false, world.quietMs + 3 * world.settings.sweepEveryMs)
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
  await world.until(checker.compareDevices(world.askingSystem()))
  for (const device of world.devices) device.disconnect(1_000_000)
  await world.run(() => false, 10_000)
  await world.until(world.stop())
  await world.until(checker.compareStored(await world.until(world.openStored())))
}
