// `npm run shards -- list`, `npm run shards -- move <shards> <server>`: as `npx heliograph shards` does.

process.argv.splice(2, 0, 'shards')
await import('./heliograph.mjs')
