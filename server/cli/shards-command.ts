import { type Command, type CommandContext, WrongUsage } from './command.js'

/** Where the logical shards of PostgreSQL lie. A move goes on while the program runs, and again after it was cut off. */
export const shardsCommand: Command = {
  summary: 'lists where the shards of PostgreSQL lie, and moves them (as npm run shards)',
  usage: `usage: npx heliograph shards list
       npx heliograph shards move 0-255 <server>     account, name and index shards 0 to 255
       npx heliograph shards move name:17 <server>   one shard of one family

HELIOGRAPH_POSTGRES_SERVERS names the servers: "a=postgres://... b=postgres://...". A move may run while the program
does; when it was cut off, the same command goes on with it.`,

  async run([verb, ...args], context) {
    const isRight = (verb === 'list' && args.length === 0) || (verb === 'move' && args.length === 2)
    if (!isRight) throw new WrongUsage('shards takes list, or move with shards and a server.')
    // Loaded when it runs: the drivers of all stores take longer to load than most commands take in all.
    const { namedServers } = await import('./servers.js')
    const { postgres: servers } = namedServers(context)
    if (!servers) throw new WrongUsage('Set HELIOGRAPH_POSTGRES_SERVERS: it names the servers (docs/operations.md).')
    await (verb === 'list' ? list(servers, context) : move(args as [string, string], servers, context))
    return 0
  },
}

type Servers = Parameters<typeof import('../../storage/index.js')['shardTable']>[0]

async function list(servers: Servers, { say }: CommandContext): Promise<void> {
  const { shardTable } = await import('../../storage/index.js')
  for (const { server, family, state, shards, first, last } of await shardTable(servers)) {
    say(`${server}\t${family}\t${state}\t${shards} of 1024, from ${first} to ${last}`)
  }
}

async function move([text, to]: [string, string], servers: Servers, { say, clock }: CommandContext): Promise<void> {
  const { moveShards, readShards } = await import('../../storage/index.js')
  let rows = 0
  let moved = 0
  let longestMs = 0
  const shards = readShards(text)
  // One at a time, so that what is done is told when a later one fails.
  for (const shard of shards) {
    for (const each of await moveShards([shard], { servers, to, nowMs: () => clock.monotonic() })) {
      moved++
      rows += each.rows
      longestMs = Math.max(longestMs, each.lockedMs)
      say(`${shard.family} ${shard.shard}: ${each.from} -> ${each.to}, ${each.rows} rows`)
    }
  }
  const there = shards.length - moved
  say(`${moved} moved, ${there} there already; ${rows} rows; longest wait of a write ${longestMs.toFixed(1)} ms`)
}
