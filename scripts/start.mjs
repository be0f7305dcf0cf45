// `npm start`: from a fresh clone to a running server; does only what is not done yet.

import { prepare } from './prepare.mjs'
import { main } from './project.mjs'

await main(() => prepare({ dev: false }))

// The server runs in this very process: a signal reaches it without anybody passing it on, and its exit code is ours.
process.setSourceMapsEnabled(true)
await import(new URL('../dist/server/main.js', import.meta.url).href)
