import type { Dice } from '../dice.js'
import type { Faults } from '../faults.js'
import type { Trouble } from './cluster-settings.js'
import type { ClusterWorld } from './cluster-world.js'
import type { Machine } from './machine.js'

/** What goes wrong among several nodes until it is healed: one trouble after another, each for a while, some at once. */
export function clusterFaults(world: ClusterWorld): Faults {
  const troubles = new Troubles(world)
  world.spawn(troubles.run())
  return { heal: () => troubles.heal() }
}

class Troubles {
  readonly #world: ClusterWorld
  readonly #dice: Dice
  readonly #ends = new Set<() => void>()
  #isOver = false

  constructor(world: ClusterWorld) {
    this.#world = world
    this.#dice = world.diceFor('troubles')
  }

  heal(): void {
    this.#isOver = true
    for (const end of this.#ends) end()
    this.#world.calm()
    this.#world.trace.note('world', 'all troubles end')
  }

  async run(): Promise<void> {
    const { time, clusterSettings } = this.#world
    const { troubles, troubleCount, troubleEveryMs } = clusterSettings
    if (Object.values(troubles).every((weight) => weight === 0)) return
    await time.pause(this.#dice.within(300, 1_500))
    for (let count = 0; count < troubleCount && !this.#isOver; count++) {
      this.#begin(this.#dice.weighted(troubles))
      await time.pause(this.#dice.within(1, troubleEveryMs))
    }
  }

  #begin(trouble: Trouble): void {
    const machine = this.#dice.pick(this.#world.machines)
    const lastsMs = this.#dice.within(...this.#world.clusterSettings.troubleMs)
    const end = this.#strike(trouble, machine, lastsMs)
    if (end) this.#later(lastsMs, end)
  }

  /** Returns what ends it, where it has an end. */
  #strike(trouble: Trouble, machine: Machine, lastsMs: number): (() => void) | undefined {
    const { trace, network, ring, living } = this.#world
    const { name } = machine
    const node = living.find((each) => each.name === name)
    const note = (who: string, what: string) => trace.note(who, `${what} for ${Math.round(lastsMs)} ms`)
    switch (trouble) {
      case 'crash':
        if (node) this.#world.kill(node, 'by chance')
        return undefined
      case 'restart':
        if (node?.isServing) this.#world.spawn(this.#world.restart(node))
        return undefined
      case 'stall':
      case 'suspend':
        note(name, `${trouble}s`)
        machine.halt(lastsMs, trouble === 'suspend')
        return () => machine.goOn()
      case 'part':
      case 'partOneWay':
        return this.#part(machine, trouble === 'part', note)
      case 'cutStorage':
        return this.#awayFromStorage([machine], note)
      case 'outage':
        return this.#awayFromStorage(this.#dice.chance(0.6) ? this.#world.machines : this.#half(), note)
      case 'replica': {
        const replica = this.#dice.int(3)
        note('ring', `replica ${replica} is away`)
        ring.stop(replica)
        return () => ring.start(replica)
      }
      case 'slow':
        note('network', 'is slow')
        network.slowestHopMs = 60
        return () => {
          network.slowestHopMs = this.#world.settings.slowestHopMs
        }
    }
  }

  #half(): readonly Machine[] {
    const { machines } = this.#world
    return machines.filter((_, index) => index % 2 === 0)
  }

  #awayFromStorage(machines: readonly Machine[], note: (who: string, what: string) => void): () => void {
    for (const machine of machines) {
      note(machine.name, 'does not reach Cassandra')
      this.#world.cutStorage(machine, true)
    }
    return () => {
      for (const machine of machines) this.#world.cutStorage(machine, false)
    }
  }

  /** From one machine to another, or to all others. */
  #part(machine: Machine, bothWays: boolean, note: (who: string, what: string) => void): () => void {
    const { machines, network } = this.#world
    const others = machines.filter((each) => each !== machine).map(({ name }) => name)
    const from = this.#dice.chance(0.4) ? others : [this.#dice.pick(others)]
    const ways = from.flatMap((other): [string, string][] => [
      [machine.name, other],
      ...(bothWays ? [[other, machine.name] satisfies [string, string]] : []),
    ])
    note('network', `no way ${ways.map(([one, other]) => `${one}>${other}`).join(' ')}`)
    for (const way of ways) network.block(...way)
    // Who reaches nobody reaches NATS as little.
    machine.isOffBus = from === others && bothWays
    return () => {
      for (const way of ways) network.free(...way)
      machine.isOffBus = false
    }
  }

  #later(ms: number, end: () => void): void {
    const once = () => {
      if (this.#ends.delete(once)) end()
    }
    this.#ends.add(once)
    this.#world.time.setTimer(ms, once)
  }
}
