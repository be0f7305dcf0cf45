// `npm run sim -- --seeds 1000`: builds, then runs the simulation in this process.

import { prepare } from './prepare.mjs'
import { main } from './project.mjs'

await main(() => prepare({ dev: true }))
process.setSourceMapsEnabled(true)
await import(new URL('../dist/simulation/main.js', import.meta.url).href)
