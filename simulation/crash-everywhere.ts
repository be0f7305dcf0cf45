import { crashAfterWrites, crashAtEvent } from './faults.js'
import type { Settings } from './settings.js'
import { type SimulationResult, simulate } from './simulate.js'

/** Small enough to be crashed at every single point. */
const SMALL: Partial<Settings> = {
  users: 3,
  devicesPerUser: 1,
  groups: 1,
  actionsPerDevice: 4,
  longestThoughtMs: 2,
  crashes: 0,
  crashesAtEnd: false,
  diskTroubles: false,
}

export interface Crashes {
  readonly events: number
  readonly writes: number
  readonly failures: readonly { readonly where: string; readonly result: SimulationResult }[]
}

/**
 * One world as often as it has events and writes, each time with one crash: before the first event, before the second,
 * and so on; then after the first write, after the second, and so on. Between two of these nothing leaves the process.
 */
export async function crashEverywhere(seed: number): Promise<Crashes> {
  const { figures } = await simulate({ seed, settings: SMALL, faults: () => ({ heal: () => undefined }) })
  const failures: { where: string; result: SimulationResult }[] = []
  const add = (where: string, result: SimulationResult) => {
    if (result.violations.length > 0) failures.push({ where, result })
  }
  for (let event = 1; event <= figures.busyEvents; event++) {
    const faults = (world: Parameters<typeof crashAtEvent>[0]) => crashAtEvent(world, event)
    add(`before event ${event}`, await simulate({ seed, settings: SMALL, faults }))
  }
  for (let write = 0; write < figures.writes; write++) {
    const faults = (world: Parameters<typeof crashAfterWrites>[0]) => crashAfterWrites(world, write)
    add(`after write ${write}`, await simulate({ seed, settings: SMALL, faults }))
  }
  return { events: figures.busyEvents, writes: figures.writes, failures }
}
