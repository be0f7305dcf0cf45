export type { EmbeddedStorage } from './embedded/embedded-storage.js'
export { openEmbeddedStorage } from './embedded/embedded-storage.js'
export { SimulatedDisk } from './simulated/simulated-disk.js'
export { openSimulatedStorage } from './simulated/simulated-storage.js'
