#!/usr/bin/env node
// `npx heliograph <command>`: from a fresh clone too; does first only what is not done yet. The commands: server/cli/.

import { prepare } from './prepare.mjs'
import { main } from './project.mjs'

await main(() => prepare({ dev: false }))

process.setSourceMapsEnabled(true)
await import(new URL('../dist/server/cli/main.js', import.meta.url).href)
