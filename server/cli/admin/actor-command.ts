import type { ActorRow, ActorStatus } from '../../../cluster/index.js'
import { type Command, WrongUsage } from '../command.js'
import { asking, askingOptions } from './admin-client.js'
import { bytes, count, duration, table, timeOfDay } from './table.js'

/** Who is in memory, and who is busy. */
export const actorsCommand: Command = {
  summary: 'the actors of a kind that did something just now, the busiest first',
  usage: `usage: npx heliograph actors <kind> [--hot] [--limit <count>] [options]

Kinds: chat, user, auth-key, login-code, id-allocator. busy is the share of the last seconds in which one of its turns ran;
wait is how long its calls waited for their turn, on the average.

  --hot            only those that were busy for a hundredth of the time or more
  --limit <count>  at most so many; 50 unless given, 1000 at most
${askingOptions}`,

  async run(args, context) {
    const takes = { names: ['kind'], flags: { hot: 'boolean', limit: 'string' } } as const
    const { client, names, json, flags } = await asking(args, context, takes)
    const limit = flags.limit ?? '50'
    if (!/^\d+$/.test(limit)) throw new WrongUsage(`--limit ${limit}: give a number.`)
    const all = await client.get<ActorRow[]>('actors', { kind: names[0]!, limit })
    const rows = flags.hot ? all.filter(({ busy }) => busy >= 0.01) : all
    const { say } = context
    if (json) say(JSON.stringify(rows))
    else for (const line of actorLines(rows)) say(line)
    return 0
  },
}

function actorLines(rows: readonly ActorRow[]): string[] {
  const head = ['actor', 'node', 'turns/s', 'busy', 'wait']
  const cells = rows.map(({ kind, key, node, turnsPerSecond, busy, waitMs }) => [
    `${kind}/${key}`,
    node,
    turnsPerSecond < 10 ? turnsPerSecond.toFixed(1) : count(turnsPerSecond),
    `${(busy * 100).toFixed(1)} %`,
    duration(waitMs),
  ])
  return rows.length === 0 ? ['There is none.'] : table(head, cells)
}

/** One actor. */
export const actorCommand: Command = {
  summary: 'one actor: its node, state, queue, last error and last turns',
  usage: `usage: npx heliograph actor <kind> <id> [options]

A user's id is its number; a chat's is p<user>-<user>, the smaller first, or g<number> of a group.

${askingOptions}`,

  async run(args, context) {
    const { client, names, json } = await asking(args, context, { names: ['kind', 'id'], flags: {} })
    const [kind = '', id = ''] = names
    const status = await client.get<ActorStatus>('actor', { kind, id })
    const { say } = context
    if (json) say(JSON.stringify(status))
    else for (const line of statusLines(status)) say(line)
    return 0
  },
}

function statusLines({ kind, key, shard, owner, epoch, next, activation, turns }: ActorStatus): string[] {
  const lines = [
    `${kind}/${key}`,
    `  shard ${shard}, epoch ${epoch}, ${owner === undefined ? 'owned by nobody now' : `on node ${owner}`}${next ? `, to go to ${next}` : ''}`,
  ]
  const { resident, lastError } = activation ?? {}
  if (activation === undefined) lines.push('  its node does not answer')
  else if (resident === undefined) lines.push('  not in memory')
  else {
    const { phase, waitingCalls, underWay, stateBytes, head, idleMs } = resident
    lines.push(`  ${phase}, ${waitingCalls} calls wait, ${underWay} under way, used ${duration(idleMs)} ago`)
    lines.push(`  state ${stateBytes === undefined ? 'not there yet' : bytes(stateBytes)}, journal at ${head.pts}`)
  }
  if (lastError) lines.push(`  last error, ${timeOfDay(lastError.atMs)}: ${lastError.message}`)
  if (turns.length > 0) lines.push('', ...hopLines(turns.slice(-20)))
  return lines
}

/** Turns as a table. */
export function hopLines(hops: readonly ActorStatus['turns'][number][]): string[] {
  const head = ['ended', 'node', 'actor', 'method', 'waited', 'ran', 'trace']
  const cells = hops.map(({ atMs, node, actor, method, waitMs, runMs, failed, traceId }) => [
    timeOfDay(atMs),
    node,
    actor,
    failed ? `${method} (failed)` : method,
    duration(waitMs),
    duration(runMs),
    traceId,
  ])
  return table(head, cells)
}
