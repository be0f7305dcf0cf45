import { SeededRandom } from '../../runtime/testing/index.js'
import type { WholeHarness } from '../contract/harness.js'
import { SimulatedDisk } from '../simulated/simulated-disk.js'
import { openSimulatedStorage } from '../simulated/simulated-storage.js'
import { EagerClock } from './eager-clock.js'
import { processOf } from './storage-process.js'

let nextSeed = 1

/** A simulated disk on virtual time; each harness of a run has its own seed, the same in every run. */
export function simulatedHarness(): WholeHarness {
  let crashed = () => {}
  const disk = new SimulatedDisk({
    clock: new EagerClock(),
    random: new SeededRandom(nextSeed++),
    onCrash: () => crashed(),
  })
  return {
    async start() {
      return processOf(await openSimulatedStorage(disk))
    },
    async crash() {
      disk.crash()
    },
    crashAfter(writes) {
      disk.crashAfter(writes)
      return new Promise((resolve) => {
        crashed = resolve
      })
    },
    async dispose() {},
  }
}
