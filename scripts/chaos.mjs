// `npm run chaos -- <experiment>`: builds, then disturbs a cluster of real processes under load and says what clients saw.

import { prepare } from './prepare.mjs'
import { main } from './project.mjs'

await main(() => prepare({ dev: true }))
process.setSourceMapsEnabled(true)
await import(new URL('../dist/chaos/main.js', import.meta.url).href)
