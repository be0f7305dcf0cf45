// `npm run migrate`: brings the tables of the servers that the settings name to this program's version, as
// `npx heliograph schema` does. Run it before the new program starts; running it again changes nothing.

process.argv.splice(2, Number.POSITIVE_INFINITY, 'schema')
await import('./heliograph.mjs')
