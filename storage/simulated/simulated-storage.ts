import { type EmbeddedStorage, type EmbeddedStorageOptions, storageOn } from '../embedded/embedded-storage.js'
import type { SimulatedDisk } from './simulated-disk.js'
import { SimulatedKv } from './simulated-kv.js'

/** The embedded driver, as it is, on a simulated disk: what a process that starts now finds there. */
export function openSimulatedStorage(
  disk: SimulatedDisk,
  options: Pick<EmbeddedStorageOptions, 'self' | 'shardCount' | 'limits'> = {},
): Promise<EmbeddedStorage> {
  return storageOn(new SimulatedKv(disk, options.limits), options, async () => undefined)
}
