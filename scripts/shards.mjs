// `npm run shards -- list`, `npm run shards -- move <shard|range> <server>`: where the logical shards of PostgreSQL lie.
// A move goes on while the program runs; when it was cut off, the same command goes on with it.

import { prepare } from './prepare.mjs'
import { main, StepFailed, saidInALine } from './project.mjs'
import { storePlaces } from './store-places.mjs'

const usage = `usage:
  npm run shards -- list
  npm run shards -- move 0-255 <server>       account, name and index shards 0 to 255
  npm run shards -- move name:17 <server>     one shard of one family
HELIOGRAPH_POSTGRES_SERVERS names the servers: "a=postgres://... b=postgres://..."`

async function list(servers, { shardTable }) {
  for (const { server, family, state, shards, first, last } of await shardTable(servers)) {
    console.log(`${server}\t${family}\t${state}\t${shards} of 1024, from ${first} to ${last}`)
  }
}

async function move([text, to], servers, { moveShards, readShards }) {
  let rows = 0
  let longestMs = 0
  const shards = readShards(text)
  const moves = []
  // One at a time, so that what is done is told when a later one fails.
  for (const shard of shards) {
    for (const each of await moveShards([shard], { servers, to, nowMs: () => performance.now() })) {
      moves.push(each)
      rows += each.rows
      longestMs = Math.max(longestMs, each.lockedMs)
      console.log(`${shard.family} ${shard.shard}: ${each.from} -> ${each.to}, ${each.rows} rows`)
    }
  }
  const there = shards.length - moves.length
  console.log(
    `${moves.length} moved, ${there} there already; ${rows} rows; longest wait of a write ${longestMs.toFixed(1)} ms`,
  )
}

await main(async () => {
  const [command, ...args] = process.argv.slice(2)
  const isRight = (command === 'list' && args.length === 0) || (command === 'move' && args.length === 2)
  if (!isRight || !process.env.HELIOGRAPH_POSTGRES_SERVERS) {
    console.error(usage)
    throw new StepFailed('shards', 2)
  }
  await prepare({ dev: false })
  const storage = await import('../dist/storage/index.js')
  await saidInALine('shards', async () => {
    const { postgres: servers } = await storePlaces()
    await (command === 'list' ? list(servers, storage) : move(args, servers, storage))
  })
})
