// `npm run bench -- <scenario>`: builds, then runs the bench harness in this process.

import { prepare } from './prepare.mjs'
import { main } from './project.mjs'

await main(() => prepare({ dev: true }))
process.setSourceMapsEnabled(true)
await import(new URL('../dist/bench/main.js', import.meta.url).href)
